"""Reading history: one entity, queries, forms, sums and pages (5.7.3, 5.7.4, 4.5.6 to 4.5.9, 4.5.19)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node
from tests.web.api.client import ApiClient, problem_of

CAR = "urn:ngsi-ld:Car:1"
PATH = f"/temporal/entities/{CAR}"
EVER = "timerel=after&timeAt=2000-01-01T00:00:00Z"


def speed(value: Any, time: str, **more: Any) -> dict[str, Any]:
    """An instance of a Property on some day."""
    return {"type": "Property", "value": value, "observedAt": f"2026-11-01T{time}:00Z", **more}


def record(api: ApiClient, id: str = CAR, type: Any = "Car", **attributes: Any) -> None:
    response = api.post("/temporal/entities", {"id": id, "type": type, **attributes})
    assert response.status_code in (201, 204), response.text


@pytest.fixture
def filled(api: ApiClient) -> ApiClient:
    """Two cars and a bus."""
    record(api, speed=[speed(120, "12:03"), speed(80, "12:05"), speed(100, "13:07")])
    record(api, "urn:ngsi-ld:Car:2", speed=[speed(10, "12:04")], brand=[speed("B", "14:00")])
    record(api, "urn:ngsi-ld:Bus:1", "Bus", speed=[speed(50, "12:04")])
    return api


def values(body: dict[str, Any], name: str = "speed") -> list[Any]:
    return [instance["value"] for instance in body.get(name, [])]


def ids(response: Any) -> list[str]:
    assert response.status_code in (200, 206), response.text
    return [body["id"].removeprefix("urn:ngsi-ld:") for body in response.json()]


# -- one entity ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("", [120, 80, 100]),
        ("timerel=after&timeAt=2026-11-01T12:05:00Z", [80, 100]),
        ("timerel=after&timeAt=2026-11-01T12:05:00.000Z", [80, 100]),
        ("timerel=before&timeAt=2026-11-01T12:05:00Z", [120]),
        (
            "timerel=between&timeAt=2026-11-01T12:03:00Z&endTimeAt=2026-11-01T13:07:00Z",
            [120, 80],
        ),
        ("lastN=2", [100, 80]),
        ("lastN=1&timerel=before&timeAt=2026-11-01T13:00:00Z", [80]),
        ("timeproperty=deletedAt", []),
        ("timeproperty=createdAt&" + EVER, [120, 80, 100]),
        ("timeproperty=modifiedAt&timerel=before&timeAt=2000-01-01T00:00:00Z", []),
    ],
)
def test_a_window_and_the_last_of_it(filled: ApiClient, window: str, expected: list[Any]) -> None:
    assert values(filled.get(f"{PATH}?{window}").json()) == expected


def test_instances_have_identifiers_and_times_if_wanted(filled: ApiClient) -> None:
    [first, *_] = filled.get(PATH).json()["speed"]
    assert set(first) == {"type", "value", "observedAt", "instanceId"}
    body = filled.get(PATH + "?options=sysAttrs").json()
    assert {"createdAt", "modifiedAt"} <= body["speed"][0].keys()
    assert {"createdAt", "modifiedAt"} <= body.keys()


def test_projection_datasets_and_languages(api: ApiClient) -> None:
    record(
        api,
        speed=[speed(1, "12:00"), speed(2, "12:00", datasetId="urn:d:1")],
        name={"type": "LanguageProperty", "languageMap": {"en": "car", "es": "coche"}},
    )
    assert "speed" not in api.get(PATH + "?omit=speed").json()
    assert set(api.get(PATH + "?pick=id,speed").json()) == {"id", "speed"}
    assert set(api.get(PATH + "?attrs=name").json()) == {"id", "type", "name"}
    assert values(api.get(PATH + "?datasetId=urn:d:1").json()) == [2]
    assert values(api.get(PATH + "?datasetId=@none&pick=speed").json()) == [1]
    [name] = api.get(PATH + "?lang=es").json()["name"]
    assert (name["value"], name["lang"]) == ("coche", "es")


def test_what_is_not_there(filled: ApiClient) -> None:
    for path in ("/temporal/entities/urn:no:1", PATH + "?attrs=none", PATH + "?pick=none"):
        assert problem_of(filled.get(path)) == (404, "ResourceNotFound")
    assert problem_of(filled.get(PATH + "?type=Bus")) == (404, "ResourceNotFound")
    assert filled.get(PATH + "?type=Car").status_code == 200


def test_the_life_of_an_entity(api: ApiClient) -> None:
    entity = f"/entities/{CAR}"
    api.create(speed=1, owner={"object": "urn:x:1"}, scope="/a")
    api.patch(entity, {"speed": 2, "scope": "/b"})
    api.delete(entity + "/attrs/owner")
    api.delete(entity)
    body = api.get(PATH + "?options=sysAttrs").json()
    assert values(body) == [1, 2, "urn:ngsi-ld:null"]
    assert values(body, "scope") == ["/a", "/b", []]
    assert body["scope"][1]["observedAt"] == body["scope"][1]["modifiedAt"]
    assert [i["object"] for i in body["owner"]] == ["urn:x:1", "urn:ngsi-ld:null"]
    assert body["deletedAt"]
    gone = api.get(PATH + "?timeproperty=deletedAt").json()
    assert set(gone["owner"][0]) == {"type", "object", "deletedAt", "instanceId"}
    window = f"?timeproperty=deletedAt&{EVER}&options=temporalValues&attrs=owner"
    assert api.get(PATH + window).json()["owner"] == {
        "type": "Relationship",
        "objects": [["urn:ngsi-ld:null", gone["owner"][0]["deletedAt"]]],
    }


# -- simplified (4.5.9) ----------------------------------------------------------------------------


def test_each_kind_is_simplified_in_its_way(api: ApiClient) -> None:
    at = {"observedAt": "2026-11-01T12:00:00Z"}
    time = at["observedAt"]
    point = {"type": "Point", "coordinates": [1.0, 2.0]}
    record(
        api,
        speed=speed(1, "12:00"),
        location={"type": "GeoProperty", "value": point, **at},
        owner={"type": "Relationship", "object": ["urn:x:1", "urn:x:2"], **at},
        name={"type": "LanguageProperty", "languageMap": {"en": "a"}, **at},
        colour={"type": "VocabProperty", "vocab": "red", **at},
        raw={"type": "JsonProperty", "json": {"id": 1}, **at},
        gears={"type": "ListProperty", "valueList": [1, 2], **at},
        route={"type": "ListRelationship", "objectList": ["urn:x:1"], **at},
    )
    body = api.get(PATH + "?format=temporalValues").json()
    assert body["speed"] == {"type": "Property", "values": [[1, time]]}
    assert body["location"] == {"type": "GeoProperty", "values": [[point, time]]}
    assert body["owner"]["objects"] == [[["urn:x:1", "urn:x:2"], time]]
    assert body["name"]["languageMaps"] == [[{"languageMap": {"en": "a"}}, time]]
    assert body["colour"]["vocabs"] == [[{"vocab": "red"}, time]]
    assert body["raw"]["jsons"] == [[{"json": {"id": 1}}, time]]
    assert body["gears"]["valueLists"] == [[[1, 2], time]]
    assert body["route"]["objectLists"] == [[["urn:x:1"], time]]
    in_english = api.get(PATH + "?format=temporalValues&lang=en").json()["name"]
    assert in_english == {"type": "Property", "values": [["a", time]]}


def test_datasets_and_kinds_stand_apart(api: ApiClient) -> None:
    record(api, speed=[speed(1, "12:00"), speed(2, "12:01", datasetId="urn:d:1")])
    record(api, speed={"type": "Relationship", "object": "urn:x:1"})
    plain, other, reference = api.get(PATH + "?options=temporalValues").json()["speed"]
    assert plain["values"] == [[1, "2026-11-01T12:00:00Z"]]
    assert other["datasetId"] == "urn:d:1"
    assert reference["objects"][0][0] == "urn:x:1"


# -- sums (4.5.19) ---------------------------------------------------------------------------------


def test_sums_by_the_hour_begin_with_the_first_instance(filled: ApiClient) -> None:
    wish = "?options=aggregatedValues&aggrMethods=avg,totalCount&aggrPeriodDuration=PT1H"
    assert filled.get(PATH + wish).json() == {
        "id": CAR,
        "type": "Car",
        "speed": {
            "type": "Property",
            "avg": [
                [100.0, "2026-11-01T12:03:00Z", "2026-11-01T13:03:00Z"],
                [100.0, "2026-11-01T13:03:00Z", "2026-11-01T14:03:00Z"],
            ],
            "totalCount": [
                [2, "2026-11-01T12:03:00Z", "2026-11-01T13:03:00Z"],
                [1, "2026-11-01T13:03:00Z", "2026-11-01T14:03:00Z"],
            ],
        },
    }


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ("max&timerel=before&timeAt=2026-11-02T00:00:00Z", [120, "2026-11-01T12:03:00Z", "2026-11-02T00:00:00Z"]),
        ("min&timerel=after&timeAt=2026-11-01T00:00:00Z", [80, "2026-11-01T00:00:00Z", "2026-11-01T13:07:00Z"]),
        (
            "sum&aggrPeriodDuration=PT0S&timerel=between"
            "&timeAt=2026-11-01T00:00:00Z&endTimeAt=2026-12-01T00:00:00Z",
            [300, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"],
        ),
        (
            "distinctCount&aggrPeriodDuration=P1M&timerel=after&timeAt=2026-08-31T00:00:00Z",
            [3, "2026-10-31T00:00:00Z", "2026-11-30T00:00:00Z"],
        ),
        ("sumsq&lastN=2", [16400, "2026-11-01T12:03:00Z", "2026-11-01T13:07:00Z"]),
    ],
)  # fmt: skip
def test_periods_follow_window_and_calendar(
    filled: ApiClient, wish: str, expected: list[Any]
) -> None:
    body = filled.get(f"{PATH}?format=aggregatedValues&aggrMethods={wish}").json()
    assert body["speed"][wish.partition("&")[0]] == [expected]


def test_a_method_that_does_not_apply(filled: ApiClient) -> None:
    filled.post(PATH + "/attrs", {"brand": [speed("A", "12:00")]})
    wish = "?options=aggregatedValues&aggrMethods=avg,max"
    body = filled.get(PATH + wish).json()
    assert set(body["brand"]) == {"type", "max"}
    assert problem_of(filled.get(PATH + wish + "&attrs=brand")) == (400, "InvalidRequest")
    query = f"/temporal/entities{wish}&type=Car&pick=id,brand&{EVER}"
    assert problem_of(filled.get(query)) == (400, "InvalidRequest")


def test_relationships_are_counted(api: ApiClient) -> None:
    at = {"observedAt": "2026-11-01T12:00:00Z"}
    record(api, owner={"type": "Relationship", "object": "urn:x:1", **at})
    body = api.get(PATH + "?format=aggregatedValues&aggrMethods=distinctCount").json()
    assert body["owner"]["type"] == "Relationship"
    assert body["owner"]["distinctCount"][0][0] == 1


# -- queries (5.7.4) -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("type=Car", ["Car:1", "Car:2"]),
        ("type=Car|Bus", ["Bus:1", "Car:1", "Car:2"]),
        ("type=Car&id=urn:ngsi-ld:Car:2", ["Car:2"]),
        ("type=Car&idPattern=1$", ["Car:1"]),
        ("local=true", ["Bus:1", "Car:1", "Car:2"]),
        ("attrs=brand", ["Car:2"]),
        ("q=speed>90", ["Car:1"]),
        ("type=Car&q=speed==10|speed==100", ["Car:1", "Car:2"]),
        ("type=Car&q=speed>5;brand==%22B%22", ["Car:2"]),
        ("type=Car&q=speed!=10", ["Car:1"]),
        ('type=Car&q=brand~="^b"', []),
        ("type=Car&orderBy=id;desc", ["Car:2", "Car:1"]),
        ("type=Car&datasetId=urn:d:9", []),
        ("type=Plane", []),
        ("type=Car&pick=id", ["Car:1", "Car:2"]),
    ],
)
def test_entities_are_found_by_their_past(
    filled: ApiClient, query: str, expected: list[str]
) -> None:
    assert ids(filled.get(f"/temporal/entities?{query}&{EVER}")) == expected


def test_identifiers_come_in_the_order_of_a_collation(api: ApiClient) -> None:
    """4.23.3: by code point capitals come first; nobody would look for them there."""
    pytest.importorskip("icu")
    for name in ("b", "A", "a", "\u00e4"):
        record(api, f"urn:ngsi-ld:{name}", speed=[speed(1, "10:00")])
    asked = f"/temporal/entities?{EVER}&type=Car&orderBy=id"
    assert ids(api.get(asked)) == ["A", "a", "b", "\u00e4"]
    assert ids(api.get(f"{asked}&collation=und")) == ["a", "A", "\u00e4", "b"]
    assert ids(api.get(f"{asked};desc&collation=und")) == ["b", "\u00e4", "A", "a"]
    pages = [ids(api.get(f"{asked}&collation=und&limit=1&offset={n}")) for n in range(4)]
    assert pages == [["a"], ["A"], ["\u00e4"], ["b"]]


def test_filters_look_at_the_window_only(filled: ApiClient) -> None:
    late = "timerel=after&timeAt=2026-11-01T13:00:00Z"
    assert ids(filled.get(f"/temporal/entities?type=Car&{late}")) == ["Car:1", "Car:2"]
    assert ids(filled.get(f"/temporal/entities?type=Car&q=speed>110&{late}")) == []
    [found] = filled.get(f"/temporal/entities?q=speed>90&{late}").json()
    assert values(found) == [100]


def test_entities_that_are_gone_are_found(api: ApiClient) -> None:
    api.create(speed={"value": 1, "observedAt": "2026-11-01T12:00:00Z"})
    api.delete(f"/entities/{CAR}")
    assert ids(api.get(f"/temporal/entities?type=Car&{EVER}")) == ["Car:1"]


def test_places(api: ApiClient) -> None:
    for minute, longitude in (("12:00", 1), ("13:00", 5)):
        place = {"type": "Point", "coordinates": [longitude, 0]}
        time = f"2026-11-01T{minute}:00Z"
        record(api, location={"type": "GeoProperty", "value": place, "observedAt": time})
    near = "georel=near;maxDistance==1000&geometry=Point&coordinates=[1,0]"
    early, late = (
        f"timerel={relation}&timeAt=2026-11-01T12:30:00Z" for relation in ("before", "after")
    )
    assert ids(api.get(f"/temporal/entities?{near}&{early}")) == ["Car:1"]
    assert ids(api.get(f"/temporal/entities?{near}&{late}")) == []
    apart = near.replace("near;maxDistance==1000", "disjoint")
    assert ids(api.get(f"/temporal/entities?{apart}&{late}")) == ["Car:1"]
    assert ids(api.get(f"/temporal/entities?{apart}&geoproperty=other&{late}")) == []


def test_scopes_hold_until_they_are_replaced(api: ApiClient) -> None:
    scopes = [speed("/a", "10:00"), speed("/b", "12:30")]
    record(api, scope=scopes, speed=[speed(1, "12:15"), speed(2, "12:45")])
    window = "timerel=between&timeAt=2026-11-01T12:00:00Z&endTimeAt=2026-11-01T13:00:00Z"
    for scope, expected in (("/a", [1]), ("/b", [2])):
        [found] = api.get(f"/temporal/entities?type=Car&scopeQ={scope}&{window}").json()
        assert values(found) == expected
        assert values(found, "scope") == [scope]
    assert ids(api.get(f"/temporal/entities?type=Car&scopeQ=/c&{window}")) == []


def test_pages_and_counts(filled: ApiClient) -> None:
    path = f"/temporal/entities?type=Car,Bus&{EVER}&limit=1&count=true"
    first = filled.get(path)
    assert ids(first) == ["Bus:1"]
    assert first.headers["ngsild-results-count"] == "3"
    assert 'rel="next"' in first.headers["link"]
    last = filled.get(path + "&offset=2")
    assert ids(last) == ["Car:2"]
    assert 'rel="next"' not in last.headers["link"]
    assert 'rel="prev"' in last.headers["link"]
    counted = filled.get(path.replace("limit=1", "limit=0"))
    assert counted.json() == []
    assert counted.headers["ngsild-results-count"] == "3"


def test_a_query_in_a_body(filled: ApiClient) -> None:
    body = {
        "type": "Query",
        "entities": [{"type": "Car", "idPattern": ".*1"}],
        "q": "speed>90",
        "temporalQ": {"timerel": "after", "timeAt": "2026-11-01T00:00:00Z", "lastN": 1},
    }
    path = "/temporal/entityOperations/query"
    [found] = filled.post(path, body).json()
    assert values(found) == [100]
    [found] = filled.post(path + "?options=temporalValues", body).json()
    assert found["speed"]["values"] == [[100, "2026-11-01T13:07:00Z"]]
    sums = {"aggrMethods": ["max"], "aggrPeriodDuration": "PT0S"}
    query = {"timerel": "after", "timeAt": "2026-11-01T00:00:00Z"}
    [found] = filled.post(path, body | {"temporalQ": query, "aggrParams": sums}).json()
    assert found["speed"]["max"][0][0] == 120


# -- answers that are too long (6.3.10) ------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Iterator[ApiClient]:
    """A node that shows at most four instances at once."""
    node = Node.open(tmp_path / "node", Settings(dev=True, context="core", history_limit=4))
    try:
        with TestClient(node.app, base_url="http://127.0.0.1:1356") as client:
            yield ApiClient(node, client)
    finally:
        node.close()


def test_a_long_answer_is_cut_at_an_instant(small: ApiClient) -> None:
    record(small, speed=[speed(n, f"12:0{n}") for n in range(3)])
    assert small.get(PATH).status_code == 200
    record(small, heading=[speed(n, f"12:0{n}") for n in range(3)], late=[speed(9, "20:00")])
    response = small.get(PATH)
    assert response.status_code == 206
    assert response.headers["content-range"] == (
        "date-time 2026-11-01T12:00:00Z-2026-11-01T12:01:00Z/*"
    )
    body = response.json()
    assert values(body) == values(body, "heading") == [0, 1]
    assert body["late"] == []
    pairs = small.get(PATH + "?format=temporalValues").json()
    assert pairs["late"] == {"type": "Property", "values": []}
    after = small.get(PATH + "?timerel=after&timeAt=2026-11-01T12:01:00Z&lastN=3")
    assert after.headers["content-range"] == (
        "date-time 2026-11-01T20:00:00Z-2026-11-01T12:02:00Z/3"
    )
    window = "?timerel=between&timeAt=2026-11-01T00:00:00Z&endTimeAt=2026-11-02T00:00:00Z"
    response = small.get(PATH + window + "&lastN=9")
    assert response.headers["content-range"].startswith("date-time 2026-11-02T00:00:00Z-")
    response = small.get(f"/temporal/entities{window}&type=Car")
    assert response.status_code == 206
    assert response.headers["content-range"].startswith("date-time 2026-11-01T00:00:00Z-")


def test_an_instant_with_too_much_is_shown_whole(small: ApiClient) -> None:
    record(small, **{f"a{n}": speed(n, "12:00") for n in range(6)}, late=speed(1, "13:00"))
    response = small.get(PATH)
    assert response.status_code == 206
    assert sum(len(v) for v in response.json().values() if isinstance(v, list)) == 6


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("timerel=during&timeAt=2026-11-01T00:00:00Z", "BadRequestData"),
        ("timerel=after", "BadRequestData"),
        ("timeAt=2026-11-01T00:00:00Z", "BadRequestData"),
        ("endTimeAt=2026-11-01T00:00:00Z", "BadRequestData"),
        ("timerel=between&timeAt=2026-11-01T00:00:00Z", "BadRequestData"),
        ("timerel=after&timeAt=2026-11-01", "BadRequestData"),
        ("timerel=after&timeAt=2026-11-01T00:00:00%2B01:00", "BadRequestData"),
        ("timerel=after&timeAt=2026-13-01T00:00:00Z", "BadRequestData"),
        ("timerel=after&timeAt=2026-11-01T25:00:00Z", "BadRequestData"),
        ("timerel=between&timeAt=2026-11-01T00:00:00Z&endTimeAt=soon", "BadRequestData"),
        ("timeproperty=expiresAt", "BadRequestData"),
        ("timeproperty=", "BadRequestData"),
        (f"{EVER}&timeproperty=name", "BadRequestData"),
        ("lastN=0", "BadRequestData"),
        ("lastN=-1", "BadRequestData"),
        ("lastN=1.5", "InvalidRequest"),
        ("lastN=many", "InvalidRequest"),
        ("lastN=99999999999999", "BadRequestData"),
        ("options=aggregatedValues", "BadRequestData"),
        ("options=aggregatedValues&aggrMethods=", "BadRequestData"),
        ("options=aggregatedValues&aggrMethods=median", "BadRequestData"),
        ("options=aggregatedValues&aggrMethods=avg,", None),
        ("options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=1H", "BadRequestData"),
        ("options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=P1H", "BadRequestData"),
        ("options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=PT", "BadRequestData"),
        ("options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=-P1D", "BadRequestData"),
        ("options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=P1W2D", "BadRequestData"),
        ("options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=P999999Y", None),
        ("options=temporalValues,aggregatedValues&aggrMethods=avg", "InvalidRequest"),
        ("options=temporalValue", "InvalidRequest"),
        ("format=sideways", "InvalidRequest"),
        ("pick=speed&omit=speed", "BadRequestData"),
        ("pick=speed&attrs=speed", "BadRequestData"),
        ("pick=owner{name}", "BadRequestData"),
        ("datasetId=nothing", "BadRequestData"),
        ("wrong=1", "InvalidRequest"),
        ("limit=1", "InvalidRequest"),
    ],
)  # fmt: skip
def test_bad_requests_for_one_entity(filled: ApiClient, query: str, kind: str | None) -> None:
    response = filled.get(f"{PATH}?{query}")
    if kind is None:
        assert response.status_code == 200, response.text
    else:
        assert problem_of(response) == (400, kind)


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("type=Car", "BadRequestData"),
        (f"{EVER}", "BadRequestData"),
        (f"{EVER}&id=urn:x:1", "BadRequestData"),
        (f"{EVER}&attrs=createdAt", "BadRequestData"),
        (f"{EVER}&type=Car&id=no uri", "BadRequestData"),
        (f"{EVER}&type=Car&idPattern=(", "BadRequestData"),
        (f"{EVER}&type=Car&q=((", "BadRequestData"),
        (f"{EVER}&type=Car&q=owner{{name}}==1", "BadRequestData"),
        (f"{EVER}&type=Car&csf=((", "BadRequestData"),
        (f"{EVER}&type=Car&scopeQ=(", "BadRequestData"),
        (f"{EVER}&type=Car&georel=near&geometry=Point&coordinates=[1,2]", "BadRequestData"),
        (f"{EVER}&type=Car&orderBy=name", "BadRequestData"),
        (f"{EVER}&type=Car&orderBy=id,name", "BadRequestData"),
        (f"{EVER}&type=Car&orderBy=createdAt", "BadRequestData"),
        (f"{EVER}&type=Car&collation=???&orderBy=id", "BadRequestData"),
        (f"{EVER}&type=Car&limit=0", "BadRequestData"),
        (f"{EVER}&type=Car&limit=x", "InvalidRequest"),
        (f"{EVER}&type=*&local=false", "BadRequestData"),
    ],
)
def test_bad_queries(filled: ApiClient, query: str, kind: str) -> None:
    assert problem_of(filled.get(f"/temporal/entities?{query}")) == (400, kind)


@pytest.mark.parametrize(
    "temporal",
    [
        None,
        {},
        [],
        "after",
        {"timerel": "after"},
        {"timerel": "sideways", "timeAt": "2026-11-01T00:00:00Z"},
        {"timerel": "after", "timeAt": 5},
        {"timerel": "after", "timeAt": "2026-11-01T00:00:00Z", "lastN": 0},
        {"timerel": "after", "timeAt": "2026-11-01T00:00:00Z", "lastN": "1"},
        {"timerel": "after", "timeAt": "2026-11-01T00:00:00Z", "lastN": True},
        {"timerel": "after", "timeAt": "2026-11-01T00:00:00Z", "lastN": 2.5},
        {"timerel": "after", "timeAt": "2026-11-01T00:00:00Z", "other": 1},
        {"timerel": "after", "timeAt": "2026-11-01T00:00:00Z", "timeproperty": "name"},
        {"timerel": "between", "timeAt": "2026-11-01T00:00:00Z"},
        {"timerel": "after", "timeAt": "2026-11-01T00:00:00Z", "aggrMethods": ["mode"]},
        {"timerel": "after", "timeAt": "2026-11-01T00:00:00Z", "aggrMethods": 1},
        {"timerel": "after", "timeAt": "2026-11-01T00:00:00Z", "aggrMethods": [], "aggrPeriodDuration": "x"},
    ],
)  # fmt: skip
def test_bad_bodies(filled: ApiClient, temporal: Any) -> None:
    body = {"type": "Query", "entities": [{"type": "Car"}]}
    if temporal is not None:
        body["temporalQ"] = temporal
    response = filled.post("/temporal/entityOperations/query", body)
    assert problem_of(response) == (400, "BadRequestData")


def test_geojson_and_other_media_are_not_offered(filled: ApiClient) -> None:
    for accept in ("application/geo+json", "text/html"):
        for path in (PATH, f"/temporal/entities?type=Car&{EVER}"):
            assert filled.get(path, headers={"accept": accept}).status_code == 406
    body = filled.get(PATH, headers={"accept": "application/ld+json"}).json()
    assert "@context" in body
