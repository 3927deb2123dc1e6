"""Snapshots take in what registered sources know (clause 5.16.1.4)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.web.api.client import ApiClient
from tests.web.api.source import MockSource, mock_source
from tests.web.api.test_distribution_reads import CAR, car, register
from tests.web.api.test_snapshots import make, status, within

FAST = {"type": "Query", "entities": [{"type": "Car"}], "q": "speed>50"}


@pytest.fixture
def source() -> Iterator[MockSource]:
    with mock_source() as found:
        yield found


def test_what_sources_know_is_frozen_too(api: ApiClient, source: MockSource) -> None:
    api.create(CAR, speed={"type": "Property", "value": 60})
    api.create("urn:x:slow", speed={"type": "Property", "value": 10})
    register(api, source)
    source.says("GET", "/entities", [car("urn:x:far", speed=88), car(CAR, fuel=5)])
    id = make(api, FAST)
    assert status(api, id)["snapshotStatus"] == "success"
    assert source.only("GET").query["q"] == "speed>50"
    source.says("GET", "/entities", [])
    found = api.get("/entities?type=Car&options=keyValues", headers=within(id)).json()
    assert {e["id"]: e.get("speed") for e in found} == {CAR: 60, "urn:x:far": 88}
    assert next(e for e in found if e["id"] == CAR)["fuel"] == 5
    assert len(source.asked) == 1  # what is frozen is asked of nobody


def test_a_source_that_fails_makes_it_partial(api: ApiClient, source: MockSource) -> None:
    api.create(CAR, speed={"type": "Property", "value": 60})
    register(api, source)
    source.says("GET", "/entities", b"garbage")
    id = make(api, FAST)
    assert status(api, id)["snapshotStatus"] == "partial"
    assert [e["id"] for e in api.get("/entities?type=Car", headers=within(id)).json()] == [CAR]


def test_what_sources_alone_know_is_found(api: ApiClient, source: MockSource) -> None:
    register(api, source)
    source.says("GET", "/entities", [car("urn:x:far", speed=88)])
    found = status(api, make(api, FAST))
    assert found["snapshotStatus"] == "success"
    assert found["snapshotQueriesDetails"] == [{"resultStatus": "success"}]
