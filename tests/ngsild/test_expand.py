"""What reading refuses, and how a partial update is read: clauses 4.5, 4.7.1, 5.5.4 and 5.5.8."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest, HansaError, InvalidRequest, NotFound
from hansa.ngsild import merge
from hansa.ngsild.context import CORE
from hansa.ngsild.expand import Rules, expand_attribute, expand_entity, expand_fragment
from hansa.ngsild.model import DEFAULT_VOCABULARY, NULL, Entity

NOW, LATER = "2026-11-23T08:00:00.000000Z", "2026-11-23T09:00:00.000000Z"
CREATE = Rules(CORE)
PARTIAL = Rules(CORE, nulls=True, partial=True)
POINT = {"type": "Point", "coordinates": [-71.34, -29.95]}
PROOF = {"type": "DataIntegrityProof", "proofValue": "z58"}


def car(**members: Any) -> Entity:
    return expand_entity({"id": "urn:ngsi-ld:Car:1", "type": "Car", **members}, CREATE)


@pytest.mark.parametrize(
    "members",
    [
        {"type": "type"},
        {"type": ["Car", "id"]},
        {"id": NULL},
        {"scope": NULL},
        {"instanceId": {"type": "Property", "value": 1}},
        {"location": {"type": "Property", "value": 7}},
        {"location": 7},
        {"observationSpace": {"type": "Relationship", "object": "urn:a:b"}},
        {"operationSpace": [{"value": 1}, {"value": 2, "datasetId": "urn:d:1"}]},
        {"ngsildproof": {"type": "Property", "value": "no proof"}},
        {"ngsildproof": {"type": "Property", "value": PROOF, "entityTypeSealed": 42}},
        {"speed": {"value": 1, "entityIdSealed": "urn:a:b"}},
        {"name": {"languageMap": {"en": "x"}, "valueType": "xsd:string"}},
        {"speed": {"value": 1, "unitCode": NULL}},
        {"speed": {"value": 1, "observedAt": NULL}},
        {"speed": {"value": 1, "datasetId": NULL}},
    ],
)
def test_creating_refuses(members: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        car(**members)


WORDS = st.sampled_from(
    "type @type value object valueList languageMap datasetId observedAt unitCode lang Property"
    f" Relationship LanguageProperty Point urn:a:b {NULL}".split()
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(ANYTHING)
def test_whatever_an_attribute_is_it_is_read_or_refused(payload: Any) -> None:
    for rules in (CREATE, PARTIAL, Rules(CORE, nulls=True, nested_nulls=True)):
        try:
            instances = expand_attribute("speed", payload, rules)
        except HansaError:
            continue
        assert instances


@pytest.mark.parametrize("kind", [["Property"], [], {}, {"@value": "Property"}])
def test_a_type_that_is_no_text_names_no_kind(kind: Any) -> None:
    with pytest.raises(BadRequest, match="is not a kind of attribute"):
        car(speed={"type": kind, "value": 1})
    assert car(speed={"type": kind})[DEFAULT_VOCABULARY + "speed"] == [
        {"type": "Property", "value": {"type": kind}}
    ]


def test_what_looks_alike_is_taken() -> None:
    car(location=POINT)
    car(ngsildproof={"type": "Property", "value": PROOF, "entityIdSealed": "urn:a:b"})
    car(name={"languageMap": {"en": "x"}, "valueType": "langString"})
    assert "instanceId" not in str(car(speed={"value": 1, "instanceId": "urn:i:1"}))


def test_a_body_that_is_no_object_is_an_invalid_request() -> None:
    with pytest.raises(InvalidRequest):
        expand_fragment([], CREATE)


# -- partial updates ---------------------------------------------------------------------------------

SPEED = DEFAULT_VOCABULARY + "speed"


def patched(name: str, value: Any, patch: Any) -> Any:
    """What is left of an attribute after a partial update; None when it is gone."""
    entity = merge.create(car(**{name: value}), NOW)
    iri = CORE.expand(name)
    (instance,) = expand_attribute(name, patch, PARTIAL)
    found = merge.partial_update(entity, iri, instance, LATER).get(iri)
    bare = found and [
        {k: v for k, v in i.items() if k not in ("createdAt", "modifiedAt")} for i in found
    ]
    return bare[0] if bare and len(bare) == 1 else bare


def test_a_patch_without_type_means_the_stored_kind() -> None:
    parked = {"type": "Relationship", "object": "urn:p:1"}
    assert patched("parked", parked, {"observedAt": "2026-01-01T00:00:00Z"}) == {
        **parked,
        "observedAt": "2026-01-01T00:00:00Z",
    }
    assert patched("parked", parked, {"object": "urn:p:2"})["object"] == "urn:p:2"
    assert patched("speed", {"value": 1, "unitCode": "KMH"}, 5) == {
        "type": "Property",
        "value": 5,
        "unitCode": "KMH",
    }
    other = {"type": "Point", "coordinates": [1, 2]}
    assert patched("location", POINT, {"value": other})["value"] == other


@pytest.mark.parametrize(
    ("value", "patch"),
    [
        ({"value": 1}, {"type": "Property", "value": NULL}),
        ({"value": 1}, {"value": NULL}),
        ({"value": 1}, NULL),
        ({"type": "GeoProperty", "value": POINT}, {"value": NULL}),
        ({"languageMap": {"en": "a"}}, {"languageMap": {"@none": NULL}}),
        ({"object": "urn:a:b"}, {"type": "Relationship", "object": NULL}),
    ],
)
def test_a_null_value_removes_the_attribute(value: Any, patch: Any) -> None:
    assert patched("thing", value, patch) is None


def test_a_null_value_removes_one_instance_only() -> None:
    both = [{"value": 1}, {"value": 2, "datasetId": "urn:d:1"}]
    assert patched("speed", both, {"value": NULL})["datasetId"] == "urn:d:1"
    assert patched("speed", both, {"value": NULL, "datasetId": "urn:d:1"})["value"] == 1
    with pytest.raises(NotFound):
        patched("speed", both, {"value": NULL, "datasetId": "urn:d:2"})


@pytest.mark.parametrize(
    ("value", "patch"),
    [
        ({"value": 1}, {"type": "Relationship", "object": "urn:a:b"}),
        ({"value": 1}, {"object": "urn:a:b"}),
        ({"object": "urn:a:b"}, {"value": 1}),
        ({"value": 1}, {"type": "Relationship", "observedAt": "2026-01-01T00:00:00Z"}),
        ({"type": "GeoProperty", "value": POINT}, {"value": 7}),
        ({"value": 1}, {"accuracy": {"type": "Property"}}),
        ({"value": 1}, {"value": {"a": NULL}}),
    ],
)
def test_a_patch_cannot_change_the_kind_or_be_half_an_attribute(value: Any, patch: Any) -> None:
    with pytest.raises(BadRequest):
        patched("thing", value, patch)
