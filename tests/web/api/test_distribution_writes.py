"""Writes over several brokers: what goes where, and what the client is told (clauses 4.3.6 and 5.6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.api.client import ApiClient
from tests.web.api.source import MockSource, mock_source

CAR = "urn:ngsi-ld:Car:1"
OPS = ["redirectionOps"]
BATCH_OPS = ["createBatch", "upsertBatch", "updateBatch", "mergeBatch", "deleteBatch"]


@pytest.fixture
def source() -> Iterator[MockSource]:
    with mock_source() as found:
        yield found


def register(api: ApiClient, source: MockSource, mode: str = "inclusive", **members: Any) -> None:
    entity = {"type": "Car", "id": CAR} if mode == "exclusive" else {"type": "Car"}
    info: dict[str, Any] = {"entities": [entity]}
    if mode == "exclusive":
        info["propertyNames"] = ["speed"]
    body = {
        "id": f"urn:r:{mode}",
        "type": "ContextSourceRegistration",
        "information": [info],
        "endpoint": source.url,
        "mode": mode,
        "operations": OPS,
        "management": {"timeout": 2000},
    }
    answer = api.post("/csourceRegistrations", json=body | members)
    assert answer.status_code == 201, answer.text


def car(id: str = CAR, /, **attributes: Any) -> dict[str, Any]:
    made = {name: {"type": "Property", "value": value} for name, value in attributes.items()}
    return {"id": id, "type": "Car", **made}


def here(api: ApiClient, id: str = CAR) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/entities/{id}?local=true&options=keyValues").json()
    return found


def test_what_is_exclusive_is_written_there_alone(api: ApiClient, source: MockSource) -> None:
    register(api, source, "exclusive")
    source.says("POST", "/entities", status=201)
    answer = api.post("/entities", json=car(speed=3, colour="red"))
    assert (answer.status_code, answer.headers["location"]) == (201, f"/ngsi-ld/v1/entities/{CAR}")
    assert source.only("POST").body == car(speed=3)
    assert here(api) == {"id": CAR, "type": "Car", "colour": "red"}


def test_what_is_redirected_is_not_kept_here(api: ApiClient, source: MockSource) -> None:
    register(api, source, "redirect")
    source.says("POST", "/entities", status=201)
    assert api.post("/entities", json=car(speed=3)).status_code == 201
    assert source.only("POST").body == car(speed=3)
    assert api.get(f"/entities/{CAR}?local=true").status_code == 404


def test_what_is_inclusive_is_written_everywhere(api: ApiClient, source: MockSource) -> None:
    register(api, source)
    source.says("POST", "/entities", status=201)
    assert api.post("/entities", json=car(speed=3)).status_code == 201
    assert source.only("POST").body == car(speed=3)
    assert here(api)["speed"] == 3


def test_nothing_goes_to_auxiliary_sources_or_with_local(
    api: ApiClient, source: MockSource
) -> None:
    register(api, source, "auxiliary", operations=["retrieveOps"])
    assert api.post("/entities", json=car(speed=3)).status_code == 201
    register(api, source)
    assert api.delete(f"/entities/{CAR}?local=true").status_code == 204
    assert source.asked == []


def test_a_claim_without_the_operation_is_a_conflict(api: ApiClient, source: MockSource) -> None:
    register(api, source, "exclusive", operations=["retrieveOps"])
    answer = api.post("/entities", json=car(speed=3))
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "Conflict")
    partly = api.post("/entities", json=car(speed=3, colour="red"))
    assert partly.status_code == 207
    (error,) = partly.json()["errors"]
    assert (error["error"]["status"], error["registrationId"]) == (409, "urn:r:exclusive")
    assert (partly.json()["success"], here(api)["colour"]) == ([CAR], "red")
    assert source.asked == []


@pytest.mark.parametrize(("status", "told"), [(409, 409), (404, 404), (500, 502), (302, 502)])
def test_the_failure_of_the_only_source_is_the_answer(
    api: ApiClient, source: MockSource, status: int, told: int
) -> None:
    register(api, source, "redirect")
    source.says("POST", "/entities", status=status)
    answer = api.post("/entities", json=car(speed=3))
    assert answer.status_code == told
    assert answer.json()["registrationId"] == "urn:r:redirect"


def test_a_source_that_is_late_is_a_gateway_timeout(api: ApiClient, source: MockSource) -> None:
    register(api, source, "redirect", management={"timeout": 50})
    source.says("POST", "/entities", status=201, delay=0.5)
    assert api.post("/entities", json=car(speed=3)).status_code == 504


def test_half_a_success_is_told_as_such(api: ApiClient, source: MockSource) -> None:
    register(api, source)
    source.says("POST", "/entities", status=409)
    answer = api.post("/entities", json=car(speed=3))
    assert (answer.status_code, answer.json()["success"]) == (207, [CAR])
    source.says("POST", "/entities", status=201)
    again = api.post("/entities", json=car(speed=3)).json()
    assert [each["error"]["status"] for each in again["errors"]] == [409]
    assert "registrationId" not in again["errors"][0]


CHANGES = [
    ("PATCH", f"/entities/{CAR}", {"speed": 9}, "mergeEntity"),
    ("PUT", f"/entities/{CAR}", {"type": "Car", "speed": 9}, "replaceEntity"),
    ("POST", f"/entities/{CAR}/attrs/", {"speed": 9}, "appendAttrs"),
    ("PATCH", f"/entities/{CAR}/attrs/", {"speed": 9}, "updateEntity"),
    ("PATCH", f"/entities/{CAR}/attrs/speed", {"value": 9}, "updateAttrs"),
    ("PUT", f"/entities/{CAR}/attrs/speed", {"type": "Property", "value": 9}, "replaceAttrs"),
    ("DELETE", f"/entities/{CAR}/attrs/speed", None, "deleteAttrs"),
    ("DELETE", f"/entities/{CAR}", None, "deleteEntity"),
]


@pytest.mark.parametrize(("method", "path", "body", "operation"), CHANGES)
@pytest.mark.parametrize("mode", ["inclusive", "exclusive", "redirect"])
def test_every_change_reaches_those_who_offer_it(
    api: ApiClient,
    source: MockSource,
    mode: str,
    method: str,
    path: str,
    body: Any,
    operation: str,
) -> None:
    if mode == "inclusive":
        api.post("/entities", json=car(speed=1))
    register(api, source, mode, operations=[operation])
    source.says(method, path, status=204)
    answer = api.request(method, path, body)
    assert answer.status_code == 204, answer.text
    assert source.only(method).body == body
    if mode == "inclusive" and operation not in ("deleteEntity", "deleteAttrs"):
        assert here(api)["speed"] == 9


@pytest.mark.parametrize(("method", "path", "body", "operation"), CHANGES)
def test_a_change_that_a_source_does_not_offer_stays_here(
    api: ApiClient, source: MockSource, method: str, path: str, body: Any, operation: str
) -> None:
    api.post("/entities", json=car(speed=1))
    register(api, source, operations=["retrieveOps"])
    assert api.request(method, path, body).status_code == 204
    assert source.asked == []


def test_options_and_names_go_along(api: ApiClient, source: MockSource) -> None:
    api.post("/entities", json=car(speed=1))
    register(api, source)
    path = f"/entities/{CAR}/attrs/"
    source.says("POST", path, status=207)
    answer = api.post(f"{path}?options=noOverwrite", json={"speed": 9, "colour": "red"})
    assert answer.status_code == 207
    assert source.only("POST").query == {"options": "noOverwrite"}
    missed = {each["attributeName"].rpartition("/")[2] for each in answer.json()["notUpdated"]}
    assert missed == {"speed", "colour"}
    assert here(api) == {"id": CAR, "type": "Car", "speed": 1, "colour": "red"}


def test_a_change_of_what_is_nowhere_is_not_found(api: ApiClient, source: MockSource) -> None:
    register(api, source, information=[{"entities": [{"type": "Boat"}]}])
    assert api.patch(f"/entities/{CAR}?type=Car", {"speed": 9}).status_code == 404
    assert source.asked == []


def test_a_write_that_comes_back_is_a_loop(api: ApiClient, source: MockSource) -> None:
    own = api.get("/info/sourceIdentity").json()["contextSourceAlias"]
    register(api, source, "redirect")
    via = {"via": f"1.1 {own}"}
    assert api.post("/entities", json=car(speed=3), headers=via).status_code == 508
    assert api.delete("/csourceRegistrations/urn:r:redirect").status_code == 204
    register(api, source)
    assert api.post("/entities", json=car(speed=3), headers=via).status_code == 201
    assert source.asked == []


def test_a_purge_goes_to_those_who_offer_it(api: ApiClient, source: MockSource) -> None:
    api.post("/entities", json=car(speed=1))
    register(api, source)
    source.says("DELETE", "/entities", status=204)
    assert api.delete("/entities?type=Car&q=speed==1&drop=speed").status_code == 204
    assert source.only("DELETE").query == {"type": "Car", "q": "speed==1", "drop": "speed"}
    assert here(api) == {"id": CAR, "type": "Car"}


def test_payloads_are_sent_in_the_words_of_the_source(api: ApiClient, source: MockSource) -> None:
    info = [{"entities": [{"type": "https://x.example/Car"}]}]
    register(api, source, information=info)
    source.says("POST", "/entities", status=201)
    body = {
        "id": CAR,
        "type": "Car",
        "speed": {"type": "Property", "value": {"speed": 1}, "accuracy": 2},
        "kind": {"type": "VocabProperty", "vocab": "fast"},
        "@context": {
            "Car": "https://x.example/Car",
            "speed": "https://x.example/speed",
            "accuracy": "https://x.example/accuracy",
            "fast": "https://x.example/fast",
        },
    }
    assert api.post("/entities", body, type="application/ld+json").status_code == 201
    sent = source.only("POST").body
    assert sent["type"] == "https://x.example/Car"
    assert sent["https://x.example/speed"] == {
        "type": "Property",
        "value": {"speed": 1},
        "https://x.example/accuracy": 2,
    }
    assert sent["kind"]["vocab"] == "https://x.example/fast"
    assert "@context" not in sent


def test_payloads_conform_to_the_version_that_a_source_knows(
    api: ApiClient, source: MockSource
) -> None:
    info = [{"key": "ngsildConformance", "value": "1.3"}]
    register(api, source, contextSourceInfo=info)
    source.says("POST", "/entities", status=201)
    name = {"type": "LanguageProperty", "languageMap": {"en": "red", "es": "rojo"}}
    body = car(speed=3) | {"name": name}
    assert api.post("/entities", body).status_code == 201
    sent = source.only("POST").body
    assert sent["speed"] == {"type": "Property", "value": 3}
    assert sent["name"]["type"] == "Property"


# -- batches ---------------------------------------------------------------------------------------


def test_a_batch_is_one_request_to_each_source(api: ApiClient, source: MockSource) -> None:
    register(api, source, operations=BATCH_OPS)
    source.says("POST", "/entityOperations/create", ["urn:c:1", "urn:c:2"], 201)
    entities = [car("urn:c:1", speed=1), car("urn:c:2", speed=2)]
    boat = {"id": "urn:b:1", "type": "Boat"}
    answer = api.post("/entityOperations/create", json=[*entities, boat])
    assert (answer.status_code, set(answer.json())) == (201, {"urn:c:1", "urn:c:2", "urn:b:1"})
    assert source.only("POST").body == entities
    assert here(api, "urn:c:1")["speed"] == 1


def test_a_batch_is_cut_along_the_registrations(api: ApiClient, source: MockSource) -> None:
    register(api, source, "exclusive", operations=BATCH_OPS)
    source.says("POST", "/entityOperations/upsert", status=204)
    entities = [car(speed=1, colour="red"), car("urn:c:2", speed=2)]
    answer = api.post("/entityOperations/upsert", json=entities)
    assert (answer.status_code, set(answer.json())) == (201, {CAR, "urn:c:2"})
    assert source.only("POST").body == [car(speed=1)]
    assert "speed" not in here(api)
    assert here(api, "urn:c:2")["speed"] == 2


def test_a_source_without_the_batch_gets_one_request_each(
    api: ApiClient, source: MockSource
) -> None:
    register(api, source, "redirect")
    source.says("POST", "/entities", status=201)
    answer = api.post("/entityOperations/create", json=[car("urn:c:1"), car("urn:c:2")])
    assert (answer.status_code, len(source.asked)) == (201, 2)
    source.says("DELETE", "/entities/urn:c:1", status=204)
    source.says("DELETE", "/entities/urn:c:2", status=404)
    gone = api.post("/entityOperations/delete", json=["urn:c:1", "urn:c:2"])
    assert gone.status_code == 207
    assert gone.json()["success"] == ["urn:c:1"]
    assert [each["entityId"] for each in gone.json()["errors"]] == ["urn:c:2"]


@pytest.mark.parametrize(
    "said",
    [
        {"success": ["urn:c:1"], "errors": [{"entityId": "urn:c:2", "error": {"status": 409}}]},
        {"success": ["urn:c:1"], "errors": "nonsense"},
        {"success": ["urn:c:1"], "errors": [17, {"entityId": "urn:c:2", "error": []}]},
    ],
)
def test_what_a_source_says_of_each_entity_counts(
    api: ApiClient, source: MockSource, said: Any
) -> None:
    register(api, source, "redirect", operations=BATCH_OPS)
    source.says("POST", "/entityOperations/create", said, 207)
    answer = api.post("/entityOperations/create", json=[car("urn:c:1"), car("urn:c:2")])
    assert answer.status_code == 207
    assert answer.json()["success"] == ["urn:c:1"]
    assert [each["entityId"] for each in answer.json()["errors"]] == ["urn:c:2"]


def test_a_dead_source_fails_its_part_of_a_batch(api: ApiClient, source: MockSource) -> None:
    register(api, source, operations=BATCH_OPS, endpoint="http://127.0.0.1:9")
    answer = api.post("/entityOperations/create", json=[car("urn:c:1", speed=1)])
    assert (answer.status_code, answer.json()["success"]) == (207, ["urn:c:1"])
    assert answer.json()["errors"][0]["error"]["status"] == 502
    assert here(api, "urn:c:1")["speed"] == 1


@pytest.mark.parametrize("name", ["update", "merge"])
def test_batches_of_changes_reach_the_source(api: ApiClient, source: MockSource, name: str) -> None:
    api.post("/entities", json=car("urn:c:1", speed=1))
    register(api, source, operations=BATCH_OPS)
    source.says("POST", f"/entityOperations/{name}", status=204)
    body = [car("urn:c:1", speed=2)]
    assert api.post(f"/entityOperations/{name}", json=body).status_code == 204
    assert source.only("POST").body == body
    assert here(api, "urn:c:1")["speed"] == 2
