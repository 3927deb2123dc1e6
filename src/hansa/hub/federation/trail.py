"""Where a request has been: the Via header, and the names of this node in it (clauses 4.3.6.4 and 6.3.18).

Every tenant of a node has a name of its own, because each is a context source of its own (4.14).
"""

from __future__ import annotations

import re
from typing import Final

from hansa.kernel.errors import LoopDetected

__all__ = ["MOST_HOPS", "alias_of", "onward", "read_via"]

MOST_HOPS: Final = 16
_PROTOCOL: Final = "1.1"
_COMMENT: Final = re.compile(r"\([^()]*\)")


def alias_of(node: str, tenant: str | None) -> str:
    """The name of a tenant of a node in a Via header."""
    return node if tenant is None else f"{node}~{tenant}"


def read_via(header: str | None) -> tuple[str, ...]:
    """The names in a Via header, in the order of the hops.

    Raises:
        LoopDetected: there are so many that the request must be going in circles.
    """
    if not header:
        return ()
    names = []
    for hop in _COMMENT.sub("", header).split(","):
        words = hop.split()
        if len(words) >= 2:
            names.append(words[1])
        elif words:
            names.append(words[0])
    if len(names) > MOST_HOPS:
        raise LoopDetected(
            "the request", f"has passed more than {MOST_HOPS} brokers", "look at the Via header"
        )
    return tuple(names)


def onward(via: tuple[str, ...], alias: str) -> str:
    """The Via header of a request that goes on from here."""
    return ", ".join(f"{_PROTOCOL} {name}" for name in (*via, alias))
