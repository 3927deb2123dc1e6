"""Expansion, representation and merging of entities, by example and by property."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest, InvalidRequest, NotFound
from hansa.ngsild import merge
from hansa.ngsild.context import CORE, Context
from hansa.ngsild.expand import Rules, expand_attribute, expand_entity, expand_fragment
from hansa.ngsild.model import DEFAULT_VOCABULARY, NULL
from hansa.ngsild.represent import View, feature, represent

NOW = "2026-11-23T08:00:00.000000Z"
LATER = "2026-11-23T09:00:00.000000Z"
RULES = Rules(CORE)
PATCH = Rules(CORE, nulls=True, nested_nulls=True)
POINT = {"type": "Point", "coordinates": [-71.34, -29.95]}

# -- strategies: entities in internal form, whatever the model allows ------------------------------

names = st.from_regex(r"[a-z][A-Za-z0-9_]{0,8}", fullmatch=True).filter(
    lambda n: CORE.expand(n).startswith(DEFAULT_VOCABULARY)
)
iris = names.map(CORE.expand)
uris = st.integers(0, 99).map(lambda n: f"urn:ngsi-ld:Thing:{n}")
reserved = st.sampled_from(
    "type @type value @value object json Property Relationship Point coordinates datasetId".split()
)
texts = reserved | st.text(max_size=12).filter(lambda t: t != NULL)
scalars = texts | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.booleans()
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
points = st.tuples(st.floats(-180, 180), st.floats(-90, 90)).map(
    lambda xy: {"type": "Point", "coordinates": list(xy)}
)
language_maps = st.dictionaries(
    st.sampled_from(["en", "es-CL", "fr", "@none"]),
    texts | st.lists(texts, min_size=1, max_size=2),
    min_size=1,
    max_size=3,
)
objects = st.dictionaries(texts, json_values, max_size=3)
bodies = st.one_of(
    st.builds(lambda v: {"type": "Property", "value": v}, json_values),
    st.builds(lambda v: {"type": "GeoProperty", "value": v}, points),
    st.builds(lambda v: {"type": "Relationship", "object": v}, uris),
    st.builds(
        lambda v: {"type": "Relationship", "object": v}, st.lists(uris, min_size=1, max_size=3)
    ),
    st.builds(lambda v: {"type": "LanguageProperty", "languageMap": v}, language_maps),
    st.builds(lambda v: {"type": "VocabProperty", "vocab": v}, iris),
    st.builds(lambda v: {"type": "JsonProperty", "json": v}, objects),
    st.builds(lambda v: {"type": "ListProperty", "valueList": v}, st.lists(scalars, max_size=3)),
    st.builds(lambda v: {"type": "ListRelationship", "objectList": v}, st.lists(uris, max_size=3)),
)


def _instances(children: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.builds(
        lambda body, extra, subs: {**body, **extra, **subs},
        bodies,
        st.sampled_from(
            [{}, {"observedAt": "2026-01-01T00:00:00Z"}, {"expiresAt": "2030-01-01T00:00:00Z"}]
        ),
        children,
    )
    return st.lists(one, min_size=1, max_size=3).map(
        lambda many: [
            {**body, **({"datasetId": f"urn:x:set:{n}"} if n else {})}
            for n, body in enumerate(many)
        ]
    )


attribute_maps = st.recursive(
    st.just({}), lambda inner: st.dictionaries(iris, _instances(inner), max_size=3), max_leaves=4
)
entities = st.builds(
    lambda uri, types, scope, attributes: {"id": uri, "type": types, **scope, **attributes},
    uris,
    st.lists(iris, min_size=1, max_size=2, unique=True),
    st.sampled_from([{}, {"scope": ["/Madrid/Gardens"]}, {"scope": ["/a", "/b/c"]}]),
    attribute_maps,
)


@given(entities, st.sampled_from(["normalized", "concise"]))
def test_lossless_forms_read_back_as_the_same_entity(entity: dict[str, Any], form: Any) -> None:
    shown = represent(entity, View(form=form, times=True))
    assert expand_entity(shown, RULES) == entity


@pytest.mark.parametrize("item", [{"type": {}}, {"type": ["Property"]}, {"@type": "Property"}])
def test_lists_of_what_looks_like_attributes_read_back_from_the_concise_form(item: Any) -> None:
    value = {"type": "Property", "value": [item]}
    entity = expand_entity({"id": "urn:a:b", "type": "Car", "parts": value}, RULES)
    assert expand_entity(represent(entity, View(form="concise")), RULES) == entity


@given(entities, entities)
def test_merging_an_entity_with_itself_changes_no_content(
    a: dict[str, Any], b: dict[str, Any]
) -> None:
    stored = merge.create(a, NOW)
    again = merge.replace(stored, a, NOW)
    assert again == stored
    assert merge.update(stored, {}, LATER) is stored
    replaced = merge.replace(stored, b, LATER)
    assert represent(replaced, View()) == represent(merge.create({**b, "id": a["id"]}, NOW), View())


@given(entities, entities)
def test_writes_never_change_their_arguments(a: dict[str, Any], b: dict[str, Any]) -> None:
    stored, copy = merge.create(a, NOW), merge.create(a, NOW)
    fragment, before = dict(b), repr(b)
    merge.append(stored, fragment, LATER)
    merge.update(stored, fragment, LATER)
    merge.merge_patch(stored, fragment, LATER)
    assert stored == copy
    assert repr(fragment) == before


@given(entities)
def test_geojson_keeps_id_and_properties(entity: dict[str, Any]) -> None:
    shown = feature(entity, View(times=True))
    assert shown["id"] == entity["id"]
    assert expand_entity({"id": shown["id"], **shown["properties"]}, RULES) == entity


user_terms = st.dictionaries(
    names,
    st.sampled_from(["ex:one", "ex:two", "https://a.example/x#y", "name", "urn:q:"]),
    max_size=4,
)


@given(
    user_terms,
    iris | st.sampled_from(["https://ex.example/one", "https://a.example/x#y", "urn:q:z"]),
)
def test_expanding_what_was_compacted_is_the_identity(terms: dict[str, str], iri: str) -> None:
    context = Context([{"ex": "https://ex.example/"}, terms])
    assert context.expand(context.compact(iri)) == iri


# -- by example --------------------------------------------------------------------------------------


def entity(**attributes: Any) -> dict[str, Any]:
    return expand_entity({"id": "urn:ngsi-ld:Car:1", "type": "Car", **attributes}, RULES)


def stored(**attributes: Any) -> dict[str, Any]:
    return merge.create(entity(**attributes), NOW)


def shown(of: dict[str, Any], **view: Any) -> dict[str, Any]:
    return represent(of, View(**view))


@pytest.mark.parametrize(
    ("given_", "kind", "member"),
    [
        (55, "Property", "value"),
        ("text", "Property", "value"),
        ({"value": 3}, "Property", "value"),
        (POINT, "GeoProperty", "value"),
        ({"value": POINT}, "GeoProperty", "value"),
        ({"object": "urn:a:b"}, "Relationship", "object"),
        ({"languageMap": {"en": "x"}}, "LanguageProperty", "languageMap"),
        ({"vocab": "Male"}, "VocabProperty", "vocab"),
        ({"json": {"a": None}}, "JsonProperty", "json"),
        ({"valueList": [1, 2]}, "ListProperty", "valueList"),
        ({"objectList": ["urn:a:b", {"object": "urn:a:c"}]}, "ListRelationship", "objectList"),
    ],
)
def test_the_kind_of_a_concise_attribute_is_inferred(given_: Any, kind: str, member: str) -> None:
    (instance,) = entity(a=given_)[DEFAULT_VOCABULARY + "a"]
    assert instance["type"] == kind
    assert member in instance


@pytest.mark.parametrize(
    "bad",
    [
        {"type": "Property"},
        {"type": "Property", "value": None},
        {"type": "Property", "value": NULL},
        {"type": "Property", "value": {"deep": NULL}},
        {"type": "Property", "value": 1, "object": "urn:a:b"},
        {"type": "Property", "value": 1, "previousValue": 0},
        {"type": "Property", "value": 1, "observedAt": "yesterday"},
        {"type": "Property", "value": 1, "observedAt": "2026-01-01T00:00:00+02:00"},
        {"type": "Property", "value": 1, "observedAt": "2026-13-01T00:00:00Z"},
        {"type": "Property", "value": 1, "@context": {}},
        {"type": "Property", "value": 1, "unitCode": 7},
        {"type": "Property", "value": 1, "datasetId": "no uri"},
        {"type": "Relationship", "object": "not a uri"},
        {"type": "Relationship", "object": []},
        {"type": "Relationship", "object": "urn:a:b", "unitCode": "MTR"},
        {"type": "LanguageProperty", "languageMap": {"not a tag": "x"}},
        {"type": "LanguageProperty", "languageMap": {"en": 7}},
        {"type": "JsonProperty", "json": 7},
        {"type": "ListProperty", "valueList": 7},
        {"type": "ListRelationship", "objectList": ["nope"]},
        {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1]}},
        {"type": "GeoProperty", "value": {"type": "GeometryCollection", "geometries": []}},
        {"type": "Nonsense", "value": 1},
        [{"type": "Property", "value": 1}, {"type": "Property", "value": 2}],
        None,
    ],
)
def test_malformed_attributes_are_refused(bad: Any) -> None:
    with pytest.raises(BadRequest) as refusal:
        entity(a=bad)
    assert "'a'" in refusal.value.subject


@pytest.mark.parametrize("name", ["my attr", "1st", "", "a<b", "observedAt", "datasetId", "x'y"])
def test_bad_attribute_names_are_refused(name: str) -> None:
    with pytest.raises(BadRequest):
        entity(**{name: 1})


@pytest.mark.parametrize("payload", [None, [], 3, {}, {"id": "urn:a:b"}, {"id": "x", "type": "T"}])
def test_an_entity_needs_an_id_and_a_type(payload: Any) -> None:
    with pytest.raises((BadRequest, InvalidRequest)):
        expand_entity(payload, RULES)


def test_append_can_leave_existing_attributes_alone() -> None:
    before = stored(speed=1)
    after, kept = merge.append(
        before, expand_fragment({"speed": 2, "rpm": 3}, RULES), LATER, overwrite=False
    )
    assert kept == [DEFAULT_VOCABULARY + "speed"]
    assert shown(after, form="simplified") == {**shown(before, form="simplified"), "rpm": 3}


def test_update_replaces_whole_attributes_and_removes_nulls() -> None:
    before = stored(speed={"value": 1, "unitCode": "KMH"}, rpm=2, keep=3)
    patch = expand_fragment({"speed": {"value": 9}, "rpm": NULL}, PATCH)
    after = shown(merge.update(before, patch, LATER))
    assert after["speed"] == {"type": "Property", "value": 9}
    assert "rpm" not in after
    assert "keep" in after


def test_merge_patch_goes_into_values_and_keeps_the_rest() -> None:
    before = stored(
        address={"value": {"street": "17. Juni", "city": "Berlin", "country": "Germany"}},
        temperature={"value": 25, "unitCode": "CEL"},
    )
    patch = expand_fragment(
        {
            "address": {"value": {"street": "Pariser Platz", "country": NULL}},
            "temperature": {"type": "Property", "value": 100},
        },
        PATCH,
    )
    after = shown(merge.merge_patch(before, patch, LATER))
    assert after["address"]["value"] == {"street": "Pariser Platz", "city": "Berlin"}
    assert after["temperature"] == {"type": "Property", "value": 100, "unitCode": "CEL"}


def test_partial_update_touches_only_the_given_members() -> None:
    before = stored(speed=[{"value": 1, "unitCode": "KMH"}, {"value": 2, "datasetId": "urn:d:1"}])
    rules = Rules(CORE, nulls=True, partial=True)
    (patch,) = expand_attribute("speed", {"value": 7, "datasetId": "urn:d:1"}, rules)
    after = merge.partial_update(before, CORE.expand("speed"), patch, LATER)
    assert [i["value"] for i in after[CORE.expand("speed")]] == [1, 7]
    assert [i["modifiedAt"] for i in after[CORE.expand("speed")]] == [NOW, LATER]
    (patch,) = expand_attribute("speed", {"type": "Relationship", "object": "urn:a:b"}, rules)
    with pytest.raises(BadRequest):
        merge.partial_update(before, CORE.expand("speed"), patch, LATER)


def test_deleting_an_attribute_by_dataset() -> None:
    before = stored(speed=[{"value": 1}, {"value": 2, "datasetId": "urn:d:1"}])
    name = CORE.expand("speed")
    assert len(merge.delete_attribute(before, name, LATER)[name]) == 1
    assert name not in merge.delete_attribute(before, name, LATER, all=True)
    with pytest.raises(NotFound):
        merge.delete_attribute(before, name, LATER, dataset_id="urn:d:2")


def test_one_language_is_chosen_by_preference() -> None:
    car = stored(name={"languageMap": {"en": "ship", "es": "barco", "@none": "Schiff"}})
    assert shown(car, language="fr,es;q=0.5", form="simplified")["name"] == "barco"
    assert shown(car, language="fr")["name"] == {
        "type": "Property",
        "value": "Schiff",
        "lang": "@none",
    }


def test_system_times_show_only_when_asked_for() -> None:
    car = stored(speed=1)
    assert "createdAt" not in shown(car)
    assert shown(car, times=True)["speed"]["modifiedAt"] == NOW


def test_core_terms_cannot_be_redefined() -> None:
    context = Context([{"Property": "https://evil.example/", "location": "https://evil.example/"}])
    assert context.expand("location") == "https://uri.etsi.org/ngsi-ld/location"


@pytest.mark.parametrize(
    "part",
    [
        {"a": "b:c", "b": "a:c"},
        {"a": "b", "b": "a"},
        {"a": 7},
        {"a": {"@id": 7}},
        {"a": {"@id": "x:y", "@context": {}}},
    ],
)
def test_contexts_that_go_wrong_are_refused(part: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        Context([part])
