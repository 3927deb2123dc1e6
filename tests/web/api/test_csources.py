"""Context source registrations through the API (clauses 5.9, 5.10 and 5.15)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node
from tests.web.api.client import ApiClient, problem_of

PLACE = "/csourceRegistrations"
ID = "urn:ngsi-ld:ContextSourceRegistration:1"


def registration(**members: Any) -> dict[str, Any]:
    """A registration of all vehicles at a broker that does not exist."""
    body = {
        "id": ID,
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "Vehicle"}]}],
        "endpoint": "http://source.example:1026",
    }
    return {k: v for k, v in (body | members).items() if v is not None}


def register(api: ApiClient, **members: Any) -> None:
    answer = api.post(PLACE, json=registration(**members))
    assert answer.status_code == 201, answer.text


def test_a_registration_comes_back_as_it_was_given(api: ApiClient) -> None:
    given = registration(
        registrationName="north",
        information=[
            {
                "entities": [{"type": "Vehicle", "idPattern": "^urn:v:"}],
                "propertyNames": ["speed"],
                "relationshipNames": ["owner"],
            }
        ],
        mode="inclusive",
        operations=["federationOps"],
        management={"timeout": 500, "cacheDuration": "PT10S"},
        location={"type": "Point", "coordinates": [8, 49]},
        scope="/north",
        sourceType="sensors",
    )
    answer = api.post(PLACE, json=given)
    assert answer.headers["location"] == f"/ngsi-ld/v1{PLACE}/{ID}"
    assert api.get(f"{PLACE}/{ID}").json() == given
    times = api.get(f"{PLACE}/{ID}?options=sysAttrs").json()
    assert times["createdAt"] == times["modifiedAt"]


def test_an_identifier_and_defaults_are_filled_in(api: ApiClient) -> None:
    answer = api.post(PLACE, json=registration(id=None))
    place = answer.headers["location"].removeprefix("/ngsi-ld/v1")
    found = api.get(place).json()
    assert found["id"].startswith("urn:ngsi-ld:ContextSourceRegistration:")
    assert (found["mode"], found["operations"]) == ("inclusive", ["federationOps"])


def test_a_registration_survives_a_restart(tmp_path: Path) -> None:
    settings = Settings(dev=True, context="core")
    for _ in range(2):
        node = Node.open(tmp_path / "node", settings)
        try:
            with TestClient(node.app, base_url="http://127.0.0.1:1356") as client:
                api = ApiClient(node, client)
                if api.get(f"{PLACE}/{ID}").status_code == 404:
                    register(api)
                    alias = api.get("/info/sourceIdentity").json()["contextSourceAlias"]
                else:
                    assert api.get("/info/sourceIdentity").json()["contextSourceAlias"] == alias
                    assert api.get(f"{PLACE}?type=Vehicle").json()[0]["id"] == ID
        finally:
            node.close()


BAD: list[tuple[str, Any, str]] = [
    ("id", "nonsense", "is not a URI"),
    ("type", "Vehicle", "its type is not"),
    ("type", None, "it has no type"),
    ("endpoint", None, "it has no endpoint"),
    ("endpoint", "ftp://x/", "is not an address of HTTP"),
    ("endpoint", "not an address", "is not an address of HTTP"),
    ("endpoint", 17, "is not an address of HTTP"),
    ("information", None, "it has no information"),
    ("information", [], "is not a list with something in it"),
    ("information", {}, "is not a list with something in it"),
    ("information", [17], "is not an object"),
    ("information", [{}], "says neither which entities nor which attributes"),
    ("information", [{"entities": []}], "is not a list with something in it"),
    ("information", [{"entities": [{}]}], "an item has no type"),
    ("information", [{"entities": [{"type": "T", "id": "x"}]}], "is not a URI"),
    ("information", [{"entities": [{"type": "T", "idPattern": "("}]}], "regular expression"),
    ("information", [{"entities": [{"type": "a b"}]}], "is not a valid name"),
    ("information", [{"propertyNames": []}], "is not a list with something in it"),
    ("information", [{"propertyNames": [17]}], "is not a valid name"),
    ("mode", "solitary", "is no mode"),
    ("operations", [], "is not a list with something in it"),
    ("operations", ["paintEntity"], "is no operation"),
    ("contextSourceInfo", [{"key": "a"}], "is not a line of plain text"),
    ("contextSourceInfo", [{"key": "a b", "value": "c"}], "cannot be the name of a header"),
    ("contextSourceInfo", [{"key": "a", "value": "b\r\nc: d"}], "is not a line of plain text"),
    ("contextSourceInfo", [{"key": "accept", "value": "text/html"}], "is not possible"),
    ("contextSourceInfo", [{"key": "contentType", "value": "x"}], "is not possible"),
    ("contextSourceInfo", [{"key": "jsonldContext", "value": "x"}], "is not the address"),
    ("contextSourceInfo", [{"key": "ngsildConformance", "value": "one"}], "is not a version"),
    ("contextSourceAlias", "two words", "is not one word"),
    ("description", "", "is not text, or empty"),
    ("registrationName", 17, "is not text, or empty"),
    ("tenant", "", "is not text, or empty"),
    ("datasetId", ["nonsense"], "is not a URI"),
    ("expiresAt", "tomorrow", "is not a DateTime"),
    ("description", "x" * 10_001, "has 10,001 characters"),
    ("contextSourceInfo", [{"key": "X-A", "value": "b" * 8_000}], "has 8,003 characters"),
    ("location", {"type": "Point", "coordinates": [181, 0]}, "location"),
    ("location", "here", "location"),
    ("observationInterval", {"endAt": "2026-01-01T00:00:00Z"}, "is not a time interval"),
    (
        "managementInterval",
        {"startAt": "2026-01-02T00:00:00Z", "endAt": "2026-01-01T00:00:00Z"},
        "ends before it starts",
    ),
    ("management", {"timeout": 0}, "is not a number above 0"),
    ("management", {"cooldown": True}, "is not a number above 0"),
    ("management", {"localOnly": "yes"}, "is not true or false"),
    ("management", {"cacheDuration": "ten"}, "duration"),
    ("management", {"patience": 1}, "is not known"),
    ("management", [], "is not an object"),
    ("refreshRate", "often", "duration"),
    ("scope", "no slash?", "is not a scope"),
    ("a b", 1, "is not a valid name"),
]


@pytest.mark.parametrize(("member", "value", "fact"), BAD)
def test_a_malformed_registration_is_refused(
    api: ApiClient, member: str, value: Any, fact: str
) -> None:
    answer = api.post(PLACE, json=registration(**{member: value}))
    assert answer.status_code == 400, answer.text
    problem = answer.json()
    assert problem["type"] == "https://uri.etsi.org/ngsi-ld/errors/BadRequestData"
    assert fact in problem["title"]
    assert api.get(f"{PLACE}?type=Vehicle").json() == []


def test_what_is_no_registration_at_all_is_refused(api: ApiClient) -> None:
    for body in ([], "text", 17):
        assert api.post(PLACE, json=body).status_code == 400
    assert (
        api.post(PLACE, content=b"{", headers={"content-type": "application/json"})
        .json()["type"]
        .endswith("InvalidRequest")
    )


def test_an_exclusive_registration_names_entities_and_attributes(api: ApiClient) -> None:
    for information in (
        [{"entities": [{"type": "Vehicle"}], "propertyNames": ["speed"]}],
        [{"entities": [{"type": "Vehicle", "idPattern": ".*"}], "propertyNames": ["speed"]}],
        [{"entities": [{"type": "Vehicle", "id": "urn:v:1"}]}],
        [{"propertyNames": ["speed"]}],
    ):
        answer = api.post(PLACE, json=registration(mode="exclusive", information=information))
        assert answer.status_code == 400, information


def test_an_auxiliary_registration_only_reads(api: ApiClient) -> None:
    answer = api.post(PLACE, json=registration(mode="auxiliary", operations=["redirectionOps"]))
    assert answer.status_code == 400
    register(api, mode="auxiliary")
    assert api.get(f"{PLACE}/{ID}").json()["operations"] == ["retrieveOps"]


def exclusive(id: str, names: list[str], mode: str = "exclusive") -> dict[str, Any]:
    entity = {"type": "Vehicle", "id": "urn:v:1"}
    information = [{"entities": [entity], "propertyNames": names}]
    return registration(id=f"urn:r:{id}", mode=mode, information=information)


def test_what_is_exclusive_belongs_to_one_source(api: ApiClient) -> None:
    assert api.post(PLACE, json=exclusive("1", ["speed", "range"])).status_code == 201
    answer = api.post(PLACE, json=exclusive("2", ["range"]))
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "Conflict")
    assert api.post(PLACE, json=exclusive("3", ["speed"], "redirect")).status_code == 409
    assert api.post(PLACE, json=exclusive("4", ["speed"], "inclusive")).status_code == 201
    assert api.post(PLACE, json=exclusive("5", ["colour"])).status_code == 201
    moved = api.patch(
        f"{PLACE}/urn:r:5", json={"information": exclusive("", ["speed"])["information"]}
    )
    assert moved.status_code == 409
    assert api.delete(f"{PLACE}/urn:r:1").status_code == 204
    assert api.post(PLACE, json=exclusive("2", ["range"])).status_code == 201


def test_what_is_held_here_cannot_be_registered_elsewhere(api: ApiClient) -> None:
    api.post("/entities", json={"id": "urn:v:1", "type": "Vehicle", "speed": 3})
    assert api.post(PLACE, json=exclusive("1", ["speed"])).status_code == 409
    assert api.post(PLACE, json=exclusive("1", ["range"])).status_code == 201
    assert api.post(PLACE, json=registration(mode="redirect")).status_code == 409
    other = [{"entities": [{"type": "Building"}]}]
    register(api, mode="redirect", information=other)


def test_the_same_identifier_twice_is_a_conflict(api: ApiClient) -> None:
    register(api)
    answer = api.post(PLACE, json=registration())
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "AlreadyExists")


def test_an_update_changes_what_it_names(api: ApiClient) -> None:
    register(api, expiresAt="2999-01-01T00:00:00Z", description="old")
    answer = api.patch(f"{PLACE}/{ID}", json={"expiresAt": None, "description": "new"})
    assert answer.status_code == 204
    found = api.get(f"{PLACE}/{ID}").json()
    assert "expiresAt" not in found
    assert (found["description"], found["endpoint"]) == ("new", "http://source.example:1026")


@pytest.mark.parametrize(
    "fragment",
    [
        {"endpoint": None},
        {"information": None},
        {"id": "urn:other:1"},
        {"type": "T"},
        {"mode": "exclusive"},
    ],
)
def test_an_update_cannot_break_a_registration(api: ApiClient, fragment: dict[str, Any]) -> None:
    register(api)
    assert api.patch(f"{PLACE}/{ID}", json=fragment).status_code == 400
    assert api.get(f"{PLACE}/{ID}").json()["mode"] == "inclusive"


def test_unknown_and_malformed_identifiers(api: ApiClient) -> None:
    for verb in (api.get, api.delete):
        assert verb(f"{PLACE}/urn:not:here").status_code == 404
        assert verb(f"{PLACE}/nonsense").status_code == 400
    assert api.patch(f"{PLACE}/urn:not:here", json={}).status_code == 404
    register(api)
    assert api.delete(f"{PLACE}/{ID}").status_code == 204
    assert api.get(f"{PLACE}/{ID}").status_code == 404


def test_an_expired_registration_is_not_there(api: ApiClient) -> None:
    register(api)
    answer = api.patch(f"{PLACE}/{ID}", json={"expiresAt": "2020-01-01T00:00:00Z"})
    assert answer.status_code == 204
    assert api.get(f"{PLACE}/{ID}").status_code == 404
    assert api.get(f"{PLACE}?type=Vehicle").json() == []
    register(api)  # its place is free
    assert api.get(f"{PLACE}/{ID}").status_code == 200


def test_one_that_has_expired_already_is_refused(api: ApiClient) -> None:
    """5.9.2.4."""
    answer = api.post(PLACE, registration(expiresAt="2020-01-01T00:00:00Z"))
    assert problem_of(answer) == (400, "BadRequestData")
    assert "lies in the past" in answer.json()["title"]
    assert api.get(f"{PLACE}?type=Vehicle").json() == []


def ids(api: ApiClient, query: str) -> set[str]:
    answer = api.get(f"{PLACE}?{query}")
    assert answer.status_code == 200, answer.text
    return {each["id"].rpartition(":")[2] for each in answer.json()}


def test_sources_are_discovered_by_what_they_may_have(api: ApiClient) -> None:
    cases = {
        "type": [{"entities": [{"type": "Vehicle"}]}],
        "id": [{"entities": [{"type": "Vehicle", "id": "urn:v:1"}]}],
        "pattern": [{"entities": [{"type": "Vehicle", "idPattern": "^urn:v:"}]}],
        "speed": [{"entities": [{"type": "Vehicle"}], "propertyNames": ["speed"]}],
        "names": [{"relationshipNames": ["owner"]}],
        "building": [{"entities": [{"type": "Building"}]}],
    }
    for name, information in cases.items():
        register(api, id=f"urn:r:{name}", information=information)
    assert ids(api, "type=Vehicle") == {"type", "id", "pattern", "speed", "names"}
    assert ids(api, "type=Vehicle&attrs=owner") == {"type", "id", "pattern", "names"}
    assert ids(api, "type=Vehicle&id=urn:v:2&attrs=speed") == {"type", "pattern", "speed"}
    assert ids(api, "type=Vehicle&idPattern=v:1$") == {"type", "id", "pattern", "speed", "names"}
    assert ids(api, "type=Building") == {"building", "names"}
    assert ids(api, "q=speed>3") == {"type", "id", "pattern", "speed", "building"}
    assert ids(api, "type=(Vehicle|Building)&attrs=speed") == set(cases) - {"names"}


def test_discovery_takes_a_narrow_query_only(api: ApiClient) -> None:
    for query in ("", "id=urn:v:1", "csf=a==1"):
        assert api.get(f"{PLACE}?{query}").status_code == 400
    for query in ("id=x&type=T", "type=T&q=(", "type=T&georel=within", "type=T&timerel=before"):
        assert api.get(f"{PLACE}?{query}").status_code == 400


def test_sources_are_discovered_by_their_own_properties(api: ApiClient) -> None:
    register(
        api, id="urn:r:a", scope=["/Madrid/Centro"], sourceType="sensor", endpoint="http://a.x"
    )
    register(api, id="urn:r:b", scope="/Paris", sourceType={"type": "Property", "value": "archive"})
    assert ids(api, 'type=Vehicle&csf=sourceType=="sensor"') == {"a"}
    assert ids(api, 'type=Vehicle&csf=sourceType~="arch"') == {"b"}
    assert ids(api, 'type=Vehicle&csf=endpoint=="http://a.x"|sourceType=="archive"') == {"a", "b"}
    assert ids(api, "type=Vehicle&csf=nothing") == set()
    assert ids(api, "type=Vehicle&scopeQ=/Madrid/%23") == {"a"}


def test_sources_are_discovered_by_place(api: ApiClient) -> None:
    square = [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]
    register(api, id="urn:r:point", location={"type": "Point", "coordinates": [1, 1]})
    register(api, id="urn:r:area", location={"type": "Polygon", "coordinates": square})
    register(api, id="urn:r:none")
    near = "type=Vehicle&georel=near;maxDistance==2000&geometry=Point&coordinates=[1,1]"
    assert ids(api, near) == {"point", "area"}
    away = "type=Vehicle&georel=near;maxDistance==2000&geometry=Point&coordinates=[1.5,1.5]"
    assert ids(api, away) == {"area"}
    assert ids(api, near + "&geoproperty=observationSpace") == set()


def test_sources_of_history_are_discovered_by_time(api: ApiClient) -> None:
    year = {"startAt": "2020-01-01T00:00:00Z", "endAt": "2021-01-01T00:00:00Z"}
    register(api, id="urn:r:observed", observationInterval=year)
    register(api, id="urn:r:managed", managementInterval={"startAt": "2020-01-01T00:00:00Z"})
    register(api, id="urn:r:latest")
    when = "type=Vehicle&timerel={}&timeAt=2020-06-01T00:00:00Z"
    assert ids(api, "type=Vehicle") == {"latest"}
    assert ids(api, when.format("before")) == {"observed"}
    assert ids(api, when.format("after") + "&timeproperty=modifiedAt") == {"managed"}
    late = "type=Vehicle&timerel={}&timeAt=2022-01-01T00:00:00Z"
    assert (ids(api, late.format("after")), ids(api, late.format("before"))) == (
        set(),
        {"observed"},
    )
    early = "type=Vehicle&timerel={}&timeAt=2019-01-01T00:00:00Z"
    assert (ids(api, early.format("after")), ids(api, early.format("before"))) == (
        {"observed"},
        set(),
    )
    between = (
        "type=Vehicle&timerel=between&timeAt=2019-01-01T00:00:00Z&endTimeAt={}-01-01T00:00:00Z"
    )
    assert (ids(api, between.format(2021)), ids(api, between.format(2019))) == ({"observed"}, set())


def test_registrations_come_in_pages(api: ApiClient) -> None:
    for number in range(5):
        register(api, id=f"urn:r:{number}")
    answer = api.get(f"{PLACE}?type=Vehicle&limit=2&offset=2&count=true")
    assert [each["id"] for each in answer.json()] == ["urn:r:2", "urn:r:3"]
    assert answer.headers["ngsild-results-count"] == "5"
    assert 'rel="next"' in answer.headers["link"] and 'rel="prev"' in answer.headers["link"]


def test_names_are_shown_in_the_terms_of_the_reader(api: ApiClient) -> None:
    register(api, information=[{"propertyNames": ["https://x.example/speed"]}])
    assert api.get(f"{PLACE}/{ID}").json()["information"][0]["propertyNames"] == [
        "https://x.example/speed"
    ]


def test_tenants_have_registrations_of_their_own(api: ApiClient) -> None:
    other = {"ngsild-tenant": "other"}
    answer = api.post(PLACE, json=registration(), headers=other)
    assert answer.status_code == 201
    assert api.get(f"{PLACE}/{ID}").status_code == 404
    assert api.get(f"{PLACE}/{ID}", headers=other).status_code == 200


def test_only_the_operator_sees_what_is_conveyed_to_a_source(city_api: ApiClient) -> None:
    operator = {"authorization": "Bearer secret"}
    info = [{"key": "Authorization", "value": "Bearer of-the-source"}]
    body = registration(contextSourceInfo=info)
    assert city_api.post(PLACE, json=body).status_code == 401
    assert city_api.post(PLACE, json=body, headers=operator).status_code == 201
    mine = city_api.get(f"{PLACE}/{ID}", headers=operator).json()
    assert mine["contextSourceInfo"] == info
    for place in (f"{PLACE}/{ID}", f"{PLACE}?type=Vehicle"):
        assert "of-the-source" not in city_api.get(place).text


def test_a_node_says_who_it_is(api: ApiClient) -> None:
    own = api.get("/info/sourceIdentity").json()
    assert own["type"] == "ContextSourceIdentity"
    assert own["id"].startswith("urn:ngsi-ld:ContextSourceIdentity:")
    assert re.fullmatch(r"P(T\d+S|.+)", own["contextSourceUptime"])
    assert own["contextSourceTimeAt"].endswith("Z")
    other = api.get("/info/sourceIdentity", headers={"ngsild-tenant": "other"}).json()
    assert other["contextSourceAlias"] == own["contextSourceAlias"] + "~other"
