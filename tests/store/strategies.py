"""Hypothesis strategies: small, odd entities and queries that are likely to meet them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import shapely
from hypothesis import strategies as st

from hansa.ngsild.query import (
    And,
    AttributePath,
    Compare,
    Exists,
    GeoFilter,
    Or,
    Order,
    Query,
    Range,
    ScopePattern,
    Selector,
    TypeName,
    Uri,
)

IDS = [f"urn:x:{n}" for n in range(8)]
TYPES = ["urn:t:A", "urn:t:B", "urn:t:'C\""]
NAMES = ["urn:a:plain", "urn:a:other", "urn:a:q\"u'o\\te.d[0]", "urn:a:größe", "urn:a:\u0007$"]
PLACE = "urn:a:where"
SUBS = ["urn:s:one", "urn:s:t'w\"o"]
MOMENTS = ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.5Z", "2021-06-01T12:00:00.000000Z"]
TEXTS = ["red", "blue", "", "1", "true", "Ré'd\"", "urn:x:1", *MOMENTS, "2020-01-01", "10:30:00Z"]
TONGUES = ["en", "es-CL"]

texts = st.sampled_from(TEXTS)
numbers = st.sampled_from([0, 1, 2, 20, -3, 0.5, 1.0, 2**53 + 1, -(2**63), 1e300])
plain = st.one_of(texts, numbers, st.booleans())
objects = st.dictionaries(st.sampled_from(["city", "na'me", "@value", "a.b"]), plain, max_size=2)
datum = st.one_of(plain, plain, st.lists(plain, max_size=3), objects)
positions = st.tuples(st.integers(-2, 2), st.integers(-2, 2)).map(lambda p: [p[0] / 2, p[1] / 2])


def _line(ends: tuple[list[float], list[float]]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": list(ends)}


def _square(corner: list[float]) -> dict[str, Any]:
    x, y = corner
    ring = [[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1], [x, y]]
    return {"type": "Polygon", "coordinates": [ring]}


geometries = st.one_of(
    positions.map(lambda p: {"type": "Point", "coordinates": p}),
    st.tuples(positions, positions).filter(lambda e: e[0] != e[1]).map(_line),
    positions.map(_square),
)
ends = st.sampled_from(IDS)
tongue_maps = st.dictionaries(
    st.sampled_from(TONGUES), st.one_of(texts, st.lists(texts, min_size=1, max_size=2)), min_size=1
)
VALUES: dict[str, tuple[str, st.SearchStrategy[Any]]] = {
    "Property": ("value", datum),
    "Relationship": ("object", st.one_of(ends, st.lists(ends, min_size=1, max_size=2))),
    "LanguageProperty": ("languageMap", tongue_maps),
    "VocabProperty": ("vocab", st.one_of(texts, st.lists(texts, min_size=1, max_size=2))),
    "JsonProperty": ("json", st.one_of(objects, st.lists(objects, max_size=2))),
    "ListProperty": ("valueList", st.lists(plain, max_size=3)),
    "ListRelationship": ("objectList", st.lists(ends, max_size=2)),
}
kinds = st.sampled_from([*["Property"] * 5, *["Relationship"] * 2, *VALUES])


@st.composite
def instances(draw: st.DrawFn, depth: int = 1) -> dict[str, Any]:
    kind = draw(kinds)
    member, value = VALUES[kind]
    instance = {"type": kind, member: draw(value)}
    if draw(st.integers(0, 3)) == 0:
        instance["observedAt"] = draw(st.sampled_from(MOMENTS))
    if draw(st.integers(0, 5)) == 0:
        instance["unitCode"] = draw(st.sampled_from(["MTR", "1"]))
    if depth and draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from(SUBS))
        instance[name] = draw(st.lists(instances(depth - 1), min_size=1, max_size=2))
    return instance


def _with_datasets(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [i | ({"datasetId": f"urn:d:{n}"} if n else {}) for n, i in enumerate(found)]


single = st.lists(instances(), min_size=1, max_size=1)
many = st.one_of(single, single, st.lists(instances(), min_size=2, max_size=3)).map(_with_datasets)
places = st.lists(
    geometries.map(lambda g: {"type": "GeoProperty", "value": g}), min_size=1, max_size=2
).map(_with_datasets)
stamps = st.sampled_from(
    ["2020-01-01T00:00:00.000000Z", "2020-01-01T00:00:00.500000Z", "2022-01-01T00:00:00.000000Z"]
)


@st.composite
def entities(draw: st.DrawFn, id: str) -> dict[str, Any]:
    entity: dict[str, Any] = {
        "id": id,
        "type": draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=2, unique=True)),
        "createdAt": draw(stamps),
        "modifiedAt": draw(stamps),
    }
    if draw(st.booleans()):
        entity["scope"] = draw(
            st.lists(st.sampled_from(["/a", "/a/b", "/a/b/c", "/x/b"]), min_size=1, unique=True)
        )
    if draw(st.integers(0, 3)):
        entity[NAMES[0]] = draw(many)
    entity |= draw(st.dictionaries(st.sampled_from(NAMES[1:]), many, max_size=2))
    if draw(st.integers(0, 2)):
        entity[PLACE] = draw(places)
    return entity


worlds = st.lists(st.sampled_from(IDS), min_size=1, max_size=6, unique=True).flatmap(
    lambda ids: st.tuples(*(entities(id) for id in ids)).map(list)
)

# -- queries ---------------------------------------------------------------------------------------

names = st.sampled_from([*NAMES, *[NAMES[0]] * 8, PLACE])
scalars = st.one_of(
    texts,
    numbers,
    st.booleans(),
    ends.map(Uri),
    st.sampled_from([datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 6, 1, tzinfo=UTC)]),
    st.sampled_from([date(2020, 1, 1), date(2019, 1, 1)]),
    st.sampled_from([time(10, 30), time(11)]),
)
ranges = st.tuples(scalars, scalars).map(lambda ends: Range(*ends))


@st.composite
def paths(draw: st.DrawFn, links: int = 1) -> AttributePath:
    form = draw(st.integers(0, 9))
    name = draw(names)
    if form < 4:
        return AttributePath((name,))
    if form == 4:
        return AttributePath((draw(st.sampled_from(["createdAt", "modifiedAt", "id", "type"])),))
    if form == 5:
        return AttributePath((name, draw(st.sampled_from(["observedAt", "unitCode", *SUBS]))))
    if form == 6:
        return AttributePath((name, draw(st.sampled_from(SUBS)), "observedAt"))
    if form == 7 and links:
        kinds = tuple(draw(st.lists(st.sampled_from(TYPES), max_size=1)))
        return AttributePath((name,), linked=draw(paths(links - 1)), linked_types=kinds)
    return AttributePath((name,), (draw(st.sampled_from(["city", "na'me", "a.b", *TONGUES, "*"])),))


@st.composite
def terms(draw: st.DrawFn) -> Compare | Exists:
    path = draw(paths())
    form = draw(st.integers(0, 5))
    if form == 0:
        return Exists(path)
    if form == 1:
        operator = draw(st.sampled_from(["~=", "!~="]))
        return Compare(path, operator, (draw(st.sampled_from(["r", "^b", "e.$", "", "[0-9]"])),))
    if form < 4:
        operator = draw(st.sampled_from(["==", "!="]))
        wanted = draw(st.lists(st.one_of(scalars, scalars, ranges), min_size=1, max_size=2))
        return Compare(path, operator, tuple(wanted))
    return Compare(path, draw(st.sampled_from([">", ">=", "<", "<="])), (draw(scalars),))


def trees(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def grow(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.one_of(parts.map(And), parts.map(Or))

    return st.recursive(leaves, grow, max_leaves=4)


scope_patterns = st.sampled_from(
    [("a",), ("a", "b"), ("a", "#"), ("+", "b"), ("#",), ("a", "+", "c"), ("x", "#")]
).map(ScopePattern)
boxes = st.tuples(positions, st.integers(1, 4)).map(
    lambda b: shapely.box(b[0][0], b[0][1], b[0][0] + b[1] / 2, b[0][1] + 1)
)
references = st.one_of(boxes, positions.map(shapely.Point), geometries.map(shapely.geometry.shape))
relations = st.sampled_from(["within", "contains", "intersects", "equals", "disjoint", "overlaps"])
geo_filters = st.one_of(
    st.builds(GeoFilter, relations, references, st.just(PLACE)),
    st.builds(
        GeoFilter,
        st.just("near"),
        references,
        st.just(PLACE),
        min_distance=st.sampled_from([None, 60_000.0]),
        max_distance=st.sampled_from([30_000.0, 120_000.0]),
    ),
    st.builds(GeoFilter, st.just("near"), references, st.just(PLACE), st.just(90_000.0)),
)
orders = st.one_of(
    st.builds(
        Order,
        st.sampled_from(["id", "type", "scope", "createdAt", "modifiedAt"]).map(
            lambda name: AttributePath((name,))
        ),
        st.booleans(),
    ),
    st.builds(Order, paths(links=0), st.booleans()),
    st.builds(Order, st.just(AttributePath((PLACE,))), st.booleans(), positions.map(shapely.Point)),
)


page = {
    "order": st.one_of(st.just(()), st.lists(orders, max_size=2).map(tuple)),
    "limit": st.sampled_from([20, 20, 20, 2, 1, 0]),
    "offset": st.sampled_from([0, 0, 0, 1, 3]),
    "count": st.booleans(),
}
selectors = st.builds(
    Selector,
    st.one_of(st.none(), trees(st.sampled_from(TYPES).map(TypeName))),
    st.one_of(st.none(), ends),
    st.one_of(st.none(), st.sampled_from(["[0-3]$", "^urn"])),
)
conditions: dict[str, st.SearchStrategy[Any]] = {
    "ids": st.lists(ends, max_size=6).map(tuple),
    "id_pattern": st.sampled_from(["[0-3]$", "^urn", "x:7"]),
    "types": trees(st.sampled_from(TYPES).map(TypeName)),
    "selectors": st.lists(selectors, min_size=1, max_size=2).map(tuple),
    "attributes": st.lists(names, max_size=3).map(tuple),
    "without": st.lists(names, max_size=2).map(tuple),
    "q": trees(terms()),
    "scope": trees(scope_patterns),
    "geo": geo_filters,
    "dataset_ids": st.lists(st.sampled_from(["@none", "urn:d:1", "urn:d:2"]), max_size=2).map(
        tuple
    ),
}


@st.composite
def queries(draw: st.DrawFn) -> Query:
    asked = draw(
        st.one_of(
            st.just(["q"]),
            st.just(["geo"]),
            st.lists(st.sampled_from(sorted(conditions)), max_size=3, unique=True),
        )
    )
    return Query(**{name: draw((conditions | page)[name]) for name in [*asked, *page]})


# -- one attribute, simple values: dense in the corners of comparison --------------------------------


def _simple(found: list[Any]) -> list[dict[str, Any]]:
    return [
        {"id": id, "type": ["urn:t:A"]}
        | ({} if value is None else {NAMES[0]: [{"type": kind, VALUES[kind][0]: value}]})
        for id, (kind, value) in zip(IDS, found, strict=False)
    ]


corners = st.sampled_from(
    [0, 1, 2, 0.5, True, False, "1", "red", *MOMENTS, "2020-01-01", "10:30:00Z"]
)
simple_worlds = st.lists(
    st.one_of(
        st.tuples(st.just("Property"), corners),
        st.tuples(st.just("Property"), st.one_of(st.none(), st.lists(corners, max_size=2))),
        st.tuples(
            st.sampled_from(["VocabProperty", "Relationship"]), st.sampled_from(["red", "1"])
        ),
    ),
    max_size=8,
).map(_simple)
_scalars = st.one_of(corners, scalars)
simple_terms = st.one_of(
    st.builds(
        Compare,
        st.just(AttributePath((NAMES[0],))),
        st.sampled_from(["==", "!="]),
        st.lists(
            st.one_of(_scalars, st.tuples(_scalars, _scalars).map(lambda e: Range(*e))),
            min_size=1,
            max_size=2,
        ).map(tuple),
    ),
    st.builds(
        Compare,
        st.just(AttributePath((NAMES[0],))),
        st.sampled_from([">", ">=", "<", "<="]),
        _scalars.map(lambda scalar: (scalar,)),
    ),
)
