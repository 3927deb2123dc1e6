"""What ``hansa log about`` and ``hansa log erase`` do, in the process that has the node open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from hansa.kernel.errors import BadRequest
from hansa.trust.log.commitments import Event, Opening, Side
from hansa.trust.principals import LOCAL

if TYPE_CHECKING:
    from hansa.node import Node

__all__ = ["do_log"]


def do_log(node: Node, task: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Do the task "about" or "erase" for the ``side`` and ``value`` that are given.

    Raises:
        BadRequest: there is no such task.
        Unavailable: the disk refused.
    """
    side, value = cast("Side", given["side"]), str(given["value"])
    if task == "about":
        return {"entries": _about(node, side, value)}
    if task == "erase":
        # The entry says that something was erased, and not what: that would be there again.
        node.trust.log.record(Event("erasure", LOCAL.name, reason="openings-erased"))
        node.trust.log.readings.settle()
        return {"erased": node.trust.openings.erase(side, value)}
    raise BadRequest("the task", f"'{task[:50]}' is not one of the log's")


def _about(node: Node, side: Side, value: str) -> list[dict[str, Any]]:
    """The entries about it, with what else of them can be opened: who did it, if a thing was asked for."""
    found = []
    for numbered, opening in node.trust.log.about(side, value):
        entry = numbered.entry
        found.append(
            {
                "index": numbered.index,
                "time": entry.time,
                "kind": entry.kind,
                "who": value if side == "who" else _who(node, opening),
                "what": [value] if side == "what" else [],
                "reason": entry.reason,
                "rules": list(entry.rules),
            }
        )
    return found


def _who(node: Node, opening: Opening) -> str:
    """Whose act the entry of an opening is; "" where that was erased."""
    (numbered,) = node.trust.log.entries(opening.index, opening.index + 1)
    found = node.trust.openings.principals(opening.index)
    return next((each.value for each in found if each.opens(numbered.entry)), "")
