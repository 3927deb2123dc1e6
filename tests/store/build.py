"""Small entities and writes for the tests of the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from hansa.ngsild.model import LOCATION
from hansa.ngsild.query import Query
from hansa.store.port import Edited, Entity, Store, Write, Written

MOMENT = "2026-11-23T04:50:02.000000Z"


def entity(id: str, type: str = "urn:t:Stop", **properties: Any) -> Entity:
    """An entity with Properties ``urn:a:<name>``."""
    stamps = {"createdAt": MOMENT, "modifiedAt": MOMENT}
    return {
        "id": id,
        "type": [type],
        **stamps,
        **{f"urn:a:{n}": [{"type": "Property", "value": v}] for n, v in properties.items()},
    }


def placed(id: str, geometry: dict[str, Any], attribute: str = LOCATION, **more: Any) -> Entity:
    """An entity with a GeoProperty."""
    return {**entity(id, **more), attribute: [{"type": "GeoProperty", "value": geometry}]}


def point(longitude: float, latitude: float) -> dict[str, Any]:
    """A GeoJSON point."""
    return {"type": "Point", "coordinates": [longitude, latitude]}


def put(new: Entity, **options: Any) -> Write:
    """A write that stores `new` whatever was there."""
    return Write(new["id"], lambda old: Edited(new), **options)


def remove(id: str) -> Write:
    """A write that deletes an entity."""
    return Write(id, lambda old: Edited(None))


def change(id: str, make: Callable[[Entity], Entity], **options: Any) -> Write:
    """A write that makes something of the entity that is there."""

    def edit(old: Entity | None) -> Edited:
        assert old is not None
        return Edited(make(old))

    return Write(id, edit, **options)


def fill(store: Store, *entities: Entity) -> list[Written]:
    """Store entities in one request; all must succeed."""
    outcomes = store.write([put(each) for each in entities]).result()
    assert all(isinstance(outcome, Written) for outcome in outcomes)
    return [outcome for outcome in outcomes if isinstance(outcome, Written)]


def read(store: Store, id: str) -> Entity | None:
    """The entity that is stored."""
    text = store.get(id)
    return None if text is None else orjson.loads(text)


def found(store: Store, query: Query | None = None, **conditions: Any) -> list[str]:
    """The last part of the identifiers that a query finds, in order."""
    page = store.query(query or Query(**conditions))
    return [orjson.loads(document)["id"].rpartition(":")[2] for document in page.documents]
