"""Geoqueries (clause 4.10), order by distance, and what is taken out for drawing."""

from __future__ import annotations

from typing import Any

import pytest
import shapely
from shapely.geometry import mapping, shape

from hansa.ngsild.geojson import from_geojson
from hansa.ngsild.model import LOCATION
from hansa.ngsild.query import (
    AttributePath,
    Compare,
    GeoFilter,
    GeoRelation,
    Order,
    Query,
)
from hansa.store.port import Feature, Store

from .build import change, entity, fill, found, placed, point, remove


def geo(relation: GeoRelation, reference: Any, **more: Any) -> GeoFilter:
    return GeoFilter(relation, reference, LOCATION, **more)


SQUARE: dict[str, Any] = dict(mapping(shapely.box(0, 0, 2, 2)))


@pytest.fixture
def shapes(store: Store) -> Store:
    fill(
        store,
        placed("urn:x:inside", point(1, 1)),
        placed("urn:x:edge", point(2, 1)),
        placed("urn:x:outside", point(3, 1)),
        placed("urn:x:square", SQUARE),
        placed("urn:x:shifted", dict(mapping(shapely.box(1, 1, 3, 3)))),
        placed("urn:x:line", {"type": "LineString", "coordinates": [[-1, 1], [3, 1]]}),
        placed("urn:x:elsewhere", point(1, 1), "urn:a:other"),
        entity("urn:x:nowhere"),
    )
    return store


@pytest.mark.parametrize(
    ("relation", "expected"),
    [
        ("within", {"inside", "square"}),
        ("contains", {"square"}),
        ("intersects", {"inside", "edge", "square", "shifted", "line"}),
        ("equals", {"square"}),
        ("disjoint", {"outside"}),
        ("overlaps", {"shifted"}),
    ],
)
def test_relations(shapes: Store, relation: GeoRelation, expected: set[str]) -> None:
    assert set(found(shapes, geo=geo(relation, shape(SQUARE)))) == expected


def test_another_geoproperty_can_be_asked(shapes: Store) -> None:
    asked = GeoFilter("within", shape(SQUARE), "urn:a:other")
    assert found(shapes, geo=asked) == ["elsewhere"]
    assert found(shapes, geo=GeoFilter("within", shape(SQUARE), "urn:a:none")) == []


def test_geometry_combines_with_other_conditions_and_pages(store: Store) -> None:
    fill(store, *(placed(f"urn:x:{n}", point(n / 10, 0), v=n) for n in range(20)))
    asked = Query(
        geo=geo("within", shapely.box(0, -1, 1, 1)),
        q=Compare(AttributePath(("urn:a:v",)), ">", (3,)),
        limit=2,
        offset=1,
        count=True,
    )
    assert store.query(asked).total == 6, "4 to 9; 10 lies on the edge, not within"
    assert found(store, asked) == ["5", "6"]


@pytest.mark.parametrize(
    ("origin", "target", "metres"),
    [
        (point(0, 0), point(0, 1), 110_574.39),
        (point(179.9, 0), point(-179.9, 0), 22_263.90),
        (point(0, 89.9), point(180, 89.9), 22_338.79),
        (point(-71.3, -29.9), point(-71.3, -29.9), 0.0),
        (point(0, 0), {"type": "LineString", "coordinates": [[-1, 1], [1, 1]]}, 110_574.39),
    ],
)
def test_near_means_metres_everywhere(
    store: Store, origin: dict[str, Any], target: dict[str, Any], metres: float
) -> None:
    fill(store, placed("urn:x:1", target))
    reference = shape(origin)
    more, less = metres * 1.0001 + 0.01, metres * 0.9999 - 0.01
    assert found(store, geo=geo("near", reference, max_distance=more)) == ["1"]
    assert found(store, geo=geo("near", reference, max_distance=max(less, 0.0))) == (
        ["1"] if metres == 0 else []
    )
    assert found(store, geo=geo("near", reference, min_distance=more)) == []
    if metres:
        assert found(store, geo=geo("near", reference, min_distance=less)) == ["1"]
        between = geo("near", reference, min_distance=less, max_distance=more)
        assert found(store, geo=between) == ["1"]


def test_any_geometry_of_several_counts(store: Store) -> None:
    both = entity("urn:x:1") | {
        LOCATION: [
            {"type": "GeoProperty", "value": point(50, 50)},
            {"type": "GeoProperty", "value": point(1, 1), "datasetId": "urn:d:1"},
        ]
    }
    fill(store, both)
    assert found(store, geo=geo("within", shape(SQUARE))) == ["1"]
    assert found(store, geo=geo("disjoint", shape(SQUARE))) == ["1"]


def test_geometry_follows_the_entity(store: Store) -> None:
    inside = geo("within", shape(SQUARE))
    fill(store, placed("urn:x:1", point(1, 1)))
    store.write([change("urn:x:1", lambda old: placed("urn:x:1", point(5, 5)))]).result()
    assert found(store, geo=inside) == []
    store.write([change("urn:x:1", lambda old: placed("urn:x:1", point(1, 1), n=1))]).result()
    assert found(store, geo=inside) == ["1"]
    store.write([change("urn:x:1", lambda old: {**old, "urn:a:n": []})]).result()
    assert found(store, geo=inside) == ["1"]
    store.write([change("urn:x:1", lambda old: entity("urn:x:1"))]).result()
    assert found(store, geo=inside) == []
    fill(store, placed("urn:x:1", point(1, 1)))
    store.write([remove("urn:x:1")]).result()
    assert found(store, geo=inside) == []


def test_distance_orders(store: Store) -> None:
    fill(
        store,
        entity("urn:x:none"),
        placed("urn:x:far", point(3, 0)),
        placed("urn:x:near", point(1, 0)),
        placed("urn:x:line", {"type": "LineString", "coordinates": [[2, -1], [2, 1]]}),
    )
    where = AttributePath((LOCATION,))
    origin = shapely.Point(0, 0)
    nearest = Query(order=(Order(where, origin=origin),))
    farthest = Query(order=(Order(where, True, origin),), limit=2)
    assert found(store, nearest) == ["near", "line", "far", "none"]
    assert found(store, farthest) == ["far", "line"]


# -- drawing ---------------------------------------------------------------------------------------


def test_features_carry_geometry_and_plain_values(store: Store) -> None:
    link: dict[str, Any] = {"urn:a:to": [{"type": "Relationship", "object": "urn:x:9"}]}
    tongue: dict[str, Any] = {
        "urn:a:name": [{"type": "LanguageProperty", "languageMap": {"en": "One"}}]
    }
    fill(
        store,
        placed("urn:x:1", point(1, 1), name="é 'one'", n=True, deep={"a": [1]}) | link,
        placed("urn:x:2", point(1, 1)) | tongue,
        placed("urn:x:3", point(1, 1), type="urn:t:Other"),
        placed("urn:x:4", point(9, 9)),
    )
    names = [f"urn:a:{name}" for name in ("name", "n", "deep", "to", "missing")]
    drawn = {f.id: f for f in store.features(["urn:t:Stop"], (0, 0, 2, 2), names)}
    wkb = shapely.to_wkb(shapely.Point(1, 1))
    one = Feature("urn:x:1", wkb, ("é 'one'", True, {"a": [1]}, "urn:x:9", None))
    assert drawn == {
        "urn:x:1": one,
        "urn:x:2": Feature("urn:x:2", wkb, ({"en": "One"}, None, None, None, None)),
    }
    both = store.features(["urn:t:Stop", "urn:t:Other"], (0, 0, 2, 2))
    assert {(f.id, f.values) for f in both} == {(f"urn:x:{n}", ()) for n in (1, 2, 3)}
    assert len(store.features(["urn:t:Stop", "urn:t:Other"], (0, 0, 2, 2), limit=2)) == 2
    plain = store.features(["urn:t:Stop"], (0, 0, 2, 2), without=["urn:a:to", "urn:a:missing"])
    assert [f.id for f in plain] == ["urn:x:2"]
    assert store.features(["urn:t:Unknown"], (0, 0, 2, 2)) == []
    assert store.features(["urn:t:Stop"], (5, 5, 6, 6)) == []
    assert store.features(["urn:t:Stop"], (0, 0, 2, 2), attribute="urn:a:name") == []


def test_an_area_that_crosses_itself_equals_itself(store: Store) -> None:
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]}
    turned = {"type": "Polygon", "coordinates": [[[2, 2], [0, 0], [0, 2], [2, 0], [2, 2]]]}
    fill(store, placed("urn:x:bow", bow), placed("urn:x:square", SQUARE))
    for reference in (bow, turned):
        assert found(store, geo=geo("equals", from_geojson(reference))) == ["bow"]
