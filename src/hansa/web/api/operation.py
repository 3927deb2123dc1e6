"""One operation of the API, and the groups of parameters that several of them take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hansa.trust.gate import Verb
from hansa.web.api.answer import Answer
from hansa.web.api.call import Call

__all__ = ["LINKED", "MAPPED", "PAGED", "SHOWN", "WHERE", "Operation", "names_in"]

Handler = Callable[[Call], Awaitable[Answer]]

SHOWN = "options format sysAttrs lang pick omit attrs datasetId geometryProperty"
WHERE = (
    "type id idPattern q expandValues jsonKeys scopeQ georel geometry coordinates geoproperty csf local "
    "splitEntities"
)
LINKED = "join joinLevel containedBy"
PAGED = "limit offset count orderBy orderFrom orderGeometry collation"
MAPPED = "entityMap entityMapLifetime"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: what it is called, where it is and what it takes.

    ``open``: whether somebody may send it who may change nothing, although its verb is not ``GET``.
    ``subscribes``: whether it is about what tells its sender of changes, for which there are rules of their own.
    """

    verb: str
    path: str
    title: str
    clause: str
    handler: Handler
    parameters: frozenset[str] = frozenset()
    open: bool = False
    subscribes: bool = False

    @property
    def asks(self) -> Verb:
        """What the gate must let its sender do: entities are provided by the operations of clause 5.6."""
        if self.subscribes:
            return "subscribe"
        if self.verb == "GET" or self.open:
            return "read"
        return "bring" if self.clause.startswith("5.6.") else "write"


def names_in(*groups: str) -> frozenset[str]:
    """The names in some texts, separated by spaces."""
    return frozenset(" ".join(groups).split())
