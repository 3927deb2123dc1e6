"""Where an entity comes from, and what an import may change on it.

Every imported entity bears one attribute ``importedFrom``, a Relationship to the DataSource entity, with
what a reader must know at hand: licence, attribution, when this state of the entity was retrieved, by
which adapter, and the names of the attributes that the source provided. That list is what makes an
import a good neighbour: only what a source provides, or provided and no longer does, is changed;
everything else on the entity belongs to others.

An entity that nothing changes is returned as the very same object, so it is not written. What the
source no longer has gets ``vanishedAt``; when it comes back, the mark is taken away.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

from hansa.ngsild import merge
from hansa.ngsild.city import city_context, city_iri
from hansa.ngsild.model import Entity, Instance, attribute_names, attributes
from hansa.store.port import Edited
from hansa.trust.sources.belonging import IMPORTED_FROM

__all__ = [
    "IMPORTED_FROM",
    "VANISHED_AT",
    "Effect",
    "Stamp",
    "is_from",
    "is_same",
    "mark_vanished",
    "revise",
    "update",
]

Effect = Literal["created", "updated", "unchanged", "returned", "vanished"]
"""What an edit did; the detail of its outcome."""

VANISHED_AT: Final = city_iri("vanishedAt")

_PROVIDES: Final = city_iri("provides")
_LICENSE: Final = city_iri("license")
_ATTRIBUTION: Final = city_iri("attribution")
_RETRIEVED_AT: Final = city_iri("retrievedAt")
_ADAPTER: Final = city_iri("adapter")
_TIMES: Final = frozenset({"createdAt", "modifiedAt"})


@dataclass(frozen=True, slots=True)
class Stamp:
    """The provenance that all entities of one import share.

    Attributes:
        source_id: identifier of the DataSource entity.
        adapter: name and version of the spoke, for example ``gtfs 1``.
        retrieved_at: when the import began, as text.
    """

    source_id: str
    license: str
    attribution: str
    adapter: str
    retrieved_at: str

    @lru_cache(maxsize=1024)  # noqa: B019 - stamps are values, and few
    def attribute(self, names: tuple[str, ...]) -> list[Instance]:
        """The ``importedFrom`` attribute for an entity that has the attributes `names` (IRIs).

        The list is shared by all entities that look alike, and so is not to be changed.
        """
        instance: Instance = {"type": "Relationship", "object": self.source_id}
        for name, value in (
            (_LICENSE, self.license),
            (_ATTRIBUTION, self.attribution),
            (_RETRIEVED_AT, self.retrieved_at),
            (_ADAPTER, self.adapter),
        ):
            if value:
                instance[name] = [{"type": "Property", "value": value}]
        if names:
            terms = sorted(map(city_context().compact, names))
            instance[_PROVIDES] = [{"type": "Property", "value": terms}]
        return [instance]


@lru_cache(maxsize=1024)
def _names(terms: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(city_context().expand, terms))


def revise(current: Entity | None, fresh: Entity, stamp: Stamp, now: str) -> Edited:
    """The entity as it stands after a source gave `fresh` (internal form, without provenance)."""
    names = tuple(name for name, _ in attributes(fresh))
    if current is None:
        stamped = {**fresh, IMPORTED_FROM: stamp.attribute(names)}
        return Edited(merge.create(stamped, now), "created")
    different = {n: given for n, given in attributes(fresh) if not is_same(current.get(n), given)}
    withdrawn = (_provided(current) - set(names)) & attribute_names(current)
    returned = VANISHED_AT in current
    known = set(fresh["type"]) <= set(current["type"])
    if not (different or withdrawn or returned) and known and _is_of(current, stamp):
        return Edited(current, "unchanged")
    left = {n: v for n, v in current.items() if n not in withdrawn and n != VANISHED_AT}
    for name in withdrawn:  # instances with a datasetId were put beside the source's by others
        if others := [i for i in current[name] if "datasetId" in i]:
            left[name] = others
    fragment = {"type": fresh["type"], **different, IMPORTED_FROM: stamp.attribute(names)}
    changed, _ = merge.append(left, fragment, now)
    return Edited(changed, "returned" if returned else "updated")


def update(
    current: Entity | None, *, fresh: Entity, stamp: Stamp, now: str, partial: bool = False
) -> Edited:
    """The entity after its source said something new between two imports.

    Args:
        partial: `fresh` has only the attributes that are to be changed; the others stay.

    Its import stays the one that it was: `stamp` is written anew only where it says something else.
    """
    given = {name for name, _ in attributes(fresh)}
    if current is None:
        return revise(None, fresh, stamp, now)
    before = _provided(current)
    names = before | given if partial else given
    if names == before and VANISHED_AT not in current and _is_of(current, stamp):
        return _changed(current, fresh, now)
    if not partial:
        return revise(current, fresh, stamp, now)
    left = {n: v for n, v in current.items() if n != VANISHED_AT}
    return _changed(left, {**fresh, IMPORTED_FROM: stamp.attribute(tuple(sorted(names)))}, now)


def _changed(current: Entity, fresh: Entity, now: str) -> Edited:
    different = {n: given for n, given in attributes(fresh) if not is_same(current.get(n), given)}
    if not different and set(fresh["type"]) <= set(current["type"]):
        return Edited(current, "unchanged")
    changed, _ = merge.append(current, {"type": fresh["type"], **different}, now)
    return Edited(changed, "updated")


def mark_vanished(current: Entity | None, source_id: str, now: str) -> Edited:
    """Mark an entity that its source no longer has; one that another import owns is left alone."""
    if current is None or VANISHED_AT in current or not is_from(current, source_id):
        return Edited(current, "unchanged")
    fragment = {VANISHED_AT: [{"type": "Property", "value": now}]}
    return Edited(merge.append(current, fragment, now)[0], "vanished")


def is_from(entity: Entity, source_id: str) -> bool:
    """Whether the entity's latest import was of this source."""
    return any(i.get("object") == source_id for i in entity.get(IMPORTED_FROM, ()))


def _provided(entity: Entity) -> frozenset[str]:
    """The attributes that the latest import provided."""
    found: set[str] = set()
    for instance in entity.get(IMPORTED_FROM, ()):
        for member in instance.get(_PROVIDES, ()):
            found |= _names(tuple(member["value"]))
    return frozenset(found)


def _is_of(entity: Entity, stamp: Stamp) -> bool:
    """Whether the entity already says it comes from this source, under the same terms of use."""
    wanted = stamp.attribute(())[0]
    return any(
        i.get("object") == stamp.source_id
        and i.get(_LICENSE) == wanted.get(_LICENSE)
        and i.get(_ATTRIBUTION) == wanted.get(_ATTRIBUTION)
        for i in entity.get(IMPORTED_FROM, ())
    )


def is_same(present: list[Instance] | None, given: list[Instance]) -> bool:
    """Whether every given instance is there already, its times aside."""
    if present is None:
        return False
    by_dataset = {instance.get("datasetId"): instance for instance in present}
    return all(_equal(by_dataset.get(i.get("datasetId")), i) for i in given)


def _equal(present: Instance | None, given: dict[str, Any]) -> bool:
    if present is None or len(present) - len(_TIMES & present.keys()) != len(given):
        return False
    return all(member in present and present[member] == value for member, value in given.items())
