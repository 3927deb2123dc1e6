"""Reads over several brokers: merged, narrowed, and never spoilt by one of them (clauses 4.3.6, 5.7, 6.3.17)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.api.client import ApiClient
from tests.web.api.source import MockSource, mock_source

CAR = "urn:ngsi-ld:Car:1"
VIA = "urn:ngsi-ld:default-context"


@pytest.fixture
def source() -> Iterator[MockSource]:
    with mock_source() as found:
        yield found


def register(api: ApiClient, source: MockSource | None, **members: Any) -> None:
    body = {
        "id": "urn:r:1",
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "Car"}]}],
        "endpoint": source.url if source else "http://127.0.0.1:9",
        "management": {"timeout": 2000},
    }
    answer = api.post("/csourceRegistrations", json=body | members)
    assert answer.status_code == 201, answer.text


def car(id: str = CAR, /, **attributes: Any) -> dict[str, Any]:
    made = {name: {"type": "Property", "value": value} for name, value in attributes.items()}
    return {"id": id, "type": "Car", **made}


def warnings(answer: Any) -> list[str]:
    header = answer.headers.get("ngsild-warning", "")
    return [part.split(" ")[0] for part in header.split(", ") if part] if header else []


# -- one entity ------------------------------------------------------------------------------------


def test_an_entity_that_is_elsewhere_is_found(api: ApiClient, source: MockSource) -> None:
    register(api, source)
    source.says("GET", f"/entities/{CAR}", car(speed=3))
    answer = api.get(f"/entities/{CAR}")
    assert (answer.status_code, answer.json()) == (200, car(speed=3))
    asked = source.only("GET")
    assert asked.query == {"options": "sysAttrs", "type": "Car"}
    assert asked.headers["via"].startswith("1.1 hansa-")
    assert warnings(answer) == []


def test_what_two_know_is_one_entity(api: ApiClient, source: MockSource) -> None:
    api.post("/entities", json=car(colour="red", speed=1))
    register(api, source)
    remote = car(speed=3, range=9)
    remote["speed"]["observedAt"] = "2026-01-01T00:00:00Z"
    source.says("GET", f"/entities/{CAR}", remote)
    found = api.get(f"/entities/{CAR}?options=keyValues").json()
    assert found == {"id": CAR, "type": "Car", "colour": "red", "speed": 3, "range": 9}
    assert "range" not in api.get(f"/entities/{CAR}?local=true").json()


def test_auxiliary_sources_only_add(api: ApiClient, source: MockSource) -> None:
    api.post("/entities", json=car(speed=1))
    register(api, source, mode="auxiliary")
    remote = car(speed=3, range=9)
    remote["speed"]["observedAt"] = "2999-01-01T00:00:00Z"
    source.says("GET", f"/entities/{CAR}", remote)
    found = api.get(f"/entities/{CAR}?options=keyValues").json()
    assert (found["speed"], found["range"]) == (1, 9)


def test_a_source_is_asked_for_no_more_than_it_registered(
    api: ApiClient, source: MockSource
) -> None:
    info = [{"entities": [{"type": "Car", "id": CAR}], "propertyNames": ["speed"]}]
    register(api, source, information=info)
    source.says("GET", f"/entities/{CAR}", car(speed=3, secret=1))
    answer = api.get(f"/entities/{CAR}?options=keyValues")
    assert answer.json() == {"id": CAR, "type": "Car", "speed": 3}
    assert source.only("GET").query["attrs"] == "speed"
    assert api.get("/entities/urn:ngsi-ld:Car:2").status_code == 404
    assert api.get(f"/entities/{CAR}?attrs=colour").status_code == 404
    assert len(source.asked) == 1


@pytest.mark.parametrize(
    ("operations", "method", "path"),
    [
        (["queryEntity"], "GET", "/entities"),
        (["queryBatch"], "POST", "/entityOperations/query"),
    ],
)
def test_a_source_is_asked_in_the_way_it_offers(
    api: ApiClient, source: MockSource, operations: list[str], method: str, path: str
) -> None:
    register(api, source, operations=operations)
    source.says(method, path, [car(speed=3)])
    assert api.get(f"/entities/{CAR}").status_code == 200
    asked = source.only(method)
    if asked.body is None:
        assert (asked.query["id"], asked.query["type"]) == (CAR, "Car")
    else:
        assert asked.body["entities"] == [{"type": "Car", "id": CAR}]


def test_a_source_that_offers_no_reads_is_not_asked(api: ApiClient, source: MockSource) -> None:
    register(api, source, operations=["updateOps"])
    assert api.get(f"/entities/{CAR}").status_code == 404
    assert api.get("/entities?type=Car").json() == []
    assert source.asked == []


def test_the_limits_of_a_registration_go_along(api: ApiClient, source: MockSource) -> None:
    info = [
        {"key": "Authorization", "value": "Bearer token"},
        {"key": "x-user", "value": "urn:ngsi-ld:request"},
        {"key": "Via", "value": "1.1 evil"},
        {"key": "NGSILD-Tenant", "value": "evil"},
        {"key": "accept", "value": "application/ld+json"},
    ]
    register(api, source, contextSourceInfo=info, tenant="north", management={"localOnly": True})
    source.says("GET", f"/entities/{CAR}", car(speed=3))
    assert api.get(f"/entities/{CAR}", headers={"x-user": "ana"}).status_code == 200
    asked = source.only("GET")
    assert asked.query["local"] == "true"
    assert asked.headers["authorization"] == "Bearer token"
    assert asked.headers["x-user"] == "ana"
    assert asked.headers["ngsild-tenant"] == "north"
    assert asked.headers["accept"] == "application/ld+json"
    assert "evil" not in asked.headers["via"]


def test_names_are_sent_in_full_when_the_source_cannot_have_the_context(
    api: ApiClient, source: MockSource
) -> None:
    info = [{"entities": [{"type": "https://x.example/Car"}]}]
    register(api, source, information=info)
    remote = [{"id": CAR, "type": "https://x.example/Car"}]
    source.says("POST", "/entityOperations/query", remote)
    context = {"Car": "https://x.example/Car"}
    body = {"type": "Query", "entities": [{"type": "Car"}], "@context": context}
    answer = api.post("/entityOperations/query", body, type="application/ld+json")
    assert [each["type"] for each in answer.json()] == ["Car"]
    asked = source.asked[0]
    assert "https://x.example/Car" in str(asked.query) + str(asked.body)
    assert "link" not in asked.headers


# -- queries ---------------------------------------------------------------------------------------


def test_a_query_is_answered_by_everyone(api: ApiClient, source: MockSource) -> None:
    api.post("/entities", json=car("urn:c:1", speed=1))
    register(api, source)
    source.says("GET", "/entities", [car("urn:c:2", speed=2), car("urn:c:1", range=7)])
    answer = api.get("/entities?type=Car&options=keyValues&count=true")
    assert answer.json() == [
        {"id": "urn:c:1", "type": "Car", "speed": 1, "range": 7},
        {"id": "urn:c:2", "type": "Car", "speed": 2},
    ]
    assert answer.headers["ngsild-results-count"] == "2"
    asked = source.only("GET")
    assert (asked.query["type"], asked.query["count"]) == ("Car", "true")


def test_filters_go_along_unless_entities_are_split(api: ApiClient, source: MockSource) -> None:
    register(api, source)
    source.says("GET", "/entities", [])
    query = '/entities?type=Car&q=speed>2;colour=="red"&scopeQ=/A'
    assert api.get(query).json() == []
    first = source.asked[-1].query
    assert (first["q"], first["scopeQ"]) == ('speed>2;colour=="red"', "/A")
    api.post("/entities", json=car("urn:c:1", colour="red") | {"scope": "/A"})
    source.says("GET", "/entities", [car("urn:c:1", speed=3), car("urn:c:2", speed=3)])
    found = api.get(query + "&splitEntities=true&options=keyValues").json()
    assert [each["id"] for each in found] == ["urn:c:1"]
    assert {"q", "scopeQ"}.isdisjoint(source.asked[-1].query)


def test_pages_over_several_brokers_are_cut_from_one_list(
    api: ApiClient, source: MockSource
) -> None:
    for number in range(3):
        api.post("/entities", json=car(f"urn:c:{number}", speed=number))
    register(api, source)
    remote = [car(f"urn:c:{number}", range=number) for number in (2, 3, 4)]
    source.says("GET", "/entities", remote)
    seen: list[str] = []
    for offset in (0, 2, 4):
        answer = api.get(f"/entities?type=Car&limit=2&offset={offset}")
        seen += [each["id"] for each in answer.json()]
        assert ('rel="next"' in answer.headers.get("link", "")) is (offset < 4)
    assert seen == [f"urn:c:{number}" for number in range(5)]


def test_a_query_for_other_types_asks_nobody(api: ApiClient, source: MockSource) -> None:
    register(api, source)
    for query in ("type=Building", "type=Car&local=true", "type=*"):
        assert api.get(f"/entities?{query}").json() == []
    assert source.asked == []


def test_order_needs_everything_in_one_place(api: ApiClient, source: MockSource) -> None:
    register(api, source)
    answer = api.get("/entities?type=Car&orderBy=speed")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (400, "BadRequestData")
    assert api.get("/entities?type=Car&orderBy=speed&local=true").status_code == 200


def test_a_condition_on_sources_chooses_among_them(api: ApiClient, source: MockSource) -> None:
    register(api, source, sourceType="sensor")
    source.says("GET", "/entities", [car("urn:c:2", speed=2)])
    assert len(api.get('/entities?type=Car&csf=sourceType=="sensor"').json()) == 1
    assert api.get('/entities?type=Car&csf=sourceType=="archive"').json() == []
    assert len(source.asked) == 1


def test_a_page_far_down_the_list_is_refused(api: ApiClient, source: MockSource) -> None:
    register(api, source)
    answer = api.get("/entities?type=Car&offset=20000")
    assert (answer.status_code, source.asked) == (403, [])


# -- types and attributes --------------------------------------------------------------------------


def test_types_and_attributes_of_sources_count(api: ApiClient, source: MockSource) -> None:
    api.post("/entities", json=car("urn:c:1", speed=1))
    register(api, source, information=[{"propertyNames": ["speed", "range", "gust"]}])
    source.says("GET", "/types", {"type": "EntityTypeList", "typeList": ["Kite", 17, "a b", "Car"]})
    assert api.get("/types").json()["typeList"] == ["Car", "Kite"]
    told = {
        "type": "EntityTypeInfo",
        "typeName": "Car",
        "entityCount": 4,
        "attributeDetails": [
            {"attributeName": "range", "attributeTypes": ["Property", "Nonsense"]},
            17,
        ],
    }
    source.says("GET", "/types/Car", told)
    found = api.get("/types/Car").json()
    assert found["entityCount"] == 5
    assert {
        each["attributeName"]: each["attributeTypes"] for each in found["attributeDetails"]
    } == {
        "speed": ["Property"],
        "range": ["Property"],
    }
    names = {"type": "AttributeList", "attributeList": ["gust", "secret"]}
    source.says("GET", "/attributes", names)
    assert api.get("/attributes").json()["attributeList"] == ["gust", "speed"]
    one = {
        "attributeName": "gust",
        "attributeCount": 3,
        "attributeTypes": ["Property"],
        "typeNames": ["Kite"],
    }
    source.says("GET", "/attributes/gust", one)
    gust = api.get("/attributes/gust").json()
    assert (gust["attributeCount"], gust["typeNames"]) == (3, ["Kite"])
    assert api.get("/types?local=true").json()["typeList"] == ["Car"]
    source.says("GET", "/types", b"not JSON")
    answer = api.get("/types")
    assert (answer.json()["typeList"], warnings(answer)) == (["Car"], ["111"])


# -- what goes wrong -------------------------------------------------------------------------------

DEEP = b'[{"id":"urn:c:2","type":"Car","a":' + b"[" * 200 + b"]" * 200 + b"}]"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ((200, b"not JSON"), "111"),
        ((200, b'"text"'), "111"),
        ((200, b"[17, null, []]"), "111"),
        ((200, b'[{"id":"urn:c:2"}]'), "111"),
        ((200, b'[{"id":"nonsense","type":"Car"}]'), "111"),
        ((200, b'[{"id":"urn:c:2","type":"Building"}]'), "111"),
        ((200, b'[{"id":"urn:c:2","type":"Car","a":{"type":"Property"}}]'), "111"),
        ((200, b'[{"id":"urn:c:2","type":"Car","modifiedAt":"x"}]'), "111"),
        ((200, b'[{"id":"urn:c:2","type":"Car","@context":17}]'), "111"),
        ((200, DEEP), "111"),
        ((200, b"[" * 100_000), "111"),
        ((200, b'[{"id":"urn:c:2","type":"Car","a":"' + b"x" * 17_000_000 + b'"}]'), "111"),
        ((500, b""), "299"),
        ((403, b"{}"), "299"),
        ((302, b""), "299"),
    ],
)
def test_a_source_that_answers_nonsense_costs_a_warning(
    api: ApiClient, source: MockSource, reply: tuple[int, bytes], code: str
) -> None:
    api.post("/entities", json=car("urn:c:1", speed=1))
    register(api, source)
    headers = {"location": "http://127.0.0.1:9/"} if reply[0] == 302 else {}
    source.says("GET", "/entities", reply[1], reply[0], headers=headers)
    answer = api.get("/entities?type=Car")
    assert answer.status_code == 200
    assert [each["id"] for each in answer.json()] == ["urn:c:1"]
    assert warnings(answer) == [code]


def test_an_answer_may_not_send_the_node_around(api: ApiClient, source: MockSource) -> None:
    register(api, source, management={"timeout": 30_000})
    with mock_source() as other:
        names = [f"{other.url}/{number}" for number in range(50)]
        found = [car(f"urn:c:{n}") | {"@context": name} for n, name in enumerate(names)]
        source.says("GET", "/entities", found)
        answer = api.get("/entities?type=Car")
        assert (answer.json(), warnings(answer)) == ([], ["111"])
        assert len(other.asked) <= 10


def test_good_entities_beside_bad_ones_count(api: ApiClient, source: MockSource) -> None:
    register(api, source)
    source.says("GET", "/entities", [{"id": "x"}, car("urn:c:2", speed=2)])
    answer = api.get("/entities?type=Car")
    assert ([each["id"] for each in answer.json()], warnings(answer)) == (["urn:c:2"], ["111"])


def test_a_dead_source_costs_a_warning(api: ApiClient) -> None:
    api.post("/entities", json=car(speed=1))
    register(api, None)
    answer = api.get(f"/entities/{CAR}")
    assert (answer.status_code, warnings(answer)) == (200, ["199"])
    missing = api.get("/entities/urn:ngsi-ld:Car:2")
    assert (missing.status_code, warnings(missing)) == (404, ["199"])
    found = api.get("/csourceRegistrations/urn:r:1").json()
    assert (found["status"], found["timesSent"], found["timesFailed"]) == ("failed", 2, 2)
    assert "lastFailure" in found and "lastSuccess" not in found


def test_a_slow_source_costs_a_warning_and_its_timeout(api: ApiClient, source: MockSource) -> None:
    register(api, source, management={"timeout": 100})
    source.says("GET", "/entities", [car("urn:c:2")], delay=1.0)
    answer = api.get("/entities?type=Car")
    assert (answer.json(), warnings(answer)) == ([], ["199"])


def test_that_a_source_does_not_know_an_entity_is_no_failure(
    api: ApiClient, source: MockSource
) -> None:
    register(api, source)
    answer = api.get(f"/entities/{CAR}")
    assert (answer.status_code, warnings(answer)) == (404, [])
    assert api.get("/csourceRegistrations/urn:r:1").json()["status"] == "ok"


def test_a_failed_source_is_left_alone_for_a_while(api: ApiClient, source: MockSource) -> None:
    register(api, source, management={"timeout": 50, "cooldown": 60_000})
    source.says("GET", "/entities", [], delay=0.5)
    for _ in range(3):
        assert warnings(api.get("/entities?type=Car")) == ["199"]
    assert len(source.asked) == 1


def test_an_answer_is_kept_as_long_as_the_registration_says(
    api: ApiClient, source: MockSource
) -> None:
    register(api, source, management={"cacheDuration": "PT1H"})
    source.says("GET", "/entities", [car("urn:c:2", speed=2)])
    first, second = api.get("/entities?type=Car"), api.get("/entities?type=Car")
    assert first.json() == second.json() != []
    assert (warnings(first), warnings(second)) == ([], ["110"])
    api.get("/entities?type=Car&attrs=speed")
    assert len(source.asked) == 2


def test_a_source_on_the_inside_of_the_network_is_not_contacted(
    city_api: ApiClient, source: MockSource
) -> None:
    body = {
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "Car"}]}],
        "endpoint": source.url,
    }
    operator = {"authorization": "Bearer secret"}
    assert city_api.post("/csourceRegistrations", body, headers=operator).status_code == 201
    answer = city_api.get("/entities?type=Car")
    assert (answer.json(), warnings(answer), source.asked) == ([], ["199"], [])


# -- loops -----------------------------------------------------------------------------------------


def test_a_request_does_not_go_in_circles(api: ApiClient, source: MockSource) -> None:
    register(api, source, contextSourceAlias="other")
    source.says("GET", "/entities", [car("urn:c:2", speed=2)])
    own = api.get("/info/sourceIdentity").json()["contextSourceAlias"]
    for via in (f"1.1 a, 1.1 {own}", "1.1 other (a comment, too), 1.0 b"):
        answer = api.get("/entities?type=Car", headers={"via": via})
        assert (answer.status_code, answer.json(), source.asked) == (200, [], [])
    answer = api.get("/entities?type=Car", headers={"via": "1.1 a"})
    assert len(answer.json()) == 1
    assert source.only("GET").headers["via"] == f"1.1 a, 1.1 {own}"


def test_too_many_hops_are_a_loop(api: ApiClient, source: MockSource) -> None:
    register(api, source)
    via = ", ".join(f"1.1 b{number}" for number in range(17))
    assert api.get("/entities?type=Car", headers={"via": via}).status_code == 508


def test_a_source_that_claims_to_be_this_node_is_not_asked(
    api: ApiClient, source: MockSource
) -> None:
    own = api.get("/info/sourceIdentity").json()["contextSourceAlias"]
    register(api, source, contextSourceAlias=own)
    api.post("/entities", json=car(speed=1))
    assert api.get(f"/entities/{CAR}").status_code == 200
    assert source.asked == []


def test_two_tenants_of_one_node_are_two_sources(api: ApiClient, source: MockSource) -> None:
    own = api.get("/info/sourceIdentity").json()["contextSourceAlias"]
    other = {"ngsild-tenant": "other"}
    api.post("/entities", json=car(speed=1), headers=other)
    body = {
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "Car"}]}],
        "endpoint": source.url,
    }
    assert api.post("/csourceRegistrations", body, headers=other).status_code == 201
    source.says("GET", "/entities", [car("urn:c:2", speed=2)])
    answer = api.get("/entities?type=Car", headers={**other, "via": f"1.1 {own}"})
    assert len(answer.json()) == 2


# -- where sources are -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("geo", "asked"),
    [
        ("georel=within&geometry=Polygon&coordinates=[[[0,0],[2,0],[2,2],[0,2],[0,0]]]", True),
        ("georel=within&geometry=Polygon&coordinates=[[[7,7],[8,7],[8,8],[7,8],[7,7]]]", False),
        ("georel=intersects&geometry=Point&coordinates=[9,9]", False),
        ("georel=disjoint&geometry=Point&coordinates=[9,9]", True),
        ("georel=near;maxDistance==1000&geometry=Point&coordinates=[9,9]", False),
        ("georel=near;maxDistance==1000000&geometry=Point&coordinates=[3,3]", True),
        ("georel=near;minDistance==1000&geometry=Point&coordinates=[0.5,0.5]", True),
        (
            "georel=intersects&geometry=Point&coordinates=[9,9]&geoproperty=observationSpace",
            True,
        ),
    ],
)
def test_sources_elsewhere_are_not_asked(
    api: ApiClient, source: MockSource, geo: str, asked: bool
) -> None:
    ring = [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]
    register(api, source, location={"type": "Polygon", "coordinates": [ring]})
    source.says("GET", "/entities", [])
    assert api.get(f"/entities?type=Car&{geo}").json() == []
    assert bool(source.asked) is asked
