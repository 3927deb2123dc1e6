"""Datasets and their resources as entities, in the words of DCAT-AP (Smart Data Models)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import orjson

from hansa.kernel.clock import iso
from hansa.spokes.members import count, needed, text
from hansa.spokes.plain import geo, identifier, prop, put, rel, rel_list, start
from hansa.spokes.port import Plain
from hansa.spokes.quality import moment_of

__all__ = ["dataset_entities"]

_SHAPES: Final = frozenset({"Point", "Polygon", "MultiPolygon", "MultiPoint"})
_EXTRAS: Final = {"frequency": "accrualPeriodicity", "accrual_periodicity": "accrualPeriodicity"}


def dataset_entities(data: Any, namespace: str, portal: str) -> Iterator[Plain]:
    """A dataset's entity and those of its resources.

    Raises:
        ValueError: the dataset is not understood.
    """
    if not isinstance(data, Mapping):
        raise ValueError("it is no object")
    dataset = start("Dataset", namespace, needed(data, "id"))
    _describe(dataset, data, portal)
    _add_extras(dataset, data.get("extras"))
    resources = data.get("resources")
    found = [
        _distribution(item, dataset["id"], namespace, text(data, "license_id"))
        for item in (resources if isinstance(resources, list) else ())
        if isinstance(item, Mapping) and item.get("id")
    ]
    if found:
        dataset["distribution"] = rel_list(entity["id"] for entity in found)
    yield dataset
    yield from found


def _describe(entity: Plain, data: Mapping[str, Any], portal: str) -> None:
    put(entity, "title", text(data, "title") or text(data, "name"))
    put(entity, "description", text(data, "notes"))
    put(entity, "identifier", text(data, "name"))
    if name := text(data, "name"):
        put(entity, "landingPage", f"{portal}/dataset/{name}")
    put(entity, "url", text(data, "url"))
    put(entity, "license", text(data, "license_id") or text(data, "license_title"))
    put(entity, "versionInfo", text(data, "version"))
    put(entity, "creator", text(data, "author"))
    for member, target in (("tags", "keyword"), ("groups", "theme")):
        names = _names(data.get(member))
        if names:
            entity[target] = prop(names)
    if isinstance(organization := data.get("organization"), Mapping):
        put(entity, "publisher", text(organization, "title") or text(organization, "name"))
    _date(entity, "issued", data.get("metadata_created"))
    _date(entity, "modified", data.get("metadata_modified"))


def _names(items: Any) -> list[str]:
    found = (
        text(item, "display_name") or text(item, "title") or text(item, "name")
        for item in (items if isinstance(items, list) else ())
        if isinstance(item, Mapping)
    )
    return [name for name in found if name]


def _date(entity: Plain, name: str, value: Any) -> None:
    """A moment; CKAN writes UTC without a zone. What is no moment is left out."""
    with suppress(ValueError):
        if value:
            entity[name] = prop(iso(moment_of(value)))


def _add_extras(entity: Plain, extras: Any) -> None:
    """Place and frequency, which portals keep among the extras."""
    for item in extras if isinstance(extras, list) else ():
        if not isinstance(item, Mapping):
            continue
        key, value = item.get("key"), item.get("value")
        if key == "spatial" and isinstance(value, str):
            with suppress(orjson.JSONDecodeError):
                shape = orjson.loads(value)
                if isinstance(shape, dict) and shape.get("type") in _SHAPES:
                    coordinates = shape.get("coordinates")
                    entity["location"] = geo({"type": shape["type"], "coordinates": coordinates})
        elif key in _EXTRAS and isinstance(value, str):
            put(entity, _EXTRAS[key], value)


def _distribution(
    item: Mapping[str, Any], dataset: str, namespace: str, license: str | None
) -> Plain:
    entity: Plain = {
        "id": identifier("Distribution", namespace, item["id"]),
        "type": "Distribution",
        "belongsToDataset": rel(dataset),
    }
    put(entity, "title", text(item, "name"))
    put(entity, "description", text(item, "description"))
    put(entity, "accessURL", text(item, "url"))
    if item.get("url_type") == "upload":
        put(entity, "downloadURL", text(item, "url"))
    put(entity, "fileFormat", text(item, "format"))
    put(entity, "mediaType", text(item, "mimetype"))
    with suppress(ValueError):
        put(entity, "byteSize", count(item, "size"))
    put(entity, "license", text(item, "license") or license)
    _date(entity, "issued", item.get("created"))
    _date(entity, "modified", item.get("last_modified"))
    return entity
