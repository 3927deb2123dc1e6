"""Policies to test with: written by hand, and made up by Hypothesis."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import strategies as st

from hansa.ngsild.city import city_iri
from hansa.trust.policy.parse import PROFILE
from hansa.trust.principals import Principal

TYPES = ("Tree", "Bench", "Road")
ATTRIBUTES = ("name", "height", "location")
PURPOSES = ("planning", "research")
WORLD = {
    "type": "Polygon",
    "coordinates": [[[-10, -10], [10, -10], [10, 10], [-10, 10], [-10, -10]]],
}
CORNER = {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]}


def constraint(left: str, operator: str, right: Any) -> dict[str, Any]:
    """One constraint."""
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def rule(action: Any = "read", assignee: Any = "everyone", *constraints: Any, **more: Any) -> dict:
    """One rule."""
    found: dict[str, Any] = {"action": action, "assignee": assignee, **more}
    return found | ({"constraint": list(constraints)} if constraints else {})


def document(**members: Any) -> dict[str, Any]:
    """A policy about the city's own tenant."""
    return {"@type": "Set", "profile": PROFILE, "target": "urn:hansa:city", **members}


def _some(strategy: Any) -> Any:
    return st.none() | strategy


@st.composite
def constraints(draw: Any, *, bound: bool) -> list[dict[str, Any]]:
    """Constraints that every rule may have."""
    found = []
    if types := draw(st.lists(st.sampled_from(TYPES), max_size=2, unique=True)):
        found.append(constraint("entityType", "isAnyOf", types))
    if attributes := draw(st.lists(st.sampled_from(ATTRIBUTES), max_size=2, unique=True)):
        found.append(constraint("attribute", "isAnyOf", attributes))
    if pattern := draw(_some(st.sampled_from([":1$", "^urn:x:[12]$", "zzz"]))):
        found.append(constraint("idPattern", "eq", pattern))
    if scope := draw(_some(st.sampled_from(["/A/#", "/A/B", "/+/B"]))):
        found.append(constraint("scope", "isPartOf", scope))
    if area := draw(_some(st.sampled_from([WORLD, CORNER]))):
        found.append(constraint("area", "isPartOf", area))
    if bound and (purposes := draw(st.lists(st.sampled_from(PURPOSES), max_size=1))):
        found.append(constraint("purpose", "isAnyOf", purposes))
    for operator, year in (("gteq", 2020), ("lt", 2030)):
        if draw(st.booleans()):
            moment = f"{draw(st.sampled_from([year, 2026]))}-01-01T00:00:00Z"
            found.append(constraint("dateTime", operator, moment))
    windows = [each["rightOperand"] for each in found if each["leftOperand"] == "dateTime"]
    return found if len(set(windows)) == len(windows) else found[:-1]


@st.composite
def rules(draw: Any, *, permits: bool) -> dict[str, Any]:
    """A permission or a prohibition."""
    assignees = ["everyone", "kind:staff", "role:planner", "name:ana", "client:c1", "kind:public"]
    assignee = draw(st.sampled_from(assignees))
    bound = assignee not in ("everyone", "kind:public")
    found = draw(constraints(bound=bound))
    actions: list[str] = draw(
        st.lists(st.sampled_from(["read", "subscribe", "republish"]), min_size=1, unique=True)
    )
    if draw(st.booleans()):
        actions = ["aggregate"]
        if permits:
            found.append(constraint("groupSize", "gteq", draw(st.sampled_from([2, 5]))))
    return rule(actions, assignee, *found)


permissions = rules(permits=True)
prohibitions = rules(permits=False)


@st.composite
def policies(draw: Any) -> dict[str, Any]:
    """A policy with at least one permission."""
    found = document(permission=draw(st.lists(permissions, min_size=1, max_size=4)))
    if forbidden := draw(st.lists(prohibitions, max_size=3)):
        found["prohibition"] = forbidden
    return found


def entities() -> list[dict[str, Any]]:
    """Every kind of entity that the constraints tell apart, in internal form."""
    places = {
        "inside": {"type": "Point", "coordinates": [1, 1]},
        "edge": {"type": "LineString", "coordinates": [[1, 1], [5, 5]]},
        "away": {"type": "Point", "coordinates": [50, 50]},
    }
    found = []
    for number, (types, scope, place, height) in enumerate(
        itertools.product(
            (("Tree",), ("Bench", "Road")),
            ([], ["/A/B"], ["/C/B", "/D"]),
            (None, "inside", "edge", "away"),
            (False, True),
        )
    ):
        entity: dict[str, Any] = {
            "id": f"urn:x:{number % 4}",
            "type": [city_iri(name) for name in types],
        }
        if scope:
            entity["scope"] = scope
        if place:
            entity[city_iri("location")] = [{"type": "GeoProperty", "value": places[place]}]
        if height:
            entity[city_iri("height")] = [{"type": "Property", "value": 3}]
        if number % 3:
            entity[city_iri("name")] = [{"type": "Property", "value": "x"}]
        found.append(entity)
    return found


PRINCIPALS = (
    Principal("public", "public"),
    Principal("ana", "staff", frozenset({"planner"})),
    Principal("ana", "staff", frozenset({"planner"}), purpose="planning"),
    Principal("bo", "staff", frozenset({"auditor"}), purpose="research"),
    Principal("client:c1", "service", token="t"),
)
