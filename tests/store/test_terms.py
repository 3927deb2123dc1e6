"""Terms of q, by the sentences and examples of ETSI GS CIM 009, clause 4.9."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from hansa.kernel.errors import BadRequest
from hansa.ngsild.query import And, AttributePath, Compare, Exists, Operator, Or, Query, Range, Uri
from hansa.store.port import Store

from .build import entity, fill, found

A = "urn:a:a"


def path(*names: str, trail: tuple[str, ...] = ()) -> AttributePath:
    return AttributePath(names or (A,), trail)


def instance(kind: str, member: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, member: value, **more}


def prop(value: Any, **more: Any) -> list[dict[str, Any]]:
    return [instance("Property", "value", value, **more)]


def matches(store: Store, instances: list[dict[str, Any]], term: Any) -> bool:
    """Whether a term matches an entity with the attribute; it never matches one without."""
    fill(store, entity("urn:x:1") | {A: instances}, entity("urn:x:none"), entity("urn:x:odd", b=1))
    ids = found(store, q=term)
    assert ids in ([], ["1"])
    return ids == ["1"]


RED = Uri("http://example.org/red")
NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)
TONGUES = [instance("LanguageProperty", "languageMap", {"en": "red", "fr": ["rouge", "vif"]})]
LIST = [instance("ListProperty", "valueList", [1, 2])]
REFERENCE = [instance("Relationship", "object", "http://example.org/red")]
REFERENCES = [instance("Relationship", "object", ["urn:x:9", "http://example.org/red"])]
VOCABULARY = [instance("VocabProperty", "vocab", "http://example.org/red")]
DATED = prop({"@type": "DateTime", "@value": "2020-01-01T12:00:00Z"})

CASES: list[tuple[list[dict[str, Any]], Operator, Any, bool]] = [
    # numbers, texts and booleans never meet
    (prop(20), "==", 20, True),
    (prop(20), "==", 20.0, True),
    (prop(20), "==", "20", False),
    (prop("20"), "==", 20, False),
    (prop("20"), "!=", 20, True),
    (prop("20"), ">", 3, False),
    (prop(20), "<", "3", False),
    (prop(True), "==", 1, False),
    (prop(1), "==", True, False),
    (prop(True), "==", True, True),
    (prop(False), "!=", True, True),
    (prop(True), ">", 0, False),
    (prop(2**53 + 1), "==", 2**53, False),
    (prop(5), "<", 1 << 70, True),
    # order
    (prop(20), ">=", 20, True),
    (prop(20), ">", 20, False),
    (prop(19.5), "<", 20, True),
    (prop("b"), ">", "a", True),
    (prop("a"), "<=", "a", True),
    # ranges and lists
    (prop(15), "==", Range(10, 20), True),
    (prop(20), "==", Range(10, 20), True),
    (prop(21), "==", Range(10, 20), False),
    (prop(21), "!=", Range(10, 20), True),
    (prop("15"), "==", Range(10, 20), False),
    (prop("red"), "==", ("black", "red"), True),
    (prop("blue"), "!=", ("black", "red"), True),
    (prop("red"), "!=", ("black", "red"), False),
    (prop(7), "==", ("black", Range(1, 9)), True),
    # arrays: equality looks inside, order does not
    (prop(["blue", "red"]), "==", "red", True),
    (prop(["blue", "red"]), "!=", "red", False),
    (prop(["blue", "black"]), "!=", "red", True),
    (prop([5, 50]), "==", Range(10, 90), True),
    (prop([5, 50]), ">", 10, False),
    (prop([]), "!=", 1, True),
    (LIST, "==", 2, True),
    (LIST, "!=", 3, True),
    # any instance of several
    (prop(1) + prop(50, datasetId="urn:d:1"), ">", 20, True),
    (prop(1) + prop(50, datasetId="urn:d:1"), "!=", 1, True),
    (prop(1) + prop("x", datasetId="urn:d:1"), "==", "x", True),
    # languages
    (TONGUES, "==", "red", True),
    (TONGUES, "==", "vif", True),
    (TONGUES, "!=", "rouge", False),
    (TONGUES, "!=", "blue", True),
    (TONGUES, "~=", "^rou", True),
    # references: equal and unequal only
    (REFERENCE, "==", RED, True),
    (REFERENCE, "==", "http://example.org/red", True),
    (REFERENCE, "!=", RED, False),
    (REFERENCE, "!=", Uri("http://example.org/blue"), True),
    (REFERENCE, ">", "a", False),
    (REFERENCE, "~=", "red", False),
    (REFERENCE, "!~=", "blue", False),
    (REFERENCE, "==", Range("a", "z"), False),
    (REFERENCES, "==", Range("a", "z"), False),
    (REFERENCES, "!=", Range("a", "z"), True),
    (REFERENCES, "==", RED, True),
    (REFERENCES, "!=", RED, False),
    (
        [instance("ListRelationship", "objectList", ["urn:x:1", "urn:x:2"])],
        "==",
        Uri("urn:x:2"),
        True,
    ),
    (VOCABULARY, "==", RED, True),
    (VOCABULARY, "!=", RED, False),
    # points in time
    (prop("2020-01-01T12:00:00Z"), "==", NOON, True),
    (prop("2020-01-01T12:00:00.000Z"), "==", NOON, True),
    (prop("2020-01-01T12:00:00,5Z"), ">", NOON, True),
    (prop("2020-01-01"), "<", NOON, False),
    (prop("noon"), "!=", NOON, True),
    (prop("noon"), "==", Range(NOON, NOON), False),
    (prop("noon"), "!=", Range(NOON, NOON), True),
    (prop("2020-13-01T12:00:00Z"), ">", NOON, False),
    (DATED, "==", NOON, True),
    (DATED, ">", datetime(2019, 1, 1, tzinfo=UTC), True),
    (prop("2020-01-02"), ">", date(2020, 1, 1), True),
    (prop("2020-01-02T00:00:00Z"), ">", date(2020, 1, 1), False),
    (prop("10:30:00Z"), "<", time(11), True),
    (prop("25:00:00Z"), "!=", time(11), True),
    # patterns
    (prop("Eiffel"), "~=", "^Ei", True),
    (prop("Eiffel"), "!~=", "^Ei", False),
    (prop(5), "~=", "5", False),
    (prop(5), "!~=", "x", False),
    (prop(["Eiffel"]), "~=", "Ei", False),
]


@pytest.mark.parametrize(("instances", "operator", "wanted", "expected"), CASES)
@pytest.mark.parametrize("hot", [False, True])
def test_comparison(
    store: Store,
    hot: bool,
    instances: list[dict[str, Any]],
    operator: Operator,
    wanted: Any,
    expected: bool,
) -> None:
    if hot:
        store.declare_hot(A)
    values = wanted if isinstance(wanted, tuple) else (wanted,)
    assert matches(store, instances, Compare(path(), operator, values)) is expected


MEASURED = prop(
    20,
    observedAt="2020-01-01T12:00:00.5Z",
    unitCode="KMH",
    **{"urn:s:accuracy": prop(0.5, **{"urn:s:by": prop("me")})},
)
ADDRESS = prop({"city": "Berlin", "geo": {"lat": 1, "none": None}, "tags": ["a"]})
PATHS: list[tuple[list[dict[str, Any]], AttributePath, Operator | None, Any, bool]] = [
    (MEASURED, path(A, "observedAt"), ">", NOON, True),
    (MEASURED, path(A, "observedAt"), "<", NOON, False),
    (MEASURED, path(A, "observedAt"), "==", "2020-01-01T12:00:00.500000Z", True),
    (MEASURED, path(A, "unitCode"), "==", "KMH", True),
    (MEASURED, path(A, "unitCode"), None, None, True),
    (MEASURED, path(A, "datasetId"), None, None, False),
    (MEASURED, path(A, "urn:s:accuracy"), "<", 1, True),
    (MEASURED, path(A, "urn:s:accuracy", "urn:s:by"), "==", "me", True),
    (MEASURED, path(A, "urn:s:none"), "!=", 1, False),
    (ADDRESS, path(trail=("city",)), "==", "Berlin", True),
    (ADDRESS, path(trail=("city",)), "~=", "^Ber", True),
    (ADDRESS, path(trail=("geo", "lat")), ">", 0, True),
    (ADDRESS, path(trail=("geo", "none")), None, None, True),
    (ADDRESS, path(trail=("geo", "lon")), None, None, False),
    (ADDRESS, path(trail=("geo", "lon")), "!=", 1, False),
    (ADDRESS, path(trail=("tags",)), "==", "a", True),
    (ADDRESS, path(trail=("city", "x")), None, None, False),
    (ADDRESS, path(), "==", "Berlin", False),
    (TONGUES, path(trail=("en",)), "==", "red", True),
    (TONGUES, path(trail=("fr",)), "==", "red", False),
    (TONGUES, path(trail=("*",)), "==", "red", True),
    (TONGUES, path(trail=("de",)), None, None, False),
    (
        [instance("JsonProperty", "json", {"value": "Overstay"})],
        path(trail=("value",)),
        "==",
        "Overstay",
        True,
    ),
    (prop(1), path("createdAt"), ">=", "2020-01-01T00:00:00Z", True),
    (prop(1), path("modifiedAt"), ">", datetime(2030, 1, 1, tzinfo=UTC), False),
]


@pytest.mark.parametrize(("instances", "where", "operator", "wanted", "expected"), PATHS)
def test_path(
    store: Store,
    instances: list[dict[str, Any]],
    where: AttributePath,
    operator: Operator | None,
    wanted: Any,
    expected: bool,
) -> None:
    term = Compare(where, operator, (wanted,)) if operator else Exists(where)
    fill(store, entity("urn:x:1") | {A: instances})
    assert found(store, q=term) == (["1"] if expected else [])


def test_linked_entities(store: Store) -> None:
    station = [instance("Relationship", "object", ["urn:x:device", "urn:x:gone"])]
    fill(
        store,
        entity("urn:x:1") | {A: station},
        entity("urn:x:2") | {A: [instance("Relationship", "object", "urn:x:other")]},
        entity("urn:x:device", "urn:t:Device", humidity=40)
        | {"urn:a:owner": [instance("Relationship", "object", "urn:x:owner")]},
        entity("urn:x:other", "urn:t:Other", humidity=40),
        entity("urn:x:owner", name="city"),
    )
    humid = AttributePath(("urn:a:humidity",))
    assert found(store, q=Compare(AttributePath((A,), linked=humid), "==", (40,))) == ["1", "2"]
    hinted = AttributePath((A,), linked=humid, linked_types=("urn:t:Device",))
    assert found(store, q=Compare(hinted, ">", (39,))) == ["1"]
    assert found(store, q=Exists(hinted)) == ["1"]
    assert found(store, q=Compare(hinted, ">", (40,))) == []
    owner = AttributePath(("urn:a:owner",), linked=AttributePath(("urn:a:name",)))
    assert found(store, q=Compare(AttributePath((A,), linked=owner), "==", ("city",))) == ["1"]


def test_terms_combine(store: Store) -> None:
    fill(store, *(entity(f"urn:x:{n}", a=n, b=str(n % 2)) for n in range(6)))
    low, high = Compare(path(), "<", (2,)), Compare(path(), ">=", (4,))
    even = Compare(path("urn:a:b"), "==", ("0",))
    assert found(store, q=And((Or((low, high)), even))) == ["0", "4"]
    assert found(store, q=Or((And((low, even)), high))) == ["0", "4", "5"]
    assert found(store, q=And((even, Exists(path("urn:a:none"))))) == []


@pytest.mark.parametrize(
    "term",
    [
        Exists(path()),
        Compare(path(), "!=", (7,)),
        Compare(path(), "!=", (NOON,)),
        Compare(path(), "==", (Range(NOON, NOON), "text")),
        Compare(path(), "!=", ("text", Range(1, 2), NOON)),
        Compare(path(), "!~=", ("x",)),
    ],
)
@pytest.mark.parametrize("hot", [False, True])
def test_an_alternative_does_not_match_for_lack_of_the_attribute(
    store: Store, term: Any, hot: bool
) -> None:
    if hot:
        store.declare_hot(A)
    fill(store, entity("urn:x:1", a="text"), entity("urn:x:2", b=1), entity("urn:x:3", b=7))
    other = Compare(path("urn:a:b"), "==", (7,))
    expected = [["3"], ["1", "3"]]
    assert found(store, q=Or((term, other))) in expected
    assert "2" not in found(store, q=Or((other, term)))


@pytest.mark.parametrize("where", [path(), path(A, "urn:s:s"), path("createdAt")])
def test_a_bad_pattern_is_refused(store: Store, where: AttributePath) -> None:
    fill(store, entity("urn:x:1", a="text"))
    with pytest.raises(BadRequest, match="RE2"):
        store.query(Query(q=Compare(where, "~=", ("(unclosed",))))


def test_a_pattern_that_would_backtrack_for_ever_is_harmless(store: Store) -> None:
    fill(store, entity("urn:x:1", a="a" * 5_000 + "!"))
    assert found(store, q=Compare(path(), "~=", ("^(a+)+$",))) == []
