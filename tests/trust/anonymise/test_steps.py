"""What steps make of entities: nothing raw is left, what is personal has a step, groups are large enough."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.ngsild.city import city_context, city_iri
from hansa.ngsild.represent import View, represent
from hansa.trust.anonymise.personal import people, table
from hansa.trust.anonymise.pseudonyms import Key, is_pseudonym
from hansa.trust.anonymise.steps import Steps

from .samples import entity, point, steps, value

KEY = Key("today", b"k" * 32)
OTHER = Key("tomorrow", b"o" * 32)
HIDE = {"step": "pseudonymise", "attributes": ["id", "owner"]}


def test_dropped_attributes_are_nowhere() -> None:
    given = entity(
        "1",
        phone="0151",
        size={"type": "Property", "value": 3, "phone": {"type": "Property", "value": "0152"}},
        contact={"type": "Property", "value": {"phone": "0153", "hours": ["9-5", {"PHONE": "1"}]}},
    )
    before = deepcopy(given)
    (made,), account = steps({"step": "drop", "attributes": ["phone"]}).apply([given])
    assert b"015" not in orjson.dumps(made)
    assert value(made, "contact") == {"hours": ["9-5", {}]}
    assert account.done["drop"] == 4
    assert given == before


def test_scopes_can_be_dropped() -> None:
    given = entity("1", size=1) | {"scope": ["/people/ana"]}
    (made,), _ = steps({"step": "drop", "attributes": ["scope"]}).apply([given])
    assert "scope" not in made


def test_times_become_the_beginning_of_their_period() -> None:
    given = entity(
        "1",
        seen={
            "type": "Property",
            "value": "2026-03-04T05:06:07Z",
            "observedAt": "2026-03-04T05:06:07.5Z",
        },
        born={"type": "Property", "value": {"@type": "Date", "@value": "1990-05-06"}},
        days=["2026-01-02", "2026-02-03T04:05:06+02:00"],
        odd="yesterday",
    )
    declared = steps(
        {"step": "time", "attributes": ["seen", "observedAt"], "period": "PT1H"},
        {"step": "time", "attributes": ["born", "days", "odd"], "period": "P1Y"},
    )
    (made,), account = declared.apply([given])
    assert value(made, "seen") == "2026-03-04T05:00:00Z"
    assert made[city_iri("seen")][0]["observedAt"] == "2026-03-04T05:00:00Z"
    assert value(made, "born") == {"@type": "Date", "@value": "1990-01-01"}
    assert value(made, "days") == ["2026-01-01", "2026-01-01T00:00:00Z"]
    assert city_iri("odd") not in made, "what is no time does not go through as it came"
    assert account.unfit == 1


def test_places_become_cells() -> None:
    given = entity("1", location=point(8.6, 53.1), note=point(1, 2))
    for shown, kind in (("centre", "Point"), ("cell", "Polygon")):
        declared = steps(
            {"step": "place", "attributes": ["location"], "resolution": 7, "as": shown}
        )
        (made,), _ = declared.apply([given])
        assert value(made, "location")["type"] == kind
        assert value(made, "location") != point(8.6, 53.1)
        assert value(made, "note") == point(1, 2)


def test_what_is_no_place_is_taken_away() -> None:
    given = entity("1", spot="Main street 5")
    (made,), account = steps({"step": "place", "attributes": ["spot"], "resolution": 7}).apply(
        [given]
    )
    assert city_iri("spot") not in made
    assert account.unfit == 1


def test_pseudonyms_keep_what_belongs_together() -> None:
    ana = {"type": "Relationship", "object": "urn:ngsi-ld:Person:ana-lucia"}
    bikes = [entity(str(n), "Bike", owner=ana) for n in range(2)]
    person = entity("ana-lucia", "Person", age=33)
    made, _ = steps(HIDE, rotate="P1D").apply([*bikes, person], KEY)
    ids = {value(each, "owner") for each in made[:2]}
    assert ids == {made[2]["id"]}
    assert made[2]["id"].startswith("urn:ngsi-ld:Person:p-")
    assert is_pseudonym(made[2]["id"])
    again, _ = steps(HIDE, rotate="P1D").apply([person], OTHER)
    assert again[0]["id"] != made[2]["id"]


def test_pseudonyms_of_every_kind_of_attribute() -> None:
    raw = ["Ana Lucia", 4711, {"a": "secret!"}, ["one-of-us", 12345678]]
    given = [entity(f"n{n}", "Bike", owner=each) for n, each in enumerate(raw)]
    given[0][city_iri("owner")] += [
        {
            "type": "ListRelationship",
            "objectList": ["urn:x:secret1"],
            "datasetId": "urn:ds:secret2",
        },
        {"type": "LanguageProperty", "languageMap": {"en": "secret3"}},
        {"type": "ListProperty", "valueList": ["secret4"]},
        {"type": "GeoProperty", "value": point(1.234, 2.345)},
        {"type": "VocabProperty", "vocab": "https://people.example/secret5"},
        {"type": "JsonProperty", "json": {"k": "secret6"}},
        {"type": "Relationship", "object": 5},
    ]
    made, account = steps(HIDE, rotate="P1D").apply(given, KEY)
    assert len(made) == 4
    whole = orjson.dumps(made)
    for part in (b"secret", b"Ana", b"4711", b"one-of-us", b"12345678", b"1.234"):
        assert part not in whole
    assert account.unfit == 2, "a place and a broken link have no pseudonym"


def test_a_hidden_value_may_not_stand_elsewhere() -> None:
    given = entity("HB-AB-123", "Bike", label="the bike hb-ab-123 is blue")
    made, account = steps(HIDE, rotate="P1D").apply([given], KEY)
    assert made == []
    assert account.withheld == {"shows": 1}


@pytest.mark.parametrize("name", ["bike", "12"])
def test_short_words_are_no_accident(name: str) -> None:
    given = entity(name[:3], "Bike", label=f"a bike 12 {name}", age=12)
    made, _ = steps(HIDE, rotate="P1D").apply([given], KEY)
    assert len(made) == 1


@pytest.mark.parametrize(
    "hidden, rest",
    [
        ("Anna Andersson", {"found": {"Anna Andersson": 1}}),
        ("Anna Andersson", {"found": [{"x": [{"anna-andersson": 1}]}]}),
        ("Anna Andersson", {"found": {"type": "Anna Andersson"}}),
        ("Anna Andersson", {"login": "annaandersson7"}),
        ("annaandersson", {"label": "of Anna Andersson"}),
        ("José Núñez", {"label": "the bike of Jose Nunez"}),
        ("46701234567", {"found": 46701234567}),
        (46701234567, {"found": {"a": ["+46 70 123 45 67"]}}),
        (46701234567, {"found": {"a": 46701234567.0}}),
        ("Bo", {"label": "Bo's bike"}),
        ("Ana", {"found": {"Ana": 1}}),
    ],
    ids=range(11),
)
def test_a_hidden_value_is_found_however_it_is_written(hidden: Any, rest: Any) -> None:
    declared = steps({"step": "pseudonymise", "attributes": ["owner"]}, rotate="P1D")
    made, account = declared.apply([entity("1", "Bike", owner=hidden, **rest)], KEY)
    assert made == []
    assert account.withheld == {"shows": 1}


def test_a_hidden_value_may_not_stand_in_a_scope() -> None:
    declared = steps({"step": "pseudonymise", "attributes": ["owner"]}, rotate="P1D")
    given = entity("1", "Bike", owner="Anna Andersson") | {"scope": ["/owner/Anna_Andersson"]}
    assert declared.apply([given], KEY)[0] == []


@pytest.mark.parametrize(
    "hidden, rest",
    [
        ("owner", {"size": 1}),
        ("Property", {"size": {"type": "Property", "value": 1}}),
        ("Bo", {"label": "bo and boat"}),
        ("Andersson", {"label": "Anderssonsgatan"}),
        (2026, {"year": 2026}),
        ("es", {"label": {"type": "Property", "value": "ES"}}),
    ],
    ids=range(6),
)
def test_what_is_like_a_hidden_value_is_none(hidden: Any, rest: Any) -> None:
    declared = steps({"step": "pseudonymise", "attributes": ["owner"]}, rotate="P1D")
    made, _ = declared.apply([entity("1", "Bike", owner=hidden, **rest)], KEY)
    assert len(made) == 1


def test_times_and_places_within_values_are_generalised() -> None:
    exact = "2026-01-01T10:11:12Z"
    given = entity(
        "1",
        x={"startTime": exact, "legs": [{"starttime": exact, "at": 3}], "bad": {"startTime": "x"}},
        y={"location": point(8.123456, 53.123456), "none": {"location": "at home"}},
    )
    before = deepcopy(given)
    declared = steps(
        {"step": "time", "attributes": ["startTime"], "period": "P1D"},
        {"step": "place", "attributes": ["location"], "resolution": 6},
    )
    (made,), account = declared.apply([given])
    whole = orjson.dumps(made)
    assert b"10:11" not in whole and b"123456" not in whole and b"at home" not in whole
    assert value(made, "x")["legs"][0]["at"] == 3
    assert value(made, "x")["startTime"].startswith("2026-01-01")
    assert value(made, "y")["location"]["type"] == "Point"
    assert account.done == {"time": 2, "place": 1}
    assert account.unfit == 2
    assert given == before


def test_pseudonyms_of_texts_by_language_can_be_read_in_one() -> None:
    given = entity("1", "Bike", owner="x")
    given[city_iri("owner")] = [
        {"type": "LanguageProperty", "languageMap": {"es": "secreto", "en": ["secret"]}},
        {"type": "JsonProperty", "json": {"a": "secret"}, "datasetId": "urn:x:d"},
    ]
    (made,), _ = steps(HIDE, rotate="P1D").apply([given], KEY)
    for instance in made[city_iri("owner")]:
        assert instance["type"] == "Property"
        assert is_pseudonym(instance["value"])
    shown = represent(made, View(context=city_context(), language="es"))
    assert b"secret" not in orjson.dumps(shown)


@pytest.mark.parametrize("name", ["Name", "NOMBRE", "nom", "이름", "dirección"])
def test_names_of_people_are_personal_in_every_language(name: str) -> None:
    _, account = Steps().apply([entity("ana", "Person", **{name: "x"})])
    assert account.withheld == {"personal": 1}
    assert account.why.total() == 2
    assert len(Steps().apply([entity("1", "Bench", **{name: "x"})])[0]) == 1


@pytest.mark.parametrize(
    "name", ["urn:x:email", "https://x.example/email/", "teléfono", "em\u0430il"]
)
def test_what_is_personal_is_so_in_every_dress(name: str) -> None:
    _, account = Steps().apply([entity("1", **{name: "x"})])
    assert account.withheld == {"personal": 1}


def test_a_key_never_shows_itself() -> None:
    assert "kkk" not in repr(KEY)


@pytest.mark.parametrize("rule", sorted({r.name for r in table() if not r.only_on}))
def test_what_is_personal_never_enters_without_a_step(rule: str) -> None:
    wraps = [
        entity("1", **{rule: "x"}),
        entity(
            "2", size={"type": "Property", "value": 1, rule: {"type": "Property", "value": "x"}}
        ),
        entity("3", size={"deep": [{rule.upper(): "x"}]}),
        {
            **entity("4"),
            f"https://elsewhere.example/ns#{rule}": [{"type": "Property", "value": "x"}],
        },
    ]
    made, account = Steps().apply(wraps)
    assert made == []
    assert account.withheld == {"personal": 4}
    assert account.why == {rule: 4}


@pytest.mark.parametrize("type", sorted(people()))
def test_people_need_a_pseudonym_and_no_precise_place(type: str) -> None:
    given = entity("ana", type, location=point(8.6, 53.1), age=3)
    _, account = Steps().apply([given])
    assert account.why == {"id": 1, "@place": 1}
    place = {"step": "place", "attributes": ["location"], "resolution": 8}
    made, _ = steps(place, {"step": "pseudonymise", "attributes": ["id"]}, rotate="P1D").apply(
        [given], KEY
    )
    assert len(made) == 1


def test_a_place_within_a_value_is_a_place() -> None:
    given = entity("ana", "Person", home={"at": point(8.6, 53.1)})
    _, account = steps({"step": "pseudonymise", "attributes": ["id"]}, rotate="P1D").apply(
        [given], KEY
    )
    assert account.why == {"@place": 1}


def test_a_telephone_of_a_museum_is_none_of_a_person() -> None:
    made, _ = Steps().apply([entity("1", "PointOfInterest", telephone="0421")])
    assert len(made) == 1


def test_what_is_kept_is_kept_with_a_reason() -> None:
    keep = {
        "step": "keep",
        "attributes": ["owner"],
        "because": "all belong to the city's parks office",
    }
    declared = steps(keep)
    made, _ = declared.apply([entity("1", "Bench", owner="Parks")])
    assert value(made[0], "owner") == "Parks"
    assert not declared.hides


def test_a_step_for_a_type_is_for_that_type() -> None:
    declared = steps({"step": "drop", "types": ["Bike"], "attributes": ["colour"]})
    made, _ = declared.apply([entity("1", "Bike", colour="red"), entity("2", "Car", colour="red")])
    assert [city_iri("colour") in each for each in made] == [False, True]


def test_small_groups_are_withheld() -> None:
    declared = steps({"step": "suppress", "k": 3, "by": ["age"]})
    given = [entity(str(n), age=30 if n < 3 else 40) for n in range(5)]
    made, account = declared.apply(given)
    assert [each["id"] for each in made] == [each["id"] for each in given[:3]]
    assert account.withheld == {"small": 2}
    assert account.passed == 3


def test_a_group_is_as_large_as_those_behind_it() -> None:
    declared = steps({"step": "suppress", "k": 3, "by": ["age"], "per": "rider"})
    one = [entity(f"a{n}", age=30, rider="x") for n in range(9)]
    three = [entity(f"b{n}", age=40, rider=n % 3) for n in range(9)]
    made, _ = declared.apply([*one, *three])
    assert {each["id"].rsplit(":", 1)[-1][0] for each in made} == {"b"}


def test_many_states_of_one_entity_are_one() -> None:
    declared = steps({"step": "suppress", "k": 2, "by": ["age"]})
    made, _ = declared.apply([entity("1", age=30), entity("1", age=30), entity("1", size=2)])
    assert made == []


def test_counted_entities_never_go_on() -> None:
    declared = steps(
        {
            "step": "count",
            "types": ["Person"],
            "by": ["age"],
            "among": {"age": [30, 40]},
            "epsilon": 0.5,
        },
        budget={"epsilon": 1},
    )
    people = [entity(f"n{n}", "Person", age=30 + n % 3 * 10, name="Ana") for n in range(7)]
    made, account, (counted,) = declared.apply_counting([*people, entity("x", "Bike")])
    assert [each["type"] for each in made] == [[city_iri("Bike")]]
    assert counted.counts == {("30",): 3, ("40",): 2}
    assert account.withheld == {"counted": 7}
    assert "): 3" not in repr(counted), "exact numbers do not show in a traceback"


WORDS = st.text("abcdefgh", min_size=6, max_size=10)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 6)), max_size=40),
    st.integers(2, 6),
)
def test_every_group_that_passes_has_k(rows: list[tuple[int, int, int]], k: int) -> None:
    declared = steps({"step": "suppress", "k": k, "by": ["a", "b"], "per": "who"})
    given = [entity(str(n), a=a, b=b, who=w) for n, (a, b, w) in enumerate(rows)]
    made, account = declared.apply(given)
    groups: dict[tuple[Any, Any], set[Any]] = {}
    for each in made:
        groups.setdefault((value(each, "a"), value(each, "b")), set()).add(value(each, "who"))
    assert all(len(members) >= k for members in groups.values())
    assert account.passed + account.withheld.total() == account.read == len(rows)
    assert declared.apply(made)[0] == made


@given(
    st.datetimes().map(lambda d: d.isoformat() + "Z") | st.dates().map(str),
    st.floats(-180, 180),
    st.floats(-90, 90),
    st.sampled_from(["PT5M", "PT1H", "P1D", "P1W", "P1M", "P1Y", "P10Y"]),
    st.integers(0, 10),
    st.sampled_from(["centre", "cell"]),
)
def test_to_generalise_twice_is_to_generalise_once(
    time: str, lng: float, lat: float, period: str, resolution: int, shown: str
) -> None:
    declared = steps(
        {"step": "time", "attributes": ["at"], "period": period},
        {"step": "place", "attributes": ["location"], "resolution": resolution, "as": shown},
    )
    once, _ = declared.apply([entity("1", at=time, location=point(lng, lat))])
    twice, _ = declared.apply(once)
    assert once == twice
    assert len(once[0]) == 4


@given(st.lists(WORDS, min_size=1, max_size=8))
def test_pseudonyms_are_equal_within_a_key_and_unlike_across(words: list[str]) -> None:
    given = [entity(word, "Person", owner=word) for word in words]
    first, _ = steps(HIDE, rotate="P1D").apply(given, KEY)
    again, _ = steps(HIDE, rotate="P1D").apply(given, KEY)
    other, _ = steps(HIDE, rotate="P1D").apply(given, OTHER)
    assert first == again
    assert not {each["id"] for each in first} & {each["id"] for each in other}
    assert len({each["id"] for each in first}) == len(set(words))
    for each in first + other:
        assert not any(word.encode() in orjson.dumps(each) for word in words)
