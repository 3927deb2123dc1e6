"""``/jsonldContexts/``: @contexts left by clients, listed, served, used, removed (5.13, 6.29, 6.30)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.web.api.call import Call
from hansa.web.api.contexts import lasting_url
from tests.web.api.client import ApiClient, problem_of

PLACE = "/jsonldContexts"
TERMS = {"moisture": "https://example.org/ns#moisture"}
CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
COPY = "https://example.org/copy.jsonld"
BASE = "http://127.0.0.1:1356"


def add(api: ApiClient, context: Any = TERMS, **more: Any) -> str:
    response = api.post(PLACE, {"@context": context, "note": "thrown away"}, **more)
    assert response.status_code == 201, response.text
    assert response.content == b""
    return str(response.headers["location"])


def at(location: str) -> str:
    return location.removeprefix("/ngsi-ld/v1")


def listed(api: ApiClient, parameters: str = "", **more: Any) -> Any:
    response = api.get(PLACE + parameters, **more)
    assert response.status_code == 200, response.text
    return response.json()


def details(api: ApiClient, id: str) -> dict[str, Any]:
    response = api.get(f"{PLACE}/{quote(id, safe='')}?details=true")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def link(url: str) -> dict[str, str]:
    return {"link": f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"'}


@pytest.fixture
def preloaded(tmp_path: Path) -> Any:
    """A node that has an @context in a file, and the file."""
    file = tmp_path / "copy.jsonld"
    file.write_bytes(orjson.dumps({"@context": TERMS}))
    settings = Settings(dev=True, context="core", contexts={COPY: str(file)})
    node = Node.open(tmp_path / "node", settings)
    with TestClient(node.app, base_url=BASE) as client:
        yield ApiClient(node, client), file
    node.close()


# -- add and serve ----------------------------------------------------------------------------------


def test_what_a_client_leaves_is_served_as_it_was(api: ApiClient) -> None:
    location = add(api)
    served = api.get(at(location))
    assert served.json() == {"@context": TERMS}
    assert served.headers["content-type"] == "application/json"
    linked = api.get(at(location), headers={"accept": "application/ld+json"})
    assert linked.headers["content-type"] == "application/ld+json"
    assert add(api) != location


@pytest.mark.parametrize("body", [TERMS, [TERMS], "text", {}])
def test_a_body_without_an_at_context_is_refused(api: ApiClient, body: Any) -> None:
    assert problem_of(api.post(PLACE, body)) == (400, "InvalidRequest")


@pytest.mark.parametrize(
    "context",
    [5, True, None, [COPY, 7], "no url", ["no url"], [[COPY]], {"a": 5}, {"@context": {}}],
)
def test_what_is_no_context_is_refused(api: ApiClient, context: Any) -> None:
    response = api.post(PLACE, {"@context": context})
    assert problem_of(response) == (400, "BadRequestData")
    assert "location" not in response.headers


def test_it_is_understood_without_a_fetch_in_a_link_a_body_and_another_context(
    api: ApiClient,
) -> None:
    url = BASE + add(api)
    entity = {"id": "urn:x:1", "type": "Field", "moisture": 5}
    assert api.post("/entities", entity, headers=link(url)).status_code == 201
    inside = {**entity, "id": "urn:x:2", "@context": [url, CORE]}
    assert api.post("/entities", inside, type="application/ld+json").status_code == 201
    around = BASE + add(api, [url])
    last = {**entity, "id": "urn:x:3"}
    assert api.post("/entities", last, headers=link(around)).status_code == 201
    for id in ("urn:x:1", "urn:x:2", "urn:x:3"):
        assert TERMS["moisture"] in api.get(f"/entities/{id}").json()
    answer = api.get("/entities/urn:x:1", headers={**link(url), "accept": "application/ld+json"})
    assert answer.json()["@context"] == url
    assert answer.json()["moisture"]["value"] == 5


def test_one_that_is_gone_is_not_available(api: ApiClient) -> None:
    location = add(api)
    api.post("/entities", {"id": "urn:x:1", "type": "T"}, headers=link(BASE + location))
    assert api.delete(at(location)).status_code == 204
    assert problem_of(api.get(at(location))) == (404, "ResourceNotFound")
    used = api.get("/entities/urn:x:1", headers=link(BASE + location))
    assert problem_of(used) == (504, "LdContextNotAvailable")
    assert problem_of(api.delete(at(location))) == (404, "ResourceNotFound")


def test_it_survives_a_restart_and_another_address(tmp_path: Path) -> None:
    settings = Settings(dev=True, context="core")
    node = Node.open(tmp_path / "node", settings)
    with TestClient(node.app, base_url=BASE) as client:
        location = add(ApiClient(node, client))
        around = add(ApiClient(node, client), [BASE + location, {"@import": BASE + location}])
    node.close()
    settings = Settings(dev=True, context="core", hosts=("city.example",))
    node = Node.open(tmp_path / "node", settings)
    moved = "https://city.example"
    with TestClient(node.app, base_url=moved) as client:
        api = ApiClient(node, client)
        assert api.get(at(location)).json() == {"@context": TERMS}
        shown = api.get(at(around)).json()["@context"]
        assert shown == [moved + location, {"@import": moved + location}]
        body = {"id": "urn:x:1", "type": "T", "moisture": 1}
        assert api.post("/entities", body, headers=link(moved + around)).status_code == 201
        assert TERMS["moisture"] in api.get("/entities/urn:x:1").json()
    node.close()


def test_only_those_who_may_write_may_leave_or_remove_one(city_api: ApiClient) -> None:
    assert problem_of(city_api.post(PLACE, {"@context": TERMS}))[0] == 401
    location = add(city_api, headers={"authorization": "Bearer secret"})
    assert city_api.get(at(location)).json() == {"@context": TERMS}
    assert problem_of(city_api.delete(at(location)))[0] == 401


# -- list -------------------------------------------------------------------------------------------


def test_the_list_names_what_is_held_by_kind(api: ApiClient) -> None:
    location = add(api)
    assert BASE + location in listed(api)
    assert listed(api, "?kind=Hosted") == [BASE + location, BASE + "/contexts/city.jsonld"]
    assert listed(api, "?kind=Cached") == [CORE]
    assert listed(api, "?kind=ImplicitlyCreated") == []


def test_details_say_when_it_came_and_how_often_it_was_of_use(api: ApiClient) -> None:
    location = add(api)
    id = location.rsplit("/", 1)[-1]
    (found, _) = listed(api, "?kind=Hosted&details=true")
    assert found == details(api, id)
    assert (found["URL"], found["localId"], found["kind"]) == (BASE + location, id, "Hosted")
    assert found["createdAt"] > "2026"
    assert found["numberOfHits"] == 0
    assert "lastUsage" not in found
    for n in range(3):
        entity = {"id": f"urn:x:{n}", "type": "T"}
        api.post("/entities", entity, headers=link(BASE + location))
    again = details(api, id)
    assert again["numberOfHits"] == 3
    assert again["lastUsage"] > "2026"


def test_asking_about_one_that_the_node_keeps_finds_it_once_more(api: ApiClient) -> None:
    entity = {"id": "urn:x:1", "type": "T", "moisture": 1, "@context": [TERMS, CORE]}
    api.post("/entities", entity, type="application/ld+json")
    body = {"type": "Query", "entities": [{"type": "T"}], "@context": [TERMS, CORE]}
    answer = api.post("/entityOperations/query", body, type="application/ld+json")
    id = answer.headers["link"].partition(">")[0].rpartition("/")[2]
    first, second = details(api, id)["numberOfHits"], details(api, id)["numberOfHits"]
    assert second == first + 1
    hosted = add(api).rsplit("/", 1)[-1]
    assert [details(api, hosted)["numberOfHits"] for _ in range(2)] == [0, 0]


@pytest.mark.parametrize("query", ["?kind=other", "?details=other", "?kind=hosted", "?details="])
def test_a_wrong_parameter_is_refused(api: ApiClient, query: str) -> None:
    assert problem_of(api.get(PLACE + query)) == (400, "BadRequestData")


def test_what_an_answer_has_to_name_is_implicitly_created(api: ApiClient) -> None:
    entity = {"id": "urn:x:1", "type": "T", "moisture": 1, "@context": [TERMS, CORE]}
    api.post("/entities", entity, type="application/ld+json")
    body = {"type": "Query", "entities": [{"type": "T"}], "@context": [TERMS, CORE]}
    answer = api.post("/entityOperations/query", body, type="application/ld+json")
    url = answer.headers["link"].partition(">")[0].removeprefix("<")
    assert listed(api, "?kind=ImplicitlyCreated") == [url]
    served = api.get(url.removeprefix(BASE + "/ngsi-ld/v1"))
    assert served.json() == {"@context": [TERMS, CORE]}
    found = api.get("/entities/urn:x:1", headers=link(url)).json()
    assert found["moisture"]["value"] == 1
    id = url.rsplit("/", 1)[-1]
    assert problem_of(api.delete(f"{PLACE}/{id}?reload=true")) == (400, "BadRequestData")
    assert api.delete(f"{PLACE}/{id}").status_code == 204
    assert listed(api, "?kind=ImplicitlyCreated") == []


def closed_over(app: Any) -> Iterator[Any]:
    """What a function and the functions that it wraps hold on to."""
    for cell in getattr(app, "__closure__", None) or ():
        yield cell.cell_contents
        yield from closed_over(cell.cell_contents)


def test_what_outlives_a_request_is_stored(tmp_path: Path) -> None:
    settings = Settings(dev=True, context="core")
    node = Node.open(tmp_path / "node", settings)
    with TestClient(node.app, base_url=BASE) as client:
        # The application has no other handle on its service.
        backend = next(part for part in closed_over(client.app) if hasattr(part, "commits"))
        scope = {"method": "GET", "headers": [(b"host", b"127.0.0.1:1356")], "query_string": b""}

        async def keep() -> str:
            call = Call(backend, scope, None, (), frozenset())  # type: ignore[arg-type]
            context = await backend.context([TERMS, CORE], BASE)
            return await lasting_url(call, call.writer(), context)

        url = asyncio.run(keep())
    node.close()
    node = Node.open(tmp_path / "node", settings)
    with TestClient(node.app, base_url=BASE) as client:
        api = ApiClient(node, client)
        assert listed(api, "?kind=ImplicitlyCreated") == [url]
        assert api.get(at(url.removeprefix(BASE))).json() == {"@context": [TERMS, CORE]}
    node.close()


# -- tenants ----------------------------------------------------------------------------------------


def test_another_tenant_neither_finds_lists_uses_nor_removes_it(api: ApiClient) -> None:
    one, other = ({"ngsild-tenant": name} for name in ("one", "other"))
    api.post("/entities", {"id": "urn:x:1", "type": "T", "moisture": 1}, headers=other)
    location = add(api, headers=one)
    for headers in ({}, other):
        assert problem_of(api.get(at(location), headers=headers))[0] == 404
        assert problem_of(api.get(at(location) + "?details=true", headers=headers))[0] == 404
        assert problem_of(api.delete(at(location), headers=headers))[0] == 404
        assert BASE + location not in listed(api, headers=headers)
        for name in (BASE + location, location, f"{location}#one", f"{BASE}{location}#one"):
            used = api.post(
                "/entityOperations/query",
                {"type": "Query", "entities": [{"type": "T"}], "@context": [name]},
                type="application/ld+json",
                headers=headers,
            )
            assert problem_of(used) == (504, "LdContextNotAvailable"), name
    assert BASE + location in listed(api, headers=one)
    answer = api.post(
        "/entities", {"id": "urn:x:2", "type": "T"}, headers={**one, **link(BASE + location)}
    )
    assert answer.status_code == 201
    assert api.delete(at(location), headers=one).status_code == 204


def test_a_tenant_that_does_not_exist_holds_nothing(api: ApiClient) -> None:
    response = api.get(PLACE, headers={"ngsild-tenant": "nobody"})
    assert problem_of(response) == (404, "NonexistentTenant")


# -- copies, and what belongs to the node -----------------------------------------------------------


def test_a_copy_is_described_but_not_given_on(preloaded: Any) -> None:
    api, _ = preloaded
    assert listed(api, "?kind=Cached") == [CORE, COPY]
    found = details(api, COPY)
    assert (found["URL"], found["kind"]) == (COPY, "Cached")
    again = details(api, found["localId"])
    assert again == {**found, "numberOfHits": again["numberOfHits"]}
    response = api.get(f"{PLACE}/{found['localId']}")
    assert problem_of(response) == (422, "OperationNotSupported")


def test_a_preloaded_copy_is_dropped_until_it_is_needed_again(preloaded: Any) -> None:
    api, _ = preloaded
    api.post("/entities", {"id": "urn:x:1", "type": "T", "moisture": 1}, headers=link(COPY))
    assert api.delete(f"{PLACE}/{quote(COPY, safe='')}").status_code == 204
    assert listed(api, "?kind=Cached") == [CORE]
    assert problem_of(api.get(f"{PLACE}/{quote(COPY, safe='')}?details=true"))[0] == 404
    assert "moisture" in api.get("/entities/urn:x:1", headers=link(COPY)).json()
    assert listed(api, "?kind=Cached") == [CORE, COPY]


def test_a_preloaded_copy_is_read_again(preloaded: Any) -> None:
    api, file = preloaded
    api.post("/entities", {"id": "urn:x:1", "type": "T", "moisture": 1}, headers=link(COPY))
    file.write_bytes(orjson.dumps({"@context": {"wet": TERMS["moisture"]}}))
    reload = f"{PLACE}/{quote(COPY, safe='')}?reload=true"
    assert api.delete(reload).status_code == 204
    assert "wet" in api.get("/entities/urn:x:1", headers=link(COPY)).json()
    for content in (b"{", b'{"@context": 5}'):
        file.write_bytes(content)
        assert problem_of(api.delete(reload)) == (504, "LdContextNotAvailable")
        assert "wet" in api.get("/entities/urn:x:1", headers=link(COPY)).json()
    assert problem_of(api.delete(reload.replace("true", "xxx"))) == (400, "BadRequestData")


def test_what_is_part_of_the_node_stays(api: ApiClient) -> None:
    core = f"{PLACE}/{quote(CORE, safe='')}"
    assert problem_of(api.delete(core)) == (400, "BadRequestData")
    assert api.delete(core + "?reload=true").status_code == 204
    assert details(api, CORE)["kind"] == "Cached"
    (city,) = listed(api, "?kind=Hosted&details=true")
    assert problem_of(api.delete(f"{PLACE}/{city['localId']}")) == (400, "BadRequestData")
    reload = api.delete(f"{PLACE}/{city['localId']}?reload=true")
    assert problem_of(reload) == (400, "BadRequestData")
    assert "Vehicle" in api.get(f"{PLACE}/{city['localId']}").json()["@context"]


@pytest.mark.parametrize("query", ["", "?reload=false", "?reload=true"])
def test_what_is_not_held_is_not_found(api: ApiClient, query: str) -> None:
    assert problem_of(api.delete(f"{PLACE}/none{query}")) == (404, "ResourceNotFound")
    assert problem_of(api.get(f"{PLACE}/none?details=true")) == (404, "ResourceNotFound")


def test_the_identifier_must_not_be_missing(api: ApiClient) -> None:
    assert problem_of(api.delete(PLACE + "/")) == (400, "BadRequestData")
