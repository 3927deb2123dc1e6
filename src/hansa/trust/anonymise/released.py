"""Counts with noise as entities: what goes into the store instead of those who were counted. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from hansa.kernel.clock import iso
from hansa.ngsild.city import city_context, city_iri
from hansa.ngsild.model import Entity, Instance
from hansa.trust.anonymise.groups import Group
from hansa.trust.anonymise.kinds import Count
from hansa.trust.anonymise.noise import Noise

__all__ = ["TYPE", "question", "released"]

TYPE: Final = "PrivateCount"
"""The type of these entities, a city term."""


def released(
    source: str, step: Count, noise: Noise, counts: Mapping[Group, int], at: datetime
) -> Iterator[Entity]:
    """An entity for each group that is told; the next window's are later states of the same ones."""
    moment = iso(at)
    for group, number in counts.items():
        made: Entity = {"id": _id(source, step, group), "type": [city_iri(TYPE)]}
        if step.types is not None:
            terms = sorted(map(city_context().compact, step.types))
            made[city_iri("countedTypes")] = [_property(terms)]
        for name, text in zip(step.by, group, strict=True):
            if text:
                made[name] = [_shown(orjson.loads(text))]
        made[city_iri("noisyCount")] = [
            {
                **_property(number),
                "observedAt": moment,
                city_iri("epsilon"): [_property(noise.cost.numbers[0])],
                city_iri("delta"): [_property(noise.cost.numbers[1])],
                city_iri("within95"): [_property(noise.accuracy)],
            }
        ]
        yield made


def question(step: Count, noise: Noise) -> dict[str, Any]:
    """What was asked, for the public account of the budget."""
    compact = city_context().compact
    return {
        "types": sorted(map(compact, step.types)) if step.types is not None else [],
        "by": [compact(name) for name in step.by],
        "noise": noise.kind,
        "within95": noise.accuracy,
    }


def _id(source: str, step: Count, group: Group) -> str:
    named = orjson.dumps([source, sorted(step.types or ()), step.by, group])
    return f"urn:ngsi-ld:{TYPE}:{hashlib.sha256(named).hexdigest()[:32]}"


def _property(value: Any) -> Instance:
    return {"type": "Property", "value": value}


def _shown(value: Any) -> Instance:
    if isinstance(value, dict) and "coordinates" in value:
        return {"type": "GeoProperty", "value": value}
    return _property(value)
