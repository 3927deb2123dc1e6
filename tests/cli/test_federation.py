"""Three nodes as processes, each a source of the others: together, in circles, killed, stopped (4.3.6)."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from tests.cli.conftest import Serve, Served
from tests.web.api.source import mock_source

API = "/ngsi-ld/v1"


def car(city: str, number: int, /, **attributes: Any) -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:Car:{city}:{number}", "type": "Car", **attributes}


class Nodes:
    """Three nodes; each has two cars of its own and knows the two others as sources."""

    def __init__(self, served: list[Served]) -> None:
        self.served = served
        self.client = httpx.Client(timeout=30)
        for number, city in enumerate("abc"):
            for one in (1, 2):
                body = car(city, one, city=city)
                assert self.post(number, "/entities", body).status_code == 201
        for number in range(3):
            for other in range(3):
                if other != number:
                    self.register(number, f"urn:r:{other}", served[other].address)

    def url(self, number: int, path: str) -> str:
        return self.served[number].address.rstrip("/") + API + path

    def post(self, number: int, path: str, body: Any) -> httpx.Response:
        return self.client.post(self.url(number, path), json=body)

    def get(self, number: int, path: str) -> httpx.Response:
        return self.client.get(self.url(number, path))

    def register(self, number: int, id: str, address: str, **members: Any) -> None:
        body = {
            "id": id,
            "type": "ContextSourceRegistration",
            "information": [{"entities": [{"type": "Car"}]}],
            "endpoint": address,
            "management": {"timeout": 1500},
            **members,
        }
        answer = self.post(number, "/csourceRegistrations", body)
        assert answer.status_code == 201, answer.text

    def cars(self, number: int) -> tuple[list[str], str]:
        """The cars that a node knows of, and its warnings."""
        answer = self.get(number, "/entities?type=Car&options=keyValues")
        assert answer.status_code == 200, answer.text
        found = sorted(each["id"].removeprefix("urn:ngsi-ld:Car:") for each in answer.json())
        return found, answer.headers.get("ngsild-warning", "")


@pytest.fixture
def nodes(serve: Serve, tmp_path: Path) -> Any:
    made = Nodes([serve(tmp_path / city, "--dev") for city in "abc"])
    yield made
    made.client.close()


def until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.1)


ALL = ["a:1", "a:2", "b:1", "b:2", "c:1", "c:2"]


def test_three_nodes_answer_as_one_and_no_fault_of_one_spoils_it(nodes: Nodes) -> None:
    # Everyone is registered with everyone: a question would go in circles without an end.
    for number in range(3):
        assert nodes.cars(number) == (ALL, "")
    entity = nodes.get(0, "/entities/urn:ngsi-ld:Car:c:1?options=keyValues")
    assert entity.json()["city"] == "c"
    assert nodes.get(0, "/entities/urn:ngsi-ld:Car:d:1").status_code == 404

    # One is stopped in the middle of its work: it is late for ever.
    nodes.served[1].process.send_signal(signal.SIGSTOP)
    found, warned = nodes.cars(0)
    assert {"a:1", "a:2", "c:1", "c:2"} <= set(found)
    assert warned.startswith("199 ")
    nodes.served[1].process.send_signal(signal.SIGCONT)
    until(lambda: nodes.cars(0) == (ALL, ""))

    # One is killed, and comes back with what was acknowledged.
    nodes.served[2].stop(signal.SIGKILL)
    found, warned = nodes.cars(0)
    assert found == ["a:1", "a:2", "b:1", "b:2"]
    assert "199 " in warned and "urn:r:2" in warned
    standing = nodes.get(0, "/csourceRegistrations/urn:r:2").json()
    assert standing["status"] == "failed"

    # One answers garbage.
    with mock_source() as liar:
        liar.says("GET", "/entities", b'[{"id":"urn:x:1","type":"House"}, 17, "\xff"]')
        nodes.register(0, "urn:r:liar", liar.url)
        found, warned = nodes.cars(0)
        assert found == ["a:1", "a:2", "b:1", "b:2"]
        assert "111 " in warned


def test_what_is_redirected_is_written_there_and_read_here(nodes: Nodes) -> None:
    for number in (0, 1, 2):
        ids = (each for each in range(3) if each != number)
        for other in ids:
            nodes.client.delete(nodes.url(number, f"/csourceRegistrations/urn:r:{other}"))
    information = [{"entities": [{"type": "Bus"}]}]
    nodes.register(
        0,
        "urn:r:bus",
        nodes.served[1].address,
        mode="redirect",
        operations=["redirectionOps"],
        information=information,
    )
    bus = {"id": "urn:ngsi-ld:Bus:1", "type": "Bus", "seats": 40}
    assert nodes.post(0, "/entities", bus).status_code == 201
    assert nodes.get(0, "/entities/urn:ngsi-ld:Bus:1?local=true").status_code == 404
    assert nodes.get(1, "/entities/urn:ngsi-ld:Bus:1?options=keyValues").json() == bus
    path = "/entities/urn:ngsi-ld:Bus:1/attrs/seats"
    changed = nodes.client.patch(nodes.url(0, path), json={"value": 50})
    assert changed.status_code == 204, changed.text
    found = nodes.get(0, "/entities/urn:ngsi-ld:Bus:1?options=keyValues")
    assert found.json() == {**bus, "seats": 50}
    nodes.served[1].stop(signal.SIGKILL)
    answer = nodes.client.patch(nodes.url(0, path), json={"value": 60})
    assert answer.status_code in (502, 504)
    assert nodes.get(0, "/entities/urn:ngsi-ld:Bus:1").status_code == 404
