"""One request, however many questions it asks of the gate: what counts once for it.

A page asks for the types, for a few entities and for a sum; an API call asks for entities and then for one more to see whether
there are others. For whoever looks, that is one use of a permission, and one read of each type. The application begins an
occasion with each request; threads that work for the request share it. Work that no request asked for has none, and each of its
questions counts.
"""

from __future__ import annotations

from contextvars import ContextVar
from time import monotonic
from typing import Final

__all__ = ["Occasion", "begin", "current"]

_LONG: Final = 60.0
"""Seconds after which a request that goes on, such as a stream, counts again."""


class Occasion:
    """What was counted for a request."""

    __slots__ = ("_until", "reads", "uses")

    def __init__(self) -> None:
        self.uses: dict[tuple[str, ...], bool] = {}
        """Rules with a rate, and whose use it was: whether there was any left."""
        self.reads: set[tuple[str, str]] = set()
        """Kinds of readers, and types that they read."""
        self._until = 0.0

    def renewed(self) -> Occasion:
        """This one; where it has lasted long, as if it had just begun."""
        now = monotonic()
        if now > self._until:
            self.uses.clear()
            self.reads.clear()
            self._until = now + _LONG
        return self


_CURRENT: ContextVar[Occasion | None] = ContextVar("occasion", default=None)


def begin() -> None:
    """Begin a request: what is asked from now on, in this context, belongs to it."""
    _CURRENT.set(Occasion())


def current() -> Occasion | None:
    """The request for which work is done at present; ``None``: for none."""
    found = _CURRENT.get()
    return None if found is None else found.renewed()
