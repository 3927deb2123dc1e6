"""What other brokers tell, cut to what somebody may see, as what is here is.

An entity is judged by all that is known of it: what is here (all of it, whatever of that may be seen) and what was told.
Of the past of an entity that is not here only types and identifier are known: what depends on more stays hidden. Conditions
of whoever asks are to be looked at after the cut, or they would tell what it hides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import orjson

from hansa.hub.federation.evolutions import Evolution
from hansa.hub.federation.past import Pasts
from hansa.ngsild.model import ENTITY_MEMBERS, Entity
from hansa.store.history import SCOPE
from hansa.store.port import Reader, Shape
from hansa.store.within import last_change
from hansa.trust.guard.sieve import Sieve
from hansa.trust.guard.witness import Notes

__all__ = ["Veil"]

_LISTS: Final = ("type", "scope")


class Veil:
    """Cuts what was told for one principal.

    Args:
        store: all that is here.
        sieve: what may be seen.
        notes: where readings are put down.
    """

    def __init__(self, store: Reader, sieve: Sieve, notes: Notes) -> None:
        self._store, self._sieve, self._notes = store, sieve, notes

    @property
    def hides(self) -> bool:
        """Whether it may hide anything."""
        return not self._sieve.is_whole

    def entities(self, told: Sequence[Entity]) -> list[Entity]:
        """What is left of entities; the reading of what not everybody may see of it is put down."""
        found: list[Entity] = []
        noted: list[str] = []
        for entity in told:
            left = self._entity(entity)
            if left is not None:
                found.append(left)
                if self._notes.is_restricted(entity, left) and self._here(entity["id"]) is None:
                    noted.append(entity["id"])  # the reading of what is here is put down already
        self._notes.entities(noted)
        return found

    def _entity(self, entity: Entity) -> Entity | None:
        if not self.hides:
            return entity
        here = self._here(entity["id"])
        whole = entity if here is None else _together(here, entity)
        if self._sieve.shown(whole) is None:
            return None
        names = [name for name in entity if name not in ENTITY_MEMBERS]
        shown = self._sieve.names_shown(whole, names)
        if len(shown) == len(names):
            return entity
        left = {k: v for k, v in entity.items() if k in ENTITY_MEMBERS or k in shown}
        if "modifiedAt" in left:  # it does not tell when something hidden changed
            left["modifiedAt"] = last_change(left) or left["modifiedAt"]
        return left

    def pasts(self, pasts: Pasts) -> Pasts:
        """What is left of pasts."""
        if not self.hides:
            return pasts
        return Pasts(
            [
                replace(
                    heard,
                    evolutions=tuple(
                        left
                        for each in heard.evolutions
                        if (left := self._evolution(each)) is not None
                    ),
                )
                for heard in pasts.heard
            ]
        )

    def _evolution(self, told: Evolution) -> Evolution | None:
        head, sieve = told.head, self._sieve
        names = [name for name in told.series if name != SCOPE]
        least: Entity = {"id": head.id, "type": list(head.types)}
        here = self._here(head.id)
        if here is not None:
            whole = _together(here, least)
            if sieve.shown(whole) is None:
                return None
            shown = sieve.names_shown(whole, names)
        elif not sieve.knows(head.types, head.id):
            return None
        else:
            shown = sieve.names_known(head.types, head.id, names)
        left = {name: v for name, v in told.series.items() if name == SCOPE or name in shown}
        return told if len(left) == len(told.series) else Evolution(head, left)

    def shapes(self, told: Sequence[Shape]) -> list[Shape]:
        """The kinds that certainly may be seen."""
        if not self.hides:
            return list(told)
        found = []
        for shape in told:
            if not self._sieve.knows(shape.types, ""):
                continue
            names = self._sieve.names_known(shape.types, "", shape.attributes)
            left = {name: kinds for name, kinds in shape.attributes.items() if name in names}
            found.append(replace(shape, attributes=left))
        return found

    def _here(self, id: str) -> Entity | None:
        raw = self._store.get(id)
        if raw is None:
            return None
        found: Entity = orjson.loads(raw)
        return found


def _together(here: Entity, told: Entity) -> Entity:
    """All that is known of an entity."""
    whole = {**here, **told}
    for name in here.keys() & told.keys():
        if name in _LISTS or name not in ENTITY_MEMBERS:
            whole[name] = [*here[name], *told[name]]
    return whole
