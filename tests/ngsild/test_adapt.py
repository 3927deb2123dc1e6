"""Merge fragments fitted to what is stored: clause 5.6.17.4."""

from __future__ import annotations

from typing import Any

import pytest

from hansa.kernel.errors import BadRequest
from hansa.ngsild import merge
from hansa.ngsild.adapt import Common, adapted
from hansa.ngsild.context import CORE
from hansa.ngsild.expand import Rules, expand_entity, expand_fragment
from hansa.ngsild.model import NULL
from hansa.ngsild.represent import View, represent

NOW, LATER = "2026-11-23T08:00:00.000000Z", "2026-11-23T09:00:00.000000Z"
THEN, SINCE = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"
POINT = {"type": "Point", "coordinates": [1, 2]}
STORED: dict[str, Any] = {
    "id": "urn:a:1",
    "type": "Car",
    "speed": {"value": 1, "observedAt": THEN},
    "owner": {"type": "Relationship", "object": "urn:p:1"},
    "name": {"languageMap": {"en": "car", "fr": "auto"}},
    "kind": {"vocab": "Small"},
    "raw": {"json": {"a": 1}},
    "stops": {"objectList": ["urn:s:1"]},
    "list": {"valueList": [1]},
    "location": POINT,
    "place": {"type": "Property", "value": "here"},
}


def merged(fragment: dict[str, Any], common: Common) -> dict[str, Any]:
    current = merge.create(expand_entity(STORED, Rules(CORE)), NOW)
    rules = Rules(CORE, nulls=True, nested_nulls=True, simplified=common.simplified)
    fitted = adapted(expand_fragment(fragment, rules), current, common)
    return represent(merge.merge_patch(current, fitted, LATER), View())


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("owner", "urn:p:2", {"type": "Relationship", "object": "urn:p:2"}),
        ("kind", "Large", {"type": "VocabProperty", "vocab": "Large"}),
        ("raw", {"b": 2}, {"type": "JsonProperty", "json": {"a": 1, "b": 2}}),
        ("list", [2, 3], {"type": "ListProperty", "valueList": [2, 3]}),
        ("stops", ["urn:s:2"], {"type": "ListRelationship", "objectList": [{"object": "urn:s:2"}]}),
        ("place", POINT, {"type": "Property", "value": POINT}),
        ("speed", 2, {"type": "Property", "value": 2, "observedAt": THEN}),
    ],
)
def test_simplified_values_take_the_stored_kind(name: str, value: Any, expected: Any) -> None:
    assert merged({name: value}, Common(simplified=True))[name] == expected


def test_texts_take_the_common_language_and_leave_the_others() -> None:
    for simplified in (True, False):
        found = merged({"name": "coche"}, Common(simplified=simplified, language="es"))["name"]
        assert found["languageMap"] == {"en": "car", "fr": "auto", "es": "coche"}
    found = merged({"name": "thing"}, Common(simplified=True))["name"]
    assert found["languageMap"]["@none"] == "thing"


def test_a_common_time_goes_where_one_was_and_none_is_given() -> None:
    common = Common(observed_at=SINCE)
    fragment = {"speed": {"value": 2}, "place": "there"}
    found = merged(fragment, common)
    assert found["speed"]["observedAt"] == SINCE
    assert "observedAt" not in found["place"]
    explicit = merged({"speed": {"value": 2, "observedAt": NOW}}, common)
    assert explicit["speed"]["observedAt"] == NOW


def test_without_wishes_a_value_replaces_the_attribute() -> None:
    assert merged({"owner": "urn:p:2"}, Common())["owner"]["type"] == "Property"
    assert "owner" not in merged({"owner": NULL}, Common(simplified=True))


@pytest.mark.parametrize(("name", "value"), [("owner", 7), ("location", "there"), ("raw", 5)])
def test_values_that_cannot_be_of_the_stored_kind(name: str, value: Any) -> None:
    with pytest.raises(BadRequest):
        merged({name: value}, Common(simplified=True))


def test_merging_sets_and_removes_scope_and_expiry() -> None:
    current = merge.create(expand_entity(STORED, Rules(CORE)), NOW)
    rules = Rules(CORE, nulls=True)
    given = {"scope": "/a", "expiresAt": "2100-01-01T00:00:00Z"}
    once = merge.merge_patch(current, expand_fragment(given, rules), LATER)
    assert (once["scope"], once["expiresAt"]) == (["/a"], given["expiresAt"])
    gone = expand_fragment(dict.fromkeys(given, NULL), rules)
    for patch in (merge.merge_patch, merge.update):
        after = patch(once, gone, LATER)
        assert after.keys() & given.keys() == set()
    assert "scope" not in merge.update(current, expand_fragment(given, rules), LATER)
