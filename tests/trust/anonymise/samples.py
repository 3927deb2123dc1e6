"""Entities and declarations that the tests of anonymisation share."""

from __future__ import annotations

from typing import Any

from hansa.ngsild.city import city_context, city_iri
from hansa.ngsild.expand import Rules, expand_entity
from hansa.ngsild.model import Entity
from hansa.trust.anonymise.declare import parse
from hansa.trust.anonymise.steps import Steps

RULES = Rules(city_context())


def listed(*steps: dict[str, Any], **rest: Any) -> list[dict[str, Any]]:
    """A list as it stands in a record, with what the steps go by in its place."""
    made = [dict(step) for step in steps]
    for step in made:
        if step["step"] == "pseudonymise" and "rotate" in rest:
            step["rotate"] = rest["rotate"]
        if step["step"] in {"suppress", "count"} and "window" in rest:
            step["window"] = rest["window"]
    if "quasi" in rest:
        made.append(
            {"step": "measure", **{n: rest[n] for n in rest if n in {"quasi", "sensitive"}}}
        )
    if "budget" in rest:
        made.append({"step": "budget", **rest["budget"]})
    return made


def steps(*declared: dict[str, Any], **rest: Any) -> Steps:
    """Steps as a record declares them."""
    return parse(listed(*declared, **rest), city_iri)


def entity(id: str, type: str = "Thing", **attributes: Any) -> Entity:
    """An entity in the internal form; plain values become Properties, geometries GeoProperties."""
    made: dict[str, Any] = {"id": id if ":" in id else f"urn:ngsi-ld:{type}:{id}", "type": type}
    for name, value in attributes.items():
        if isinstance(value, dict) and value.get("type") in {"Property", "Relationship"}:
            made[name] = value
        elif isinstance(value, dict) and "coordinates" in value:
            made[name] = {"type": "GeoProperty", "value": value}
        else:
            made[name] = {"type": "Property", "value": value}
    return expand_entity(made, RULES)


def value(found: Entity, name: str) -> Any:
    """The value of an attribute's first instance."""
    instance = found[city_iri(name)][0]
    return instance.get("value", instance.get("object"))


def point(lng: float, lat: float) -> dict[str, Any]:
    """A GeoJSON point."""
    return {"type": "Point", "coordinates": [lng, lat]}
