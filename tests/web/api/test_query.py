"""Queries, paging and discovery over HTTP: clauses 6.4.3.2, 5.5.9 and 6.25 to 6.28."""

from __future__ import annotations

import pytest

from tests.web.api.client import ApiClient, problem_of


@pytest.fixture
def fleet(api: ApiClient) -> ApiClient:
    """Ten cars along a line, a bus, and a building."""
    for n in range(10):
        api.create(
            f"urn:ngsi-ld:Car:{n}",
            speed=10 * n,
            name=f"car {n}",
            location={"type": "Point", "coordinates": [n / 1000, 0]},
        )
    api.create("urn:ngsi-ld:Bus:1", "Bus", speed=55, scope="/Madrid/Gardens")
    api.create("urn:ngsi-ld:House:1", "House", name="home")
    return api


def ids(fleet: ApiClient, parameters: str) -> list[str]:
    response = fleet.get("/entities?" + parameters)
    assert response.status_code == 200, response.text
    return [e["id"].removeprefix("urn:ngsi-ld:") for e in response.json()]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("type=Bus", ["Bus:1"]),
        ("type=Bus,House", ["Bus:1", "House:1"]),
        ("type=Car&q=speed>70", ["Car:8", "Car:9"]),
        ("q=speed==55|name==%22home%22", ["Bus:1", "House:1"]),
        ("type=*&q=speed;!name", None),
        ("type=Car&idPattern=:[34]$", ["Car:3", "Car:4"]),
        ("id=urn:ngsi-ld:Car:1,urn:ngsi-ld:Bus:1&local=true", ["Car:1", "Bus:1"]),
        ("attrs=scope", None),
        ("type=Bus&scopeQ=/Madrid/%23", ["Bus:1"]),
        (
            "type=Car&georel=near;maxDistance==120&geometry=Point&coordinates=[0,0]",
            ["Car:0", "Car:1"],
        ),
        (
            "georel=within&geometry=Polygon&coordinates=[[[0.0075,-1],[1,-1],[1,1],[0.0075,1],[0.0075,-1]]]",
            ["Car:8", "Car:9"],
        ),
        ("type=Car&orderBy=speed;desc&limit=2", ["Car:9", "Car:8"]),
    ],
)
def test_conditions(fleet: ApiClient, parameters: str, expected: list[str] | None) -> None:
    if expected is None:
        assert fleet.get("/entities?" + parameters).status_code in (200, 400)
    else:
        assert ids(fleet, parameters) == expected


def test_paging_leads_through_everything_once(fleet: ApiClient) -> None:
    seen: list[str] = []
    url: str | None = "/entities?type=Car&limit=3&count=true"
    while url:
        response = fleet.get(url)
        assert response.headers["ngsild-results-count"] == "10"
        seen += [e["id"] for e in response.json()]
        after = response.links.get("next")
        url = after["url"].removeprefix("/ngsi-ld/v1") if after else None
    assert seen == [f"urn:ngsi-ld:Car:{n}" for n in range(10)]
    assert "prev" in response.links


def test_counting_alone(fleet: ApiClient) -> None:
    response = fleet.get("/entities?type=Car&limit=0&count=true")
    assert (response.json(), response.headers["ngsild-results-count"]) == ([], "10")
    assert problem_of(fleet.get("/entities?type=Car&limit=0")) == (400, "BadRequestData")


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ("", "BadRequestData"),
        ("type=Car&q=speed>", "BadRequestData"),
        ("type=Car&q=speed>>3", "BadRequestData"),
        ("type=(Car", "BadRequestData"),
        ("type=Car&georel=near&geometry=Point&coordinates=[0,0]", "BadRequestData"),
        ("type=Car&georel=within&geometry=Polygon&coordinates=[0,0]", "BadRequestData"),
        ("type=Car&georel=within", "BadRequestData"),
        ("type=Car&idPattern=(", "BadRequestData"),
        ("type=Car&id=nonsense", "BadRequestData"),
        ("type=Car&limit=-1", "BadRequestData"),
        ("type=Car&limit=lots", "InvalidRequest"),
        ("type=Car&offset=-1", "BadRequestData"),
        ("type=Car&orderBy=speed;sideways", "BadRequestData"),
        ("type=Car&format=poetry", "InvalidRequest"),
        ("typ=Car", "InvalidRequest"),
        ("type=Car&type=Bus", "InvalidRequest"),
        *((f"type=Car&{name}=", "BadRequestData") for name in ("id", "idPattern", "attrs", "pick")),
        ("type=Car&id=%20,", "BadRequestData"),
        ("type=Car&datasetId=", "BadRequestData"),
    ],
)
def test_malformed_queries_are_refused(api: ApiClient, parameters: str, code: str) -> None:
    assert problem_of(api.get("/entities?" + parameters)) == (400, code)


def test_a_refused_q_names_the_place(api: ApiClient) -> None:
    body = api.get("/entities?type=Car&q=speed>10;rpm=").json()
    assert "14" in body["title"] or "13" in body["title"] or "15" in body["title"]
    assert "is understood; there, write " in body["detail"]
    assert body["detail"].rstrip(".") not in body["title"]


def test_an_unknown_parameter_is_answered_with_the_near_one(api: ApiClient) -> None:
    assert "'type'" in api.get("/entities?typ=Car").json()["detail"]
    assert problem_of(api.get("/entities?type=Car&entityMap=maybe"))[0] == 400


def test_types_and_attributes_can_be_discovered(fleet: ApiClient) -> None:
    assert fleet.get("/types").json()["typeList"] == ["Bus", "Car", "House"]
    details = fleet.get("/types?details=true").json()
    assert {"location", "name", "speed"} == set(details[1]["attributeNames"])
    car = fleet.get("/types/Car").json()
    assert car["entityCount"] == 10
    assert {a["attributeName"]: a["attributeTypes"] for a in car["attributeDetails"]}[
        "location"
    ] == ["GeoProperty"]
    assert "speed" in fleet.get("/attributes").json()["attributeList"]
    speed = fleet.get("/attributes/speed").json()
    assert (speed["attributeCount"], speed["typeNames"]) == (11, ["Bus", "Car"])
    assert problem_of(fleet.get("/types/Ship")) == (404, "ResourceNotFound")
    assert problem_of(fleet.get("/attributes/sails")) == (404, "ResourceNotFound")


def test_texts_are_ordered_by_a_collation(api: ApiClient) -> None:
    for name in ("b", "\u00e1", "A", "\u00c4", "Zebra", 5):
        api.create(f"urn:n:{name}" if name == 5 else f"urn:n:{ord(str(name)[0])}", name=name)

    def order(collation: str) -> list[object]:
        found = api.get(f"/entities?type=Car&format=simplified&orderBy=name{collation}").json()
        return [e["name"] for e in found]

    assert order("") == [5, "A", "Zebra", "b", "\u00c4", "\u00e1"]
    assert order("&collation=und") == [5, "A", "\u00e1", "\u00c4", "b", "Zebra"]
    assert order(";desc&collation=und") == ["Zebra", "b", "\u00c4", "\u00e1", "A", 5]
    assert order("&collation=de-u-co-phonebk") == [5, "A", "\u00e1", "\u00c4", "b", "Zebra"]
    for member in ("type", "scope", "id", "createdAt", "modifiedAt"):
        assert len(api.get(f"/entities?type=Car&orderBy={member}&collation=und").json()) == 6
    refused = api.get("/entities?type=Car&orderBy=name&collation=!!nope")
    assert problem_of(refused) == (400, "BadRequestData")


def test_an_unknown_parameter_is_refused_before_anything_is_looked_for(api: ApiClient) -> None:
    for path in ("/types/Ship", "/attributes/sails", "/entities/urn:a:b"):
        assert problem_of(api.get(path + "?sideways=1")) == (400, "InvalidRequest")
    assert problem_of(api.get("/attributes/type"))[0] == 404


@pytest.mark.parametrize(
    "parameters",
    [
        "attrs=createdAt",
        "attrs=id",
        'q=modifiedAt>"2020-01-01T00:00:00Z"',
        "id=urn:a:b",
        "idPattern=x",
        "type=*&local=false",
        "type=Car&csf=))bad((",
        "type=Car&geometryProperty=location",
        "type=Car&georel=near;maxDistance==5;minDistance==1&geometry=Point&coordinates=[0,0]",
    ],
)
def test_queries_that_are_too_wide_or_contradict_themselves(
    api: ApiClient, parameters: str
) -> None:
    assert problem_of(api.get("/entities?" + parameters)) == (400, "BadRequestData")


def test_what_narrows_a_query_down(fleet: ApiClient) -> None:
    assert ids(fleet, "attrs=createdAt,rpm") == []
    assert ids(fleet, 'q=modifiedAt>"2020-01-01T00:00:00Z";speed==55') == ["Bus:1"]
    assert len(ids(fleet, "type=*&limit=100")) == 12
    assert len(ids(fleet, "type=*&local=true&csf=a==1&limit=100")) == 12


def test_links_to_pages_name_every_parameter_in_order(fleet: ApiClient) -> None:
    response = fleet.get("/entities/?type=Car&limit=2&idPattern=Car:.*&offset=2&count=true")
    links = {rel: link["url"] for rel, link in response.links.items()}
    start = "/ngsi-ld/v1/entities?count=true&idPattern=Car:.*&limit=2&offset="
    assert links["next"] == start + "4&type=Car"
    assert links["prev"] == start + "0&type=Car"
    assert 'rel="next";type="application/json"' in response.headers["link"]


def test_the_format_parameter_goes_before_options(api: ApiClient) -> None:
    api.create(speed=1)
    both = api.get("/entities/urn:ngsi-ld:Car:1?format=keyValues&options=normalized,sysAttrs")
    assert both.json()["speed"] == 1
    assert "createdAt" in both.json()


def test_expiry_is_shown_with_the_systems_attributes_only(api: ApiClient) -> None:
    later = "2100-01-01T00:00:00Z"
    api.create(speed={"value": 1, "expiresAt": later}, expiresAt=later)
    assert "expiresAt" not in api.get("/entities/urn:ngsi-ld:Car:1").text
    shown = api.get("/entities/urn:ngsi-ld:Car:1?options=sysAttrs").json()
    assert (shown["expiresAt"], shown["speed"]["expiresAt"]) == (later, later)
