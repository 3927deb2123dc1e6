"""What of a write goes to which source, and what is done here (clauses 4.3.6.2, 4.3.6.3 and 5.6).

Rules, in order: what an exclusive registration claims goes there alone; of the rest, what redirect
registrations claim goes to all of those; what is left goes to the inclusive ones that offer the
operation, and is done here too. A claim of a source that does not offer the operation is refused.
Auxiliary registrations take no part. Pure functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from hansa.hub.registrations.matching import Part, Wanted, parts
from hansa.hub.registrations.model import Registration

__all__ = ["ALL", "Forward", "Plan", "plan_write"]

ALL: Final[frozenset[str]] = frozenset()
"""In place of names of attributes: the whole entity."""


@dataclass(frozen=True, slots=True)
class Forward:
    """Something for one source: these attributes (none named: everything that was sent)."""

    part: Part
    attributes: frozenset[str] = ALL


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the parts of a write go.

    Attributes:
        forwards: what goes to sources.
        refused: what a source claims without offering the operation.
        rest: the attributes that are done here; empty: all that were sent.
        local: whether anything is done here.
    """

    forwards: tuple[Forward, ...] = ()
    refused: tuple[Forward, ...] = ()
    rest: frozenset[str] = ALL
    local: bool = True

    @property
    def is_local(self) -> bool:
        """Whether no source has anything to do with it."""
        return not self.forwards and not self.refused

    @property
    def claimed(self) -> frozenset[str]:
        """The attributes that are not done here because a source claims them."""
        names = (
            f.attributes for f in (*self.forwards, *self.refused) if f.part.registration.is_proxy
        )
        return frozenset().union(*names)


def plan_write(
    registrations: Iterable[Registration],
    wanted: Wanted,
    names: frozenset[str] | None,
    operations: Sequence[str],
    *,
    past: bool = False,
) -> Plan:
    """The plan of a write to one entity.

    Args:
        wanted: the entity; its ``attributes`` are not looked at.
        names: the attributes written; None when it is about the entity as a whole (its deletion).
        operations: the names of the operation, any of which will do.
        past: whether its history is written.
    """
    concerned = [r for r in registrations if r.mode != "auxiliary" and (past or not r.temporal)]
    forwards: list[Forward] = []
    refused: list[Forward] = []
    left = names
    whole_taken = False
    for mode in ("exclusive", "redirect"):
        taken: set[str] = set()
        for registration in concerned:
            if registration.mode != mode:
                continue
            for part, claimed in _claims(registration, wanted, left, names):
                offers = not registration.operations.isdisjoint(operations)
                (forwards if offers else refused).append(Forward(part, claimed))
                taken |= claimed
                whole_taken = whole_taken or (names is not None and not part.attributes)
        if left is not None:
            left -= taken
    nothing_left = names is not None and (whole_taken or (bool(names) and not left))
    if not nothing_left:
        for registration in concerned:
            offers = not registration.operations.isdisjoint(operations)
            if registration.mode == "inclusive" and offers:
                claims = _claims(registration, wanted, left, names)
                forwards += [Forward(part, claimed) for part, claimed in claims]
    rest = ALL if left is None or left == names else left
    return Plan(tuple(forwards), tuple(refused), rest, not nothing_left)


def _claims(
    registration: Registration,
    wanted: Wanted,
    left: frozenset[str] | None,
    names: frozenset[str] | None,
) -> Iterable[tuple[Part, frozenset[str]]]:
    """The parts of a registration that the write falls into, with the attributes that it claims."""
    for part in parts(registration, wanted):
        if left is None or names is None:
            yield part, ALL
        elif not part.attributes:
            if left or not names:
                yield part, left
        elif left & part.attributes:
            yield part, left & part.attributes
