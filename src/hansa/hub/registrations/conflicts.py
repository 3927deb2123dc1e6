"""When a registration cannot be accepted beside what is there (clauses 4.3.6.3, 5.9.2 and 5.9.3).

What an exclusive or a redirect registration is about may not be held here, and what is exclusive may
belong to no other such registration. Inclusive and auxiliary ones never conflict.
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from hansa.hub.expiry import is_over
from hansa.hub.registrations.matching import Wanted, parts
from hansa.hub.registrations.model import EntityInfo, Info, Registration
from hansa.hub.registrations.scopes import limit
from hansa.kernel.errors import Conflict, HansaError
from hansa.ngsild.query import Or, Query, ScopeFilter, TypeName
from hansa.store.port import Reader

__all__ = ["conflict"]

_ENOUGH = 50


def conflict(
    new: Registration, others: Iterable[Registration], store: Reader, now: str
) -> HansaError | None:
    """Why `new` cannot be accepted; ``None`` when it can."""
    if not new.is_proxy:
        return None
    for other in others:
        if other.id == new.id or not other.is_proxy:
            continue
        if "exclusive" in (new.mode, other.mode) and _overlap(new, other):
            return Conflict(
                f"registration {new.id}",
                f"it overlaps with the {other.mode} registration {other.id}",
                "change one of them, so that each attribute belongs to one source",
            )
    for info in new.infos:
        held = _held(info, limit(new.scopes), store, now)
        if held is not None:
            return Conflict(
                f"registration {new.id}",
                f"the entity {held} is held here, and registers what it has",
                "delete what is registered here first (local=true), or register it as inclusive",
            )
    return None


def _overlap(new: Registration, other: Registration) -> bool:
    exclusive, second = (new, other) if new.mode == "exclusive" else (other, new)
    for info in exclusive.infos:
        for entity in info.entities:
            ids = (entity.id,) if entity.id is not None else ()
            wanted = Wanted(ids, None, entity.types, info.attributes)
            if next(parts(second, wanted), None) is not None:
                return True
    return False


def _held(info: Info, scope: ScopeFilter | None, store: Reader, now: str) -> str | None:
    """An entity here that has what is registered."""
    entities: Iterable[EntityInfo | None] = info.entities or (None,)
    for entity in entities:
        types = None
        if entity is not None and entity.types:
            types = Or(tuple(TypeName(name) for name in sorted(entity.types)))
        query = Query(
            ids=(entity.id,) if entity is not None and entity.id is not None else (),
            id_pattern=entity.pattern if entity is not None else None,
            types=types,
            attributes=tuple(sorted(info.attributes)),
            scope=scope,
            limit=_ENOUGH,
        )
        for raw in store.query(query).documents:
            found = orjson.loads(raw)
            if not is_over(found, now):
                return str(found["id"])
    return None
