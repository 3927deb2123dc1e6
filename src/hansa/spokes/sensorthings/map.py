"""Things to entities: one attribute for each Datastream, named after what it observes.

``Air temperature`` becomes ``airTemperature``. Where a Thing has several Datastreams of one observed
property, the first (by identifier) is the plain attribute and each other one has a ``datasetId``. An
observation over a span of time counts as observed at its end.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hansa.kernel.clock import iso
from hansa.kernel.ids import urn
from hansa.ngsild.core import CORE_CONTEXT
from hansa.spokes.members import needed, text
from hansa.spokes.plain import geo, json_prop, number, prop, put, quoted, start
from hansa.spokes.port import Plain
from hansa.spokes.quality import moment_of
from hansa.spokes.unit_codes import unit_code

__all__ = ["Observation", "Stream", "Thing", "attribute_name", "read_observation", "read_thing"]

_WORDS: Final = re.compile(r"[^\W_]+", re.UNICODE)
_GEOMETRIES: Final = frozenset(
    {"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"}
)
_TAKEN: Final = frozenset(CORE_CONTEXT["@context"]) | frozenset(
    {"name", "characteristics", "quality", "controlledProperty", "dateLastValueReported",
     "importedFrom", "vanishedAt"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Observation:
    """One result and when it was observed."""

    result: Any
    at: datetime


@dataclass(frozen=True, slots=True)
class Stream:
    """One Datastream: where its results go.

    Attributes:
        numeric: whether its results are measurements, so that a number written as text is one.
        dataset: identifier that tells it from others of the same attribute, or empty.
    """

    id: str
    name: str
    attribute: str
    unit: str | None
    unit_words: str
    numeric: bool
    dataset: str = ""
    newest: Observation | None = None

    def instance(self, observation: Observation) -> Plain:
        """The attribute, in normalized form."""
        result = observation.result
        if self.numeric and isinstance(result, str):
            with suppress(ValueError):
                result = number(result)
        found = json_prop(result) if isinstance(result, dict) else prop(result, self.unit)
        found["observedAt"] = iso(observation.at)
        if self.unit is None and self.unit_words and found["type"] == "Property":
            found["unitText"] = prop(self.unit_words)
        if self.name:
            found["datastream"] = prop(self.name)
        if self.dataset:
            found["datasetId"] = self.dataset
        return found


@dataclass(frozen=True, slots=True)
class Thing:
    """A Thing: its entity without results, and its Datastreams."""

    entity: Plain
    streams: tuple[Stream, ...]


def read_thing(data: Any, type: str, namespace: str) -> Thing:
    """A Thing as the service gives it.

    Raises:
        ValueError: it is not understood.
    """
    if not isinstance(data, Mapping):
        raise ValueError("it is no object")
    entity = start(type, namespace, needed(data, "@iot.id"))
    put(entity, "name", text(data, "name"))
    put(entity, "description", text(data, "description"))
    if isinstance(properties := data.get("properties"), dict) and properties:
        entity["characteristics"] = json_prop(properties)
    places = data.get("Locations")
    for place in places if isinstance(places, list) else ():
        if isinstance(place, dict) and (geometry := _geometry(place.get("location"))):
            entity["location"] = geo(geometry)
            break
    streams = _streams(data.get("Datastreams"), namespace)
    if streams:
        entity["controlledProperty"] = prop(sorted({stream.attribute for stream in streams}))
    return Thing(entity, streams)


def _geometry(location: Any) -> Plain | None:
    """The geometry of a GeoJSON object, which may be a feature."""
    if isinstance(location, dict) and location.get("type") == "Feature":
        location = location.get("geometry")
    if isinstance(location, dict) and location.get("type") in _GEOMETRIES:
        return {"type": location["type"], "coordinates": location.get("coordinates")}
    return None


def _streams(listed: Any, namespace: str) -> tuple[Stream, ...]:
    found: list[Stream] = []
    taken: set[str] = set()
    items = listed if isinstance(listed, list) else ()
    items = [item for item in items if isinstance(item, dict) and "@iot.id" in item]
    for item in sorted(items, key=lambda item: _order(item["@iot.id"])):
        stream = _stream(item, taken, namespace)
        taken.add(stream.attribute)
        found.append(stream)
    return tuple(found)


def _order(id: Any) -> tuple[int, int | str]:
    return (0, id) if isinstance(id, int) else (1, str(id))


def _stream(item: Mapping[str, Any], taken: set[str], namespace: str) -> Stream:
    observed = item.get("ObservedProperty")
    observed = observed if isinstance(observed, dict) else {}
    unit = item.get("unitOfMeasurement")
    unit = unit if isinstance(unit, dict) else {}
    words = [str(unit.get(member) or "") for member in ("symbol", "definition", "name")]
    id = needed(item, "@iot.id")
    attribute = attribute_name(text(observed, "name") or text(item, "name") or "") or "result"
    newest = item.get("Observations")
    return Stream(
        id=id,
        name=text(item, "name") or "",
        attribute=attribute,
        unit=unit_code(*words),
        unit_words=words[0] or words[2],
        numeric=str(item.get("observationType", "")).endswith(
            ("OM_Measurement", "OM_CountObservation")
        ),
        dataset=urn("Datastream", namespace, quoted(id)) if attribute in taken else "",
        newest=_newest(newest[0] if isinstance(newest, list) and newest else None),
    )


def _newest(data: Any) -> Observation | None:
    try:
        return read_observation(data)
    except ValueError:
        return None


def read_observation(data: Any) -> Observation:
    """An observation as the service gives it.

    Raises:
        ValueError: it has no result or no time.
    """
    if not isinstance(data, Mapping) or data.get("result") is None:
        raise ValueError("it has no result")
    when = data.get("phenomenonTime") or data.get("resultTime")
    return Observation(data["result"], moment_of(str(when or "").rsplit("/", 1)[-1]))


def attribute_name(words: str) -> str:
    """A name for an attribute: the words in one, ``camelCase``, in letters and figures.

    A word that is written in capitals (``PM10``, ``CO2``) and stands first is written small.
    """
    parts = _WORDS.findall(unicodedata.normalize("NFKC", words))[:12]
    if not parts:
        return ""
    first, *rest = parts
    head = (
        first.lower() if first.isupper() or (first[:1].isupper() and first[1:].islower()) else first
    )
    head = head[:1].lower() + head[1:]
    name = head
    for part in rest:
        digits = name[-1:].isdigit() and part[:1].isdigit()
        name += ("_" if digits else "") + part[:1].upper() + part[1:]
    if name[:1].isdigit():
        name = f"n{name}"
    name = name[:100]
    return f"{name}Observed" if name in _TAKEN else name
