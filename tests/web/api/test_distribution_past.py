"""History over several brokers: read as one, summed up as one, and written where it belongs (5.7.3, 5.7.4, 5.6.11 ff.)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.api.client import ApiClient
from tests.web.api.source import MockSource, mock_source
from tests.web.api.test_distribution_reads import CAR, register, warnings

ONE = f"/temporal/entities/{CAR}"
ALL = "/temporal/entities"
SINCE = "timerel=after&timeAt=2026-01-01T00:00:00Z"
READS = ["retrieveTemporal", "queryTemporal"]
WRITES = [
    "upsertTemporal",
    "appendAttrsTemporal",
    "deleteAttrsTemporal",
    "updateAttrInstanceTemporal",
    "deleteAttrInstanceTemporal",
    "deleteTemporal",
]


@pytest.fixture
def source() -> Iterator[MockSource]:
    with mock_source() as found:
        yield found


def at(hour: int, value: Any, **more: Any) -> dict[str, Any]:
    time = f"2026-01-01T{hour:02}:00:00Z"
    return {"type": "Property", "value": value, "observedAt": time, **more}


def past(id: str = CAR, /, **attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": id, "type": "Car", **attributes}


def pairs(answer: Any, name: str = "speed") -> list[Any]:
    found = answer.json()
    found = found[0] if isinstance(found, list) else found
    return [value for value, _ in found[name]["values"]]


def test_what_two_remember_is_one_history(api: ApiClient, source: MockSource) -> None:
    api.post(ALL, json=past(speed=[at(1, 10), at(3, 30)]))
    register(api, source, operations=READS)
    told = past(speed=[at(2, 20), at(3, 99), at(4, 40)], range=[at(2, 7)])
    source.says("GET", ONE, told)
    answer = api.get(f"{ONE}?{SINCE}&options=temporalValues")
    assert pairs(answer) == [10, 20, 30, 40]  # of one moment this node's own value counts
    assert pairs(answer, "range") == [7]
    asked = source.only("GET").query
    assert asked["timerel"] == "after"
    assert asked["options"] == "sysAttrs"
    assert pairs(api.get(f"{ONE}?{SINCE}&options=temporalValues&local=true")) == [10, 30]


def test_the_newest_and_sums_are_those_of_the_whole(api: ApiClient, source: MockSource) -> None:
    api.post(ALL, json=past(speed=[at(1, 10), at(3, 30)]))
    register(api, source, operations=READS)
    source.says("GET", ONE, past(speed=[at(2, 20), at(3, 30), at(4, 40)]))
    newest = api.get(f"{ONE}?{SINCE}&options=temporalValues&lastN=2")
    assert pairs(newest) == [40, 30]
    assert source.asked[-1].query["lastN"] == "2"
    sums = api.get(f"{ONE}?{SINCE}&options=aggregatedValues&aggrMethods=sum,totalCount").json()
    assert sums["speed"]["sum"][0][0] == 100
    assert sums["speed"]["totalCount"][0][0] == 4


def test_a_query_finds_the_past_of_all(api: ApiClient, source: MockSource) -> None:
    api.post(ALL, json=past("urn:x:b", speed=[at(1, 10)]))
    register(api, source, operations=READS)
    source.says("GET", ALL, [past("urn:x:a", speed=[at(1, 1)]), past("urn:x:c", speed=[at(1, 3)])])
    answer = api.get(f"{ALL}?type=Car&{SINCE}&count=true")
    assert [entity["id"] for entity in answer.json()] == ["urn:x:a", "urn:x:b", "urn:x:c"]
    assert answer.headers["ngsild-results-count"] == "3"
    page = api.get(f"{ALL}?type=Car&{SINCE}&limit=1&offset=1")
    assert [entity["id"] for entity in page.json()] == ["urn:x:b"]
    assert source.asked[-1].query["limit"] == "3"
    body = {
        "type": "Query",
        "entities": [{"type": "Car"}],
        "temporalQ": {"timerel": "after", "timeAt": "2026-01-01T00:00:00Z"},
    }
    assert len(api.post("/temporal/entityOperations/query", json=body).json()) == 3


def test_split_histories_are_filtered_here(api: ApiClient, source: MockSource) -> None:
    api.post(ALL, json=past(speed=[at(1, 10)]))
    register(api, source, operations=READS)
    source.says("GET", ALL, [past(range=[at(2, 7)]), past("urn:x:z", range=[at(2, 9)])])
    path = f"{ALL}?type=Car&{SINCE}&q=speed==10;range==7"
    found = api.get(f"{path}&splitEntities=true").json()
    assert [entity["id"] for entity in found] == [CAR]
    assert "q" not in source.asked[-1].query
    api.get(path)
    assert source.asked[-1].query["q"]


def test_auxiliary_memories_only_add_moments(api: ApiClient, source: MockSource) -> None:
    api.post(ALL, json=past(speed=[at(1, 10)]))
    register(api, source, operations=["retrieveEntity"], mode="auxiliary")
    assert api.get(f"{ONE}?{SINCE}").status_code == 200
    assert source.asked == []  # an auxiliary source cannot offer history


def test_periods_of_registrations_count(api: ApiClient, source: MockSource) -> None:
    interval = {"startAt": "2020-01-01T00:00:00Z", "endAt": "2020-12-31T00:00:00Z"}
    register(api, source, operations=READS, observationInterval=interval)
    assert api.get(f"{ALL}?type=Car&{SINCE}").json() == []
    assert source.asked == []
    source.says("GET", ALL, [])
    api.get(f"{ALL}?type=Car&timerel=before&timeAt=2020-06-01T00:00:00Z")
    assert len(source.asked) == 1
    assert api.get("/entities?type=Car").json() == []
    assert len(source.asked) == 1  # of the present it knows nothing


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (500, b"", "299"),
        (200, b"garbage", "111"),
        (200, b'[{"id": "urn:x:1", "type": "Bus", "speed": []}]', "111"),
        (200, b'[{"id": "urn:x:1", "type": "Bus"}]', "111"),
        (200, b'{"id": "urn:x:1"}', "111"),
        (200, b"[7]", "111"),
        (206, b"[]", "111"),
    ],
)
def test_a_source_never_spoils_a_history(
    api: ApiClient, source: MockSource, status: int, body: bytes, code: str
) -> None:
    api.post(ALL, json=past(speed=[at(1, 10)]))
    register(api, source, operations=READS)
    source.says("GET", ALL, body, status)
    source.says("GET", ONE, body, status)
    for path in (f"{ALL}?type=Car&{SINCE}&options=temporalValues", f"{ONE}?{SINCE}"):
        answer = api.get(path)
        assert answer.status_code == 200
        assert warnings(answer) == [code]
    assert pairs(api.get(f"{ALL}?type=Car&{SINCE}&options=temporalValues")) == [10]


def test_a_part_of_the_time_makes_a_part_of_the_answer(api: ApiClient, source: MockSource) -> None:
    api.post(ALL, json=past(speed=[at(1, 10), at(5, 50)]))
    register(api, source, operations=READS)
    range = "date-time 2026-01-01T00:00:00Z-2026-01-01T03:00:00Z/*"
    told = past(speed=[at(2, 20), at(3, 30)])
    source.says("GET", ONE, told, 206, headers={"Content-Range": range})
    answer = api.get(f"{ONE}?{SINCE}&options=temporalValues")
    assert answer.status_code == 206
    assert pairs(answer) == [10, 20, 30]
    assert answer.headers["content-range"] == range
    sums = api.get(f"{ONE}?{SINCE}&aggrMethods=sum")
    assert warnings(sums) == ["199"]


def test_a_map_says_who_remembers(api: ApiClient, source: MockSource) -> None:
    api.post(ALL, json=past(speed=[at(1, 10)]))
    register(api, source, operations=READS)
    source.says("GET", ALL, [past(speed=[at(2, 20)]), past("urn:x:z", speed=[at(2, 9)])])
    made = api.get(f"/temporal/entityMaps?type=Car&{SINCE}")
    assert made.status_code == 201
    assert made.json()["entityMap"] == {CAR: ["@none", "urn:r:1"], "urn:x:z": ["urn:r:1"]}


def test_times_and_identifiers_of_a_source_stay(api: ApiClient, source: MockSource) -> None:
    register(api, source, operations=READS)
    said = at(2, 20, createdAt="2026-01-02T00:00:00Z", modifiedAt="2026-01-03T00:00:00Z")
    source.says("GET", ONE, past(speed=[{**said, "instanceId": "urn:i:1"}, at(3, 30)]))
    first, second = api.get(f"{ONE}?{SINCE}&options=sysAttrs").json()["speed"]
    assert first["instanceId"] == "urn:i:1"
    assert first["modifiedAt"].startswith("2026-01-03T00:00:00")
    assert second["instanceId"].startswith("urn:ngsi-ld:Instance:")
    by_change = "timerel=after&timeAt=2026-01-02T12:00:00Z&timeproperty=modifiedAt"
    assert api.get(f"{ONE}?{by_change}").json()["speed"][0]["value"] == 20


# -- writing ---------------------------------------------------------------------------------------


def test_history_is_written_where_it_belongs(api: ApiClient, source: MockSource) -> None:
    register(api, source, mode="redirect", operations=[*READS, *WRITES])
    source.says("POST", ALL, b"", 201)
    source.says("POST", f"{ONE}/attrs", b"", 204)
    source.says("PATCH", f"{ONE}/attrs/speed/urn:i:1", b"", 204)
    source.says("DELETE", f"{ONE}/attrs/speed/urn:i:1", b"", 204)
    source.says("DELETE", f"{ONE}/attrs/speed", b"", 204)
    source.says("DELETE", ONE, b"", 204)
    assert api.post(ALL, json=past(speed=[at(1, 10)])).status_code == 201
    assert source.asked[-1].body == past(speed=[at(1, 10)])
    more = {"speed": [at(2, 20)], "type": "Car"}
    assert api.post(f"{ONE}/attrs", json=more).status_code == 204
    assert source.asked[-1].body["speed"] == [at(2, 20)]
    fragment = {"speed": [at(2, 21)]}
    assert api.patch(f"{ONE}/attrs/speed/urn:i:1", json=fragment).status_code == 204
    assert source.asked[-1].body == fragment
    assert api.delete(f"{ONE}/attrs/speed/urn:i:1").status_code == 204
    assert api.delete(f"{ONE}/attrs/speed?deleteAll=true").status_code == 204
    assert source.asked[-1].query == {"deleteAll": "true"}
    assert api.delete(ONE).status_code == 204
    assert api.get(f"{ONE}?local=true").status_code == 404


def test_history_is_shared_out_by_attributes(api: ApiClient, source: MockSource) -> None:
    info = [{"entities": [{"type": "Car", "id": CAR}], "propertyNames": ["speed"]}]
    register(api, source, mode="exclusive", information=info, operations=["upsertTemporal"])
    source.says("POST", ALL, b"", 204)
    answer = api.post(ALL, json=past(speed=[at(1, 10)], colour=[at(1, "red")]))
    assert answer.status_code == 201
    assert "colour" not in source.only("POST").body
    assert "speed" not in api.get(f"{ONE}?local=true").json()
    refused = api.delete(f"{ONE}/attrs/speed")
    assert refused.status_code == 409


def test_what_a_source_does_not_take_is_told(api: ApiClient, source: MockSource) -> None:
    register(api, source, operations=["upsertTemporal"])
    source.says("POST", ALL, b"", 500)
    answer = api.post(ALL, json=past(speed=[at(1, 10)]))
    assert answer.status_code == 207
    assert answer.json()["errors"][0]["registrationId"] == "urn:r:1"
    assert pairs(api.get(f"{ONE}?options=temporalValues&local=true")) == [10]
