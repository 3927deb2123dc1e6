"""Entities as earlier versions of NGSI-LD knew them, clause 4.3.6.8."""

from __future__ import annotations

from typing import Any

import pytest

from hansa.ngsild.context import CORE
from hansa.ngsild.expand import Rules, expand_entity
from hansa.ngsild.fallback import Version, conform
from hansa.ngsild.represent import View, represent

ENTITY = expand_entity(
    {
        "id": "urn:a:1",
        "type": ["Car", "Taxi"],
        "scope": "/a",
        "expiresAt": "2030-01-01T00:00:00Z",
        "kind": {"vocab": "Small"},
        "kinds": {"vocab": ["Small", "Red"]},
        "raw": {"json": {"a": 1}},
        "list": {"valueList": [1, 2]},
        "stops": {"objectList": ["urn:s:1"]},
        "owner": {"object": "urn:p:1", "objectType": "Person"},
        "name": {"languageMap": {"en": "x"}},
        "speed": [
            {
                "value": 1,
                "unitCode": "KMH",
                "observedAt": "2026-01-01T00:00:00Z",
                "q": {"vocab": "Z"},
            },
            {"value": 2, "datasetId": "urn:d:1"},
        ],
    },
    Rules(CORE),
)


def shown(version: Version) -> dict[str, Any]:
    return represent(ENTITY, View(version=version, times=True))


def test_the_current_version_changes_nothing() -> None:
    assert conform(ENTITY, (1, 9), CORE.compact) is ENTITY


def test_an_entity_that_any_version_knows_stays() -> None:
    plain = expand_entity({"id": "urn:a:1", "type": "Car", "speed": 1}, Rules(CORE))
    assert conform(plain, (1, 0), CORE.compact) is plain


def test_members_go_and_kinds_become_what_was_there() -> None:
    old = shown((1, 7))
    assert "expiresAt" not in old
    assert old["scope"] == "/a"
    assert old["kind"] == {"type": "Property", "value": "Small"}
    assert old["kinds"]["value"] == ["Small", "Red"]
    assert old["raw"] == {"type": "Property", "value": {"a": 1}}
    assert old["list"] == {"type": "Property", "value": [1, 2]}
    assert old["stops"] == {"type": "Relationship", "object": ["urn:s:1"]}
    assert old["owner"] == {"type": "Relationship", "object": "urn:p:1"}
    assert old["name"]["type"] == "LanguageProperty"
    assert old["speed"][0]["q"] == {"type": "Property", "value": "Z"}


@pytest.mark.parametrize("version", [(1, 0), (1, 2)])
def test_the_first_versions_know_one_of_each(version: Version) -> None:
    old = shown(version)
    assert old["type"] == "Car"
    assert "scope" not in old
    assert old["name"] == {"type": "Property", "value": {"en": "x"}}
    assert old["speed"] == {
        "type": "Property",
        "value": 1,
        "q": {"type": "Property", "value": "Z"},
    }


def test_versions_between_keep_what_they_had() -> None:
    assert shown((1, 4))["type"] == ["Car", "Taxi"]
    assert len(shown((1, 3))["speed"]) == 2
    assert "objectType" in shown((1, 8))["owner"]
    assert shown((1, 8))["kind"]["type"] == "VocabProperty"
