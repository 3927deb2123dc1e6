"""What a constraint or a duty of the profile may say: one row for each, with its operator, its form and its limits.

The table reads policies, and the reference of the profile is written from it. An operand that the node cannot carry out
has a row too, with the reason why it is refused: a condition is carried out or refused, never passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

import shapely

from hansa.ngsild.geo import from_geojson
from hansa.ngsild.scope import parse_scope_query
from hansa.ngsild.temporal import parse_datetime, parse_duration
from hansa.store.patterns import pattern
from hansa.trust.policy.place import Place
from hansa.trust.policy.view import Obligation

__all__ = ["DUTIES", "LIMITS", "OPERANDS", "Duty", "Operand", "Operator"]

Operator = Literal["isAnyOf", "isPartOf", "eq", "gteq", "lteq", "lt"]
Expand = Callable[[str], str]
Found = dict[str, Any]
"""Fields of a rule, by name."""

LIMITS: Final = MappingProxyType(
    {
        "bytes of a policy": 65_536,
        "levels of nesting": 12,
        "rules in a policy": 100,
        "parties of a rule": 20,
        "constraints of a rule": 16,
        "duties of a rule": 4,
        "names in a list": 100,
        "characters of a text": 500,
        "positions of an area": 2_000,
        "policies of a node": 500,
    }
)
"""How much of what a policy may have."""


@dataclass(frozen=True, slots=True)
class Operand:
    """One left operand of the profile.

    Attributes:
        operators: those that it may have; ``dateTime`` alone has two.
        read: puts the right operand into the fields of a rule.
        form: what the right operand is, for people.
        means: what the constraint says, for people.
        permissions_only: whether a prohibition may not have it.
        bound_only: whether it is a promise, which only a party that has a name can make.
        refused: why it cannot be carried out here, if so.
    """

    operators: tuple[Operator, ...]
    read: Callable[[Place, Operator, Any, Found, Expand], None]
    form: str
    means: str
    permissions_only: bool = False
    bound_only: bool = False
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Duty:
    """One duty of the profile: how it is kept, what its constraint is, for people, and why it is refused, if so."""

    read: Callable[[Place, Any], Obligation]
    form: str
    means: str
    refused: str = ""


def _purposes(place: Place, operator: Operator, value: Any, found: Found, expand: Expand) -> None:
    found["purposes"] = place.names(value)


def _moment(place: Place, operator: Operator, value: Any, found: Found, expand: Expand) -> None:
    name = "since" if operator == "gteq" else "until"
    if name in found:
        raise place.fault(f"says {operator} a second time", "say it once")
    moment = place.asked(lambda: parse_datetime(place.text(value)))
    found[name] = moment
    if "since" in found and "until" in found and found["since"] >= found["until"]:
        raise place.fault("ends before it begins", "give the later moment to lt")


def _types(place: Place, operator: Operator, value: Any, found: Found, expand: Expand) -> None:
    found["types"] = tuple(expand(name) for name in place.names(value))


def _attributes(place: Place, operator: Operator, value: Any, found: Found, expand: Expand) -> None:
    names = place.names(value)
    for name in names:
        if name in _NO_ATTRIBUTES:
            raise place.fault(f"'{name}' is no attribute", "every entity that is there shows it")
    found["attributes"] = tuple(expand(name) for name in names)


def _id_pattern(place: Place, operator: Operator, value: Any, found: Found, expand: Expand) -> None:
    text = place.text(value)
    place.asked(lambda: pattern(text))
    found["id_pattern"] = text


def _scope(place: Place, operator: Operator, value: Any, found: Found, expand: Expand) -> None:
    text = place.text(value)
    found["scope"] = place.asked(lambda: parse_scope_query(text))


def _area(place: Place, operator: Operator, value: Any, found: Found, expand: Expand) -> None:
    if not isinstance(value, Mapping) or value.get("type") not in ("Polygon", "MultiPolygon"):
        raise place.fault("is no polygon", "give a GeoJSON Polygon or MultiPolygon")
    for name in value.keys() - {"type", "coordinates"}:
        raise place.fault(f"has the unknown member {str(name)[:50]!r}", "leave it out")
    area = place.asked(lambda: from_geojson(dict(value), place.path))
    if shapely.get_num_coordinates(area) > LIMITS["positions of an area"]:
        raise place.fault(
            f"has more than {LIMITS['positions of an area']:,} positions", "simplify it"
        )
    shapely.prepare(area)
    found["area"] = area


def _group(place: Place, operator: Operator, value: Any, found: Found, expand: Expand) -> None:
    found["group"] = place.whole_number(value, 2, 1_000_000)


def _rate(place: Place, operator: Operator, value: Any, found: Found, expand: Expand) -> None:
    found["rate"] = place.whole_number(value, 1, 100_000)


def _retention(place: Place, operator: Operator, value: Any, found: Found, expand: Expand) -> None:
    found["duties"] = (*found.get("duties", ()), _delete(place, value))


def _transfer(place: Place, operator: Operator, value: Any, found: Found, expand: Expand) -> None:
    if value != "none":
        raise place.fault("is not 'none'", "write none, or leave the constraint out")
    found["duties"] = (*found.get("duties", ()), Obligation("no-transfer"))


def _never(place: Place, operator: Operator, value: Any, found: Found, expand: Expand) -> None:
    raise place.fault("cannot be carried out", "leave it out")


def _attribution(place: Place, value: Any) -> Obligation:
    return Obligation("attribution", place.text(value))


def _log(place: Place, value: Any) -> Obligation:
    if value is not None:
        raise place.fault("has a constraint", "a duty to log has none")
    return Obligation("log")


def _delete(place: Place, value: Any) -> Obligation:
    text = place.text(value)
    duration = place.asked(lambda: parse_duration(text))
    if not duration:
        raise place.fault("is no time at all", "prohibit it instead")
    return Obligation("delete", text)


_NO_ATTRIBUTES: Final = frozenset(
    {"id", "type", "scope", "@id", "@type", "@context", "createdAt", "modifiedAt", "deletedAt"}
)

OPERANDS: Final[Mapping[str, Operand]] = MappingProxyType(
    {
        "purpose": Operand(
            ("isAnyOf",),
            _purposes,
            "a list of names",
            "Only for one of these purposes: that of a client's token, or what an account says in the header `Hansa-Purpose`.",
            bound_only=True,
        ),
        "dateTime": Operand(
            ("gteq", "lt"),
            _moment,
            "a moment in UTC, `2027-01-01T00:00:00Z`",
            "From this moment on (gteq), or up to before it (lt); one of each at most.",
        ),
        "entityType": Operand(
            ("isAnyOf",),
            _types,
            "a list of types, in the city's words or as IRIs",
            "Only entities of one of these types.",
        ),
        "idPattern": Operand(
            ("eq",),
            _id_pattern,
            "a regular expression in RE2 syntax",
            "Only entities whose identifier contains a match; `^` and `$` hold it to the whole.",
        ),
        "attribute": Operand(
            ("isAnyOf",),
            _attributes,
            "a list of attributes, in the city's words or as IRIs",
            "Only these attributes. A permission then shows an entity only where it has one of them to show.",
        ),
        "scope": Operand(
            ("isPartOf",),
            _scope,
            "a scope query of NGSI-LD, `/Coquimbo/Gardens/#`",
            "Only entities in this scope.",
        ),
        "area": Operand(
            ("isPartOf",),
            _area,
            "a GeoJSON Polygon or MultiPolygon",
            "Only entities whose location lies within the area (permission) or touches it (prohibition).",
        ),
        "groupSize": Operand(
            ("gteq",),
            _group,
            "a whole number from 2 to 1,000,000",
            "Only answers made of at least so many entities. Every permission to aggregate has it.",
            permissions_only=True,
        ),
        "rate": Operand(
            ("lteq",),
            _rate,
            "a whole number from 1 to 100,000",
            "At most so many requests a minute; beyond that it is as if the permission were not there. Notifications are no requests.",
            permissions_only=True,
            bound_only=True,
        ),
        "retention": Operand(
            ("lteq",),
            _retention,
            "a duration of ISO 8601, `P30D`",
            "What was read is deleted by its reader after so long. A promise: the node publishes it, says it with each answer, and "
            "cannot see to it.",
            permissions_only=True,
            bound_only=True,
        ),
        "onwardTransfer": Operand(
            ("eq",),
            _transfer,
            "the word `none`",
            "What was read is not passed on. A promise, like retention; what a service or city hands on as a broker is refused.",
            permissions_only=True,
            bound_only=True,
        ),
        "privacyBudget": Operand(
            ("lteq",),
            _never,
            "",
            "At most so much of the privacy budget is spent.",
            permissions_only=True,
            refused="this node does not spend a privacy budget by rule yet",
        ),
    }
)
"""By the name of the left operand."""

DUTIES: Final[Mapping[str, Duty]] = MappingProxyType(
    {
        "attribute": Duty(
            _attribution,
            "`attributedParty` eq a text",
            "Whoever uses it names the source in these words.",
        ),
        "log": Duty(
            _log,
            "none",
            "Each reading is logged, though everybody may read it.",
            "this node logs each reading of what not everybody may see, and no other",
        ),
        "delete": Duty(
            _delete,
            "`elapsedTime` lteq a duration of ISO 8601",
            "Whoever reads it deletes it after so long. A promise, like retention.",
        ),
    }
)
"""By the name of the duty's action."""
