"""Short words for the tests of the spokes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from hansa.ngsild.city import city_context
from hansa.ngsild.represent import View, represent
from hansa.spokes.manifest import resolve
from hansa.spokes.port import Item, Plain, Refusal, Spoke
from hansa.store.port import Reader

SIMPLE = View(city_context(), form="simplified")
_WHOLE = View(city_context(), times=True)


def read(spoke: Spoke, source: object, **options: Any) -> tuple[dict[str, Plain], list[Refusal]]:
    """Everything a spoke gives: entities by the last part of their identifier, and refusals."""
    items = read_items(spoke, source, options)
    entities = [item for item in items if not isinstance(item, Refusal)]
    refusals = [item for item in items if isinstance(item, Refusal)]
    named = {f"{e['type']} {e['id'].rsplit(':', 1)[-1]}": e for e in entities}
    assert len(named) == len(entities)
    return named, refusals


def read_items(spoke: Spoke, source: object, options: Mapping[str, Any]) -> list[Item]:
    reading = spoke.open(str(source), "town", resolve(spoke.manifest, options))
    try:
        return list(reading.items())
    finally:
        reading.close()


def values(entity: Plain) -> dict[str, Any]:
    """The bare values of a plain entity's attributes."""
    members = ("value", "object", "json", "valueList", "objectList", "languageMap")
    return {
        name: next(attribute[m] for m in members if m in attribute)
        for name, attribute in entity.items()
        if isinstance(attribute, dict)
    }


def stored(reader: Reader, id: str) -> dict[str, Any]:
    """An entity of a store, simplified, in city terms."""
    document = reader.get(id)
    assert document is not None, f"{id} is not there"
    return represent(orjson.loads(document), SIMPLE)


def stored_whole(reader: Reader, id: str) -> dict[str, Any]:
    """An entity of a store, normalized, in city terms, with its times."""
    document = reader.get(id)
    assert document is not None, f"{id} is not there"
    return represent(orjson.loads(document), _WHOLE)
