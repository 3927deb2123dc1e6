"""A request counts once, for a rule's rate and for the statistics of reads, however much it asks of the gate."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.ngsild.city import city_iri
from hansa.ngsild.query import Query, TypeName
from hansa.node import Node
from hansa.store.port import Edited, Write
from hansa.trust import occasion
from hansa.trust.policy.parse import PROFILE
from hansa.trust.principals import LOCAL, PUBLIC, Principal

STAMP = "2026-01-01T00:00:00.000000Z"


ANNA, BEN = Principal("anna", "staff"), Principal("ben", "staff")


def rated(limit: int, action: str = "read") -> dict[str, Any]:
    constraint = {"leftOperand": "rate", "operator": "lteq", "rightOperand": limit}
    who = ["name:anna", "name:ben"]
    permission = {"action": action, "assignee": who, "constraint": [constraint]}
    return {
        "@type": "Set",
        "profile": PROFILE,
        "target": "urn:hansa:city",
        "permission": [permission],
    }


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node.open(tmp_path, Settings(city="Visby"))
    made.trust.policies.begin()
    entity = {"id": "urn:x:1", "type": [city_iri("Tree")], "createdAt": STAMP, "modifiedAt": STAMP}
    made.local_store().write([Write("urn:x:1", lambda old: Edited(entity))]).result()
    yield made
    made.close()


def test_a_rate_counts_requests_and_not_questions(node: Node) -> None:
    node.trust.policies.declare(LOCAL, "published", rated(3))
    node.trust.desk.accounts.add("anna")
    _, token = node.trust.desk.tokens.add("anna", "test")
    pages = TestClient(node.app, base_url="http://127.0.0.1:1356")
    headers = {"Authorization": f"Bearer {token}"}
    for address in ("entities/urn:x:1", "entities?type=Tree&count=true", "types"):
        assert pages.get(f"/ngsi-ld/v1/{address}", headers=headers).status_code == 200
    refused = pages.get("/ngsi-ld/v1/entities/urn:x:1", headers=headers)
    assert refused.status_code == 403
    assert "more often than published" in refused.json()["detail"]


def test_work_without_a_request_counts_each_question(node: Node) -> None:
    node.trust.policies.declare(LOCAL, "published", rated(2))
    seen = [node.gate.view(ANNA).nothing for _ in range(4)]
    assert seen == [False, False, True, True]


def test_what_follows_a_subscription_counts_each_time(node: Node) -> None:
    node.trust.policies.declare(LOCAL, "published", rated(2, "subscribe"))

    async def follow() -> list[bool]:
        occasion.begin()
        return [node.gate.view(ANNA, "subscribe").nothing for _ in range(3)]

    assert asyncio.run(follow()) == [False, False, True]


def test_within_a_request_the_answer_stays_and_others_are_counted_apart(node: Node) -> None:
    node.trust.policies.declare(LOCAL, "published", rated(1))

    async def ask() -> list[bool]:
        occasion.begin()
        found = [node.gate.view(ANNA).nothing for _ in range(3)]
        found += await asyncio.to_thread(lambda: [node.gate.view(ANNA).nothing])
        return [*found, node.gate.view(BEN).nothing]

    assert asyncio.run(ask()) == [False] * 5
    assert asyncio.run(ask()) == [True] * 5


def test_a_stream_counts_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(occasion, "monotonic", lambda: now[0])

    async def stream() -> list[bool]:
        occasion.begin()
        found = []
        for seconds in (0, 59, 2):
            now[0] += seconds
            held = occasion.current()
            assert held is not None
            found.append(("public", "T") in held.reads)
            held.reads.add(("public", "T"))
        return found

    assert asyncio.run(stream()) == [False, True, False]
    assert occasion.current() is None


def test_a_page_is_one_read_of_each_type(node: Node) -> None:
    query = Query(types=TypeName("T"), limit=1)

    async def request() -> None:
        occasion.begin()
        for _ in range(3):
            node.gate.reader(PUBLIC).query(query)
            await asyncio.to_thread(node.gate.reader(PUBLIC).query, query)

    asyncio.run(request())
    asyncio.run(request())
    node.gate.reader(PUBLIC).query(query)
    (day,) = node.trust.reads.days()
    assert day["reads"] == {"public": {"T": [3, 0]}}
