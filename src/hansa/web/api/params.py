"""The parameters of the API: what each means, and which operation takes which (clause 6).

An operation lists the parameters it takes. One it does not take is refused by name: never is a
parameter silently ignored.
The texts also make the OpenAPI document.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Final

from hansa.kernel.errors import BadRequest, InvalidRequest

__all__ = ["DESCRIPTIONS", "check_parameters", "flag", "names", "number"]

_WHOLE: Final = re.compile(r"-?[0-9]+", re.ASCII)
_DIGITS: Final = 12

DESCRIPTIONS: Final[dict[str, str]] = {
    "aggrMethods": "How values of a period are summed up: avg, min, max, sum, sumsq, stddev, totalCount, "
    "distinctCount.",
    "aggrPeriodDuration": "Length of a period, for example PT1H, P1D or P1M; PT0S is the whole time.",
    "attrs": "Attributes of which at least one must be there; only these are shown.",
    "collation": "Order of texts by a language tag, for example und or de-u-co-phonebk.",
    "containedBy": "Entities met before while following relationships.",
    "csf": "Condition on the properties of the sources to ask.",
    "coordinates": "Coordinates of the reference geometry, as GeoJSON has them.",
    "count": "Whether to say in NGSILD-Results-Count how many entities match.",
    "datasetId": "Only attribute instances of these datasets; @none is the default instance.",
    "deleteAll": "Whether all instances of the attribute go.",
    "details": "Whether the list says more than names.",
    "drop": "Attributes to remove from the matching entities.",
    "endTimeAt": "End of the interval when timerel is 'between'.",
    "entityMap": "Whether an entity map is made, and its location told in NGSILD-EntityMap.",
    "entityMapLifetime": "How long the entity map is wanted for, as an ISO 8601 duration.",
    "expandValues": "Attributes whose compared values are names to be expanded.",
    "format": "Representation: normalized, concise or simplified.",
    "geometry": "Type of the reference geometry.",
    "geometryProperty": "GeoProperty that becomes the geometry of GeoJSON features.",
    "geoproperty": "GeoProperty that the geographic query looks at; location if left out.",
    "georel": "Spatial relation, for example near;maxDistance==500.",
    "id": "Identifiers, separated by commas.",
    "idPattern": "Regular expression (RE2) that the identifier must match.",
    "join": "Whether linked entities are included: flat, inline or @none.",
    "joinLevel": "How many relationships to follow.",
    "jsonKeys": "Attributes whose values are raw JSON.",
    "keep": "Attributes that stay; all others are removed from the matching entities.",
    "kind": "Only @contexts of this kind: Cached, Hosted or ImplicitlyCreated.",
    "lang": "Preferred natural languages, as in Accept-Language.",
    "lastN": "Only the newest N instances of each attribute.",
    "limit": "Most entities in the answer.",
    "local": "Whether only this node answers, and no source registered with it.",
    "observedAt": "Time of observation of the merged values.",
    "offset": "How many matching entities to skip.",
    "omit": "Members that are left out of each entity.",
    "options": "Words: keyValues, simplified, concise, normalized, sysAttrs, noOverwrite, update, replace; for "
    "history temporalValues, aggregatedValues.",
    "orderBy": "Members to sort by, each with ;asc, ;desc, ;dist-asc or ;dist-desc.",
    "orderFrom": "Coordinates that distances are measured from.",
    "orderGeometry": "Type of the geometry that distances are measured from.",
    "pick": "Only these members of each entity are shown.",
    "q": 'Condition on attribute values, for example speed>50;brandName!="Mercedes".',
    "reload": "Whether the @context is read from its source again instead of being deleted.",
    "scopeQ": "Condition on scopes, for example /Madrid/#.",
    "splitEntities": "Whether an entity may be spread over several sources.",
    "sysAttrs": "Whether createdAt and modifiedAt are shown.",
    "timeAt": "The instant that timerel refers to.",
    "timeproperty": "observedAt, createdAt, modifiedAt or deletedAt.",
    "timerel": "before, after or between.",
    "type": "Types of entity, for example (Building,Museum);Listed, or *.",
}


def check_parameters(pairs: list[tuple[str, str]], known: frozenset[str]) -> dict[str, str]:
    """The parameters as a dictionary.

    Raises:
        InvalidRequest: one that the operation does not take, or that is given twice.
    """
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise _unknown(name, known)
        if name in found and found[name] != value:
            raise InvalidRequest(
                f"the parameter '{name}'",
                "is given twice",
                "give it once; separate values by commas",
            )
        found[name] = value
    return found


def _unknown(name: str, known: frozenset[str]) -> InvalidRequest:
    near = difflib.get_close_matches(name, known, n=1)
    hint = (
        f"did you mean '{near[0]}'?" if near else f"this takes {', '.join(sorted(known)) or 'none'}"
    )
    return InvalidRequest(f"the parameter '{name[:60]}'", "is not one of this operation", hint)


def names(query: Mapping[str, str], name: str) -> tuple[str, ...]:
    """A comma-separated parameter as its parts; none when it is not given.

    Raises:
        BadRequest: it is given, but empty. Taken for missing, ``DELETE /entities?type=T&id=`` of a
            script whose variable is not set would delete every T.
    """
    if name not in query:
        return ()
    parts = tuple(part.strip() for part in query[name].split(",") if part.strip())
    if not parts:
        raise BadRequest(f"the parameter '{name}'", "is empty", "leave it out or give a value")
    return parts


def flag(query: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    """A boolean parameter."""
    value = query.get(name, str(default)).lower()
    if value not in ("true", "false"):
        raise BadRequest(f"the parameter '{name}'", f"{value[:40]!r} is not true or false")
    return value == "true"


def number(query: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """A whole number between `low` and `high`, both included.

    Raises:
        InvalidRequest: what stands there is no whole number.
        BadRequest: it is one that the operation cannot take.
    """
    text = query.get(name)
    if text is None:
        return default
    subject = f"the parameter '{name}'"
    fact = f"{text[:40]!r} is not a whole number from {low} to {high}"
    if not _WHOLE.fullmatch(text):
        raise InvalidRequest(subject, fact, "correct it")
    if len(text) > _DIGITS or not low <= int(text) <= high:
        raise BadRequest(subject, fact, "correct it")
    return int(text)
