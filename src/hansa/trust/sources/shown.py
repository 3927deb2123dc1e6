"""What of a record the map and the API show: attributes on the source's DataSource entity.

The entity may be there already (an import made it) or comes into being with the declaration. Only the attributes
named here are touched; everything else on it belongs to the import and to others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import HansaError
from hansa.kernel.ids import urn
from hansa.ngsild import merge
from hansa.ngsild.city import city_context, city_iri
from hansa.ngsild.expand import Rules, expand_entity
from hansa.ngsild.model import Entity, attributes
from hansa.store.port import Edited, Store, Write
from hansa.trust.vault import Record

__all__ = ["IMPORTED_FROM", "Shower", "entity_id", "named"]

_TERMS: Final = {
    "accountable": "accountable",
    "contact": "contactPoint",
    "lawful_basis": "lawfulBasis",
    "purpose": "purpose",
    "tech": "technology",
    "data": "dataKind",
    "process": "processing",
    "access": "dataAccess",
    "storage": "storage",
    "retention": "retention",
    "retention_period": "retentionPeriod",
    "public_space": "inPublicSpace",
    "declared": "declaredAt",
    "version": "declarationVersion",
    "status": "declarationStatus",
}
"""Members of a record, and the city's words for them."""

IMPORTED_FROM: Final = city_iri("importedFrom")
"""The attribute that says where an entity came from; a source's own entity comes from nowhere."""

_PREFIX: Final = urn("DataSource", "")
_ALSO: Final = ("location", "description")
_RULES: Final = Rules(city_context())
_TIMES: Final = frozenset({"createdAt", "modifiedAt"})


def entity_id(source: str) -> str:
    """The identifier of a source's entity."""
    return urn("DataSource", source)


def named(entity: str) -> str:
    """The name of the source that an entity stands for; "" if it is none of a source in the register."""
    return entity.removeprefix(_PREFIX) if entity.startswith(_PREFIX) else ""


class Shower:
    """Keeps the entities of the sources in step with their records.

    Args:
        store: the city's own tenant, through the gate.
    """

    def __init__(self, store: Callable[[], Store], clock: Clock) -> None:
        self._store, self._clock = store, clock

    def show(self, record: Record) -> None:
        """Bring the entity of a source up to date.

        Raises:
            HansaError: the store refused.
        """
        fresh = expand_entity(_plain(record), _RULES)
        own = {city_iri(name) for name in (*_TERMS.values(), *_ALSO)}
        now = iso(self._clock.now())

        def edit(current: Entity | None) -> Edited:
            return _revised(current, fresh, own, now)

        (outcome,) = self._store().write([Write(fresh["id"], edit)]).result()
        if isinstance(outcome, HansaError):
            raise outcome


def _plain(record: Record) -> dict[str, Any]:
    entity: dict[str, Any] = {"id": entity_id(record["id"]), "type": "DataSource"}
    for name, term in _TERMS.items():
        if name in record:
            entity[term] = {"type": "Property", "value": record[name]}
    if "description" in record:
        entity["description"] = {"type": "Property", "value": record["description"]}
    if "place" in record:
        entity["location"] = {"type": "GeoProperty", "value": record["place"]}
    return entity


def _revised(current: Entity | None, fresh: Entity, own: set[str], now: str) -> Edited:
    if current is None:
        return Edited(merge.create(fresh, now))
    different = {n: v for n, v in attributes(fresh) if not _is_same(current.get(n), v)}
    gone = [name for name in current if name in {*own, IMPORTED_FROM} and name not in fresh]
    if not different and not gone:
        return Edited(current)
    left = {name: value for name, value in current.items() if name not in gone}
    return Edited(merge.append(left, {"type": fresh["type"], **different}, now)[0])


def _is_same(old: Any, new: Any) -> bool:
    if not isinstance(old, list) or len(old) != 1:
        return False
    return bool({n: v for n, v in old[0].items() if n not in _TIMES} == new[0])
