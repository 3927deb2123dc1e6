"""``/snapshots/`` and NGSILD-Snapshot: frozen, isolated, kept, cloned, purged, gone in time (5.16)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from hansa.hub.snapshots import RECORD
from hansa.kernel.clock import Clock
from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.store.port import Edited, Write
from tests.web.api.client import ApiClient, problem_of

PLACE = "/snapshots"
VEHICLES = {"type": "Query", "entities": [{"type": "Vehicle"}]}
TIME = {"timerel": "after", "timeAt": "2026-01-01T00:00:00Z"}
SUMS = {"aggrMethods": ["sum"]}
SINCE = {**VEHICLES, "temporalQ": TIME}
FAST = {**VEHICLES, "q": "speed>50"}
CONTEXT = {"Vehicle": "https://example.org/Vehicle", "speed": "https://example.org/speed"}


def make(api: ApiClient, *queries: Any, wait: bool = True, headers: Any = None, **more: Any) -> str:
    """The identifier of a new snapshot, once it is ready."""
    body = {"type": "Snapshot", "snapshotQueries": list(queries or [VEHICLES]), **more}
    response = api.post(PLACE, body, headers=headers or {})
    assert response.status_code == 201, response.text
    id = str(response.headers["location"]).removeprefix("/ngsi-ld/v1/snapshots/")
    if wait:
        ready(api, id, headers)
    return id


def ready(api: ApiClient, id: str, headers: Any = None) -> Any:
    for _ in range(500):
        found = status(api, id, headers)
        if found["snapshotStatus"] != "preparing":
            return found
        time.sleep(0.01)
    raise AssertionError(found)


def status(api: ApiClient, id: str, headers: Any = None) -> Any:
    response = api.get(f"{PLACE}/{id}", headers=headers or {})
    assert response.status_code == 200, response.text
    return response.json()


def within(id: str) -> dict[str, str]:
    return {"ngsild-snapshot": id}


def ids(api: ApiClient, id: str, query: str = "?type=Vehicle") -> list[str]:
    response = api.get("/entities" + query, headers=within(id))
    assert response.status_code == 200, response.text
    assert response.headers["ngsild-snapshot"] == id
    return sorted(entity["id"] for entity in response.json())


@pytest.fixture
def fleet(api: ApiClient) -> ApiClient:
    api.create("urn:v:fast", "Vehicle", speed=80, colour="red")
    api.create("urn:v:slow", "Vehicle", speed=30)
    api.create("urn:b:1", "Building", height=12)
    return api


# -- create, and what is in it ----------------------------------------------------------------------


def test_a_snapshot_freezes_what_its_queries_find(fleet: ApiClient) -> None:
    created = fleet.get("/entities/urn:v:fast?options=sysAttrs").json()
    id = make(fleet, FAST)
    found = status(fleet, id)
    assert (found["type"], found["snapshotStatus"], found["snapshotPriority"]) == (
        "Snapshot",
        "success",
        5,
    )
    assert found["snapshotQueriesDetails"] == [{"resultStatus": "success"}]
    assert found["snapshotQueries"] == [FAST]
    assert found["lastUsedAt"] == found["createdAt"] < found["expiresAt"]
    fleet.patch("/entities/urn:v:fast/attrs", {"speed": 10})
    fleet.delete("/entities/urn:v:slow")
    assert ids(fleet, id) == ["urn:v:fast"]
    frozen = fleet.get("/entities/urn:v:fast?options=sysAttrs", headers=within(id))
    assert frozen.json() == created
    assert problem_of(fleet.get("/entities/urn:v:slow", headers=within(id)))[0] == 404


def test_what_is_done_inside_stays_inside(fleet: ApiClient) -> None:
    id = make(fleet)
    fleet.patch("/entities/urn:v:fast/attrs", {"speed": 1}, headers=within(id))
    new = {"id": "urn:v:new", "type": "Vehicle", "speed": 5}
    assert fleet.post("/entities", new, headers=within(id)).status_code == 201
    assert fleet.delete("/entities/urn:v:slow", headers=within(id)).status_code == 204
    assert ids(fleet, id, "?type=Vehicle&q=speed<10") == ["urn:v:fast", "urn:v:new"]
    assert fleet.get("/entities/urn:v:fast").json()["speed"]["value"] == 80
    assert fleet.get("/entities/urn:v:slow").status_code == 200
    assert fleet.get("/entities/urn:v:new").status_code == 404
    types = fleet.get("/types", headers=within(id)).json()["typeList"]
    assert types == ["Vehicle"]


def test_several_queries_and_what_each_shows(fleet: ApiClient) -> None:
    speeds, colours = {**VEHICLES, "attrs": ["speed"]}, {**FAST, "pick": ["id", "type", "colour"]}
    nothing = {"type": "Query", "entities": [{"type": "Ship"}]}
    id = make(fleet, speeds, colours, nothing)
    found = status(fleet, id)
    assert found["snapshotStatus"] == "partial"
    assert [d["resultStatus"] for d in found["snapshotQueriesDetails"]] == [
        "success",
        "success",
        "empty",
    ]
    fast = fleet.get("/entities/urn:v:fast?options=keyValues", headers=within(id)).json()
    assert fast == {"id": "urn:v:fast", "type": "Vehicle", "speed": 80, "colour": "red"}
    plain = make(fleet, {**VEHICLES, "omit": ["speed"]})
    assert "speed" not in fleet.get("/entities/urn:v:fast", headers=within(plain)).json()


def test_one_that_finds_nothing_is_empty(fleet: ApiClient) -> None:
    id = make(fleet, {"type": "Query", "entities": [{"type": "Ship"}]})
    assert status(fleet, id)["snapshotStatus"] == "empty"
    assert ids(fleet, id, "?local=true") == []


def test_many_entities_are_all_there(api: ApiClient) -> None:
    fleet = [{"id": f"urn:v:{n}", "type": "Vehicle", "speed": n} for n in range(2500)]
    api.post("/entityOperations/create", fleet)
    id = make(api)
    counted = api.get("/entities?type=Vehicle&limit=0&count=true", headers=within(id))
    assert counted.headers["ngsild-results-count"] == "2500"


def test_queries_are_read_and_shown_in_their_own_terms(api: ApiClient) -> None:
    entity = {"id": "urn:v:1", "type": "Vehicle", "speed": 80, "@context": CONTEXT}
    api.post("/entities", entity, type="application/ld+json")
    body = {"type": "Snapshot", "snapshotQueries": [FAST], "@context": CONTEXT}
    response = api.post(PLACE, body, type="application/ld+json")
    id = response.headers["location"].rsplit("/", 1)[-1]
    assert ready(api, id)["snapshotStatus"] == "success"
    linked = api.get(f"{PLACE}/{id}", headers={"accept": "application/ld+json"}).json()
    assert linked["@context"] == CONTEXT
    assert linked["snapshotQueries"] == [FAST]


@pytest.mark.parametrize(
    "body",
    [
        {"type": "Snapshot"},
        {"type": "Snapshot", "snapshotQueries": []},
        {"type": "Snapshot", "snapshotQueries": {}},
        {"type": "Snapshot", "snapshotTemporalQueries": []},
        {"type": "Snapshot", "snapshotTemporalQueries": [VEHICLES]},
        {"type": "Snapshot", "snapshotTemporalQueries": [{**VEHICLES, "temporalQ": {}}]},
        {"type": "Snapshot", "snapshotQueries": [{**VEHICLES, "join": "sideways"}]},
        {"type": "Snapshot", "snapshotQueries": [5]},
        {"type": "Snapshot", "snapshotQueries": [{"type": "Query"}]},
        {"type": "Snapshot", "snapshotQueries": [{**VEHICLES, "q": "speed>"}]},
        {"type": "Snapshot", "snapshotQueries": [{**VEHICLES, "temporalQ": {"timerel": "before"}}]},
        {"type": "Snapshot", "snapshotQueries": [VEHICLES], "id": "no uri"},
        {"type": "Snapshot", "snapshotQueries": [VEHICLES], "snapshotPriority": 11},
        {"type": "Snapshot", "snapshotQueries": [VEHICLES], "snapshotPriority": True},
        {"type": "Snapshot", "snapshotQueries": [VEHICLES], "snapshotLifetime": "one day"},
        {"type": "Snapshot", "snapshotQueries": [VEHICLES], "snapshotLifetime": "PT0S"},
        {"type": "Snapshot", "snapshotQueries": [VEHICLES], "snapshotLifetime": "P9000Y"},
        {"type": "Snapshot", "snapshotQueries": [VEHICLES], "snapshotStatus": "success"},
        {"type": "Snapshot", "snapshotQueries": [VEHICLES], "endpoint": "http://x"},
        {"type": "Snapshot", "snapshotQueries": [VEHICLES], "endpoint": {"uri": "ftp://x"}},
        {"type": "Snapshot", "snapshotQueries": [VEHICLES], "receiverInfo": {}},
        {"type": "Snapshot", "snapshotQueries": [VEHICLES], "other": 1},
        {"type": "Other", "snapshotQueries": [VEHICLES]},
        [],
    ],
)
def test_what_is_no_snapshot_is_refused(api: ApiClient, body: Any) -> None:
    assert problem_of(api.post(PLACE, body))[0] == 400
    assert problem_of(api.delete(PLACE + "?q=snapshotPriority>0"))[0] == 404


def test_what_is_not_offered_is_said(api: ApiClient) -> None:
    for body in (
        {"type": "Snapshot", "snapshotTemporalQueries": [{**SINCE, "aggrParams": SUMS}]},
        {"type": "Snapshot", "snapshotTemporalQueries": [{**SINCE, "temporalQ": TIME | SUMS}]},
    ):
        assert problem_of(api.post(PLACE, body)) == (422, "OperationNotSupported")


def test_an_identifier_of_one_s_own_is_taken_once(fleet: ApiClient) -> None:
    assert make(fleet, id="urn:x:before-the-strike") == "urn:x:before-the-strike"
    body = {"type": "Snapshot", "snapshotQueries": [VEHICLES], "id": "urn:x:before-the-strike"}
    assert problem_of(fleet.post(PLACE, body)) == (409, "AlreadyExists")
    assert ids(fleet, "urn:x:before-the-strike") == ["urn:v:fast", "urn:v:slow"]


# -- entering ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id", "status"), [("urn:ngsi-ld:snapshot:absent", 404), ("absent", 400), ("urn:x y", 400)]
)
def test_one_that_is_not_there_cannot_be_entered(fleet: ApiClient, id: str, status: int) -> None:
    for path in ("/entities?type=Vehicle", "/entities/urn:v:fast", "/types"):
        assert problem_of(fleet.get(path, headers=within(id)))[0] == status
    assert problem_of(fleet.get(f"{PLACE}/{id}"))[0] == status
    assert problem_of(fleet.delete(f"{PLACE}/{id}"))[0] == status


@pytest.mark.parametrize("path", ["/snapshots/urn:x:1", "/jsonldContexts"])
def test_what_is_no_part_of_a_snapshot_is_refused_inside(fleet: ApiClient, path: str) -> None:
    refused = fleet.get(path, headers=within(make(fleet)))
    assert problem_of(refused) == (422, "OperationNotSupported")


def test_one_that_is_being_prepared_cannot_be_entered(api: ApiClient) -> None:
    many = [{"id": f"urn:v:{n}", "type": "Vehicle", "speed": n} for n in range(5000)]
    api.post("/entityOperations/create", many)
    id = make(api, wait=False)
    first = api.get("/entities?type=Vehicle", headers=within(id))
    assert first.status_code in (200, 409)
    ready(api, id)
    assert api.get("/entities?type=Vehicle", headers=within(id)).status_code == 200


def test_tenants_have_their_own(api: ApiClient) -> None:
    one = {"ngsild-tenant": "one"}
    api.post("/entities", {"id": "urn:v:1", "type": "Vehicle"}, headers=one)
    api.create("urn:v:2", "Vehicle")
    id = make(api, headers=one)
    assert problem_of(api.get("/entities?type=Vehicle", headers=within(id)))[0] == 404
    found = api.get("/entities?type=Vehicle", headers={**one, **within(id)})
    assert [entity["id"] for entity in found.json()] == ["urn:v:1"]
    assert (found.headers["ngsild-tenant"], found.headers["ngsild-snapshot"]) == ("one", id)


def test_only_the_operator_makes_them_and_anyone_reads_the_city_s(city_api: ApiClient) -> None:
    operator = {"authorization": "Bearer secret"}
    entity = {"id": "urn:v:1", "type": "Vehicle"}
    city_api.post("/entities", entity, headers=operator)
    body = {"type": "Snapshot", "snapshotQueries": [VEHICLES]}
    assert problem_of(city_api.post(PLACE, body))[0] == 401
    id = make(city_api, headers=operator)
    assert ids(city_api, id) == ["urn:v:1"]
    inside = city_api.post("/entities", {**entity, "id": "urn:v:2"}, headers=within(id))
    assert problem_of(inside)[0] == 401
    assert problem_of(city_api.delete(f"{PLACE}/{id}"))[0] == 401
    assert problem_of(city_api.delete(f"{PLACE}?q=snapshotPriority>0"))[0] == 401


# -- update, clone, delete, purge -------------------------------------------------------------------


def test_priority_and_lifetime_can_be_changed(fleet: ApiClient) -> None:
    id = make(fleet)
    before = status(fleet, id)
    response = fleet.patch(f"{PLACE}/{id}", {"snapshotPriority": 2, "snapshotLifetime": "P30D"})
    assert response.status_code == 200
    after = response.json()
    assert after["snapshotPriority"] == 2
    assert after["expiresAt"] > before["expiresAt"]
    assert status(fleet, id) == after


@pytest.mark.parametrize(
    "fragment",
    [
        {"snapshotQueries": []},
        {"snapshotStatus": "failure"},
        {"expiresAt": "2030-01-01T00:00:00Z"},
        {"id": "urn:other"},
        {"snapshotPriority": 0},
        {"type": "Entity"},
        [],
    ],
)
def test_nothing_else_can_be_changed(fleet: ApiClient, fragment: Any) -> None:
    id = make(fleet)
    assert problem_of(fleet.patch(f"{PLACE}/{id}", fragment))[0] == 400


def test_a_clone_goes_its_own_way(fleet: ApiClient) -> None:
    id = make(fleet, FAST)
    response = fleet.post(f"{PLACE}/{id}/clone", {"type": "Snapshot", "snapshotPriority": 9})
    assert response.status_code == 201
    copy = response.headers["location"].rsplit("/", 1)[-1]
    found = ready(fleet, copy)
    assert (found["snapshotStatus"], found["snapshotPriority"]) == ("success", 9)
    assert found["snapshotQueries"] == [FAST]
    fleet.patch("/entities/urn:v:fast/attrs", {"speed": 1}, headers=within(copy))
    assert fleet.get("/entities/urn:v:fast", headers=within(id)).json()["speed"]["value"] == 80
    assert fleet.delete(f"{PLACE}/{id}").status_code == 204
    assert ids(fleet, copy) == ["urn:v:fast"]
    assert problem_of(fleet.post(f"{PLACE}/{id}/clone", {"type": "Snapshot"}))[0] == 404
    again = fleet.post(f"{PLACE}/{copy}/clone", {"type": "Snapshot", "id": copy})
    assert problem_of(again) == (409, "AlreadyExists")


def test_a_deleted_one_leaves_no_file(fleet: ApiClient) -> None:
    before = sorted(path.name for path in fleet.node.folder.store.iterdir())
    id = make(fleet)
    assert sorted(path.name for path in fleet.node.folder.store.iterdir()) != before
    assert fleet.delete(f"{PLACE}/{id}").status_code == 204
    assert sorted(path.name for path in fleet.node.folder.store.iterdir()) == before
    assert problem_of(fleet.get("/entities?type=Vehicle", headers=within(id)))[0] == 404
    assert make(fleet, FAST, id=id) == id
    assert ids(fleet, id) == ["urn:v:fast"]


def test_purging_takes_those_that_fit(fleet: ApiClient) -> None:
    low, high = make(fleet, snapshotPriority=2), make(fleet, snapshotPriority=9)
    assert problem_of(fleet.delete(PLACE)) == (400, "BadRequestData")
    for q in ("speed>50", "snapshotPriority.x>1", "snapshotPriority>", "a{b}==1"):
        response = fleet.delete(PLACE, params={"q": q})
        assert problem_of(response) == (400, "BadRequestData"), q
    q = 'snapshotPriority<5;snapshotStatus=="success"|expiresAt<2020-01-01T00:00:00Z'
    assert fleet.delete(PLACE, params={"q": q}).status_code == 204
    assert fleet.get(f"{PLACE}/{low}").status_code == 404
    assert ids(fleet, high) == ["urn:v:fast", "urn:v:slow"]
    assert problem_of(fleet.delete(PLACE, params={"q": q})) == (404, "ResourceNotFound")
    assert fleet.delete(PLACE, params={"q": 'id~="nothing"'}).status_code == 404
    soon = 'id~="^urn:";expiresAt>2020-01-01T00:00:00Z'
    assert fleet.delete(PLACE, params={"q": soon}).status_code == 204
    assert fleet.get(f"{PLACE}/{high}").status_code == 404


# -- time, restarts, room ---------------------------------------------------------------------------


def reopened(folder: Path, clock: Clock | None = None, **settings: Any) -> Node:
    node = Node.open(folder, Settings(dev=True, context="core", **settings))
    if clock is not None:
        node.close()
        node = Node(node.folder, node.settings, clock)
    return node


def test_it_survives_a_restart_and_ends_in_time(tmp_path: Path) -> None:
    node = reopened(tmp_path)
    with TestClient(node.app) as client:
        api = ApiClient(node, client)
        api.create("urn:v:1", "Vehicle", speed=80)
        id = make(api, snapshotLifetime="P2D")
    node.close()
    node = reopened(tmp_path, Clock(timedelta(days=1)))
    with TestClient(node.app) as client:
        api = ApiClient(node, client)
        before = status(api, id)
        assert ids(api, id) == ["urn:v:1"]
        for _ in range(300):
            if status(api, id)["lastUsedAt"] > before["lastUsedAt"]:
                break
            time.sleep(0.01)
        else:
            raise AssertionError(before)
    node.close()
    node = reopened(tmp_path, Clock(timedelta(days=3)))
    with TestClient(node.app) as client:
        api = ApiClient(node, client)
        refused = api.get("/entities?type=Vehicle", headers=within(id))
        assert problem_of(refused)[0] == 404
        assert [path.name for path in node.folder.databases] == ["default.sqlite"]
    node.close()


def test_what_was_half_done_has_failed(api: ApiClient) -> None:
    api.create("urn:v:1", "Vehicle")
    id = make(api)
    store = api.node.local_store()
    half = Write(id, lambda record: Edited({**(record or {}), "snapshotStatus": "preparing"}))
    store.write_records(RECORD, [half]).result()
    found = status(api, id)
    assert found["snapshotStatus"] == "failure"
    assert "stopped" in found["snapshotQueriesDetails"][0]["problemDetails"]["detail"]
    stored = orjson.loads(store.record(RECORD, id) or b"")
    assert stored["snapshotStatus"] == "failure"


def test_there_are_not_more_than_the_settings_allow(tmp_path: Path) -> None:
    node = reopened(tmp_path, snapshot_limit=2)
    with TestClient(node.app) as client:
        api = ApiClient(node, client)
        api.create("urn:v:1", "Vehicle")
        first, _ = make(api), make(api)
        body = {"type": "Snapshot", "snapshotQueries": [VEHICLES]}
        assert problem_of(api.post(PLACE, body)) == (403, "TooManyResults")
        api.delete(f"{PLACE}/{first}")
        make(api)
    node.close()


# -- telling ----------------------------------------------------------------------------------------


@pytest.fixture
def receiver() -> Iterator[tuple[str, Queue[Any]]]:
    """An address on loopback, and what is sent to it."""
    heard: Queue[Any] = Queue()

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            heard.put((dict(self.headers), orjson.loads(body)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Ear)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/told", heard
    server.shutdown()
    server.server_close()


def test_who_asked_is_told_when_it_is_ready_and_when_it_changes(
    fleet: ApiClient, receiver: tuple[str, Queue[Any]]
) -> None:
    uri, heard = receiver
    info = [{"key": "X-Token", "value": "abc"}]
    id = make(fleet, endpoint={"uri": uri}, receiverInfo=info)
    headers, message = heard.get(timeout=10)
    assert headers["X-Token"] == "abc"
    assert (message["type"], message["snapshotId"]) == ("SnapshotNotification", id)
    assert message["snapshotStatus"] == "success"
    fleet.patch(f"{PLACE}/{id}", {"snapshotPriority": 1})
    assert heard.get(timeout=10)[1]["snapshotPriority"] == 1
    gone = {"endpoint": "urn:ngsi-ld:null", "receiverInfo": "urn:ngsi-ld:null"}
    after = fleet.patch(f"{PLACE}/{id}", gone).json()
    assert after.keys().isdisjoint(gone)


def test_an_endpoint_that_is_dead_is_named_in_the_log(
    fleet: ApiClient, caplog: pytest.LogCaptureFixture
) -> None:
    make(fleet, endpoint={"uri": "http://127.0.0.1:9/dead"})
    for _ in range(300):
        if "its endpoint was not told" in caplog.text:
            return
        time.sleep(0.01)
    raise AssertionError(caplog.text)
