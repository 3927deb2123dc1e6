"""The address at which services tell live sources what is new: hostile until checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.spokes import mailboxes

JSON = {"content-type": "application/json"}


class Served(NamedTuple):
    node: Node
    client: TestClient


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Served]:
    found = Node.open(tmp_path / "node", Settings(body_limit=2_000))
    try:
        with TestClient(found.app) as client:
            yield Served(found, client)
    finally:
        found.close()


def test_what_is_told_is_in_the_box(node: Served) -> None:
    box = node.node.mailboxes.open()
    for number in range(3):
        answer = node.client.post(box.path, json={"number": number})
        assert (answer.status_code, answer.content) == (204, b"")
    assert box.empty() == ([{"number": n} for n in range(3)], False)
    assert box.empty() == ([], False)
    box.close()
    assert node.client.post(box.path, json={}).status_code == 404


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", JSON, 400),
        (b"", JSON, 400),
        (b"\xff", JSON, 400),
        (b"[" * 900 + b"]" * 900, JSON, 400),
        (json.dumps("x" * 3_000).encode(), JSON, 413),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b"{}", {}, 415),
    ],
)
def test_what_is_malformed_is_refused(
    node: Served, body: bytes, headers: dict[str, str], status: int
) -> None:
    box = node.node.mailboxes.open()
    answer = node.client.post(box.path, content=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert box.empty() == ([], False)


def test_who_does_not_know_the_secret_learns_nothing(node: Served) -> None:
    box = node.node.mailboxes.open()
    for path in (mailboxes.PATH + "guess", box.path[:-1], box.path + "x", mailboxes.PATH + "%ff"):
        for body, headers in ((b"{}", JSON), (b"{", {}), (b"x" * 9_000, JSON)):
            assert node.client.post(path, content=body, headers=headers).status_code == 404
    assert node.client.get(box.path).status_code == 405


def test_a_full_box_says_come_again(node: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailboxes, "_MOST", 2)
    box = node.node.mailboxes.open()
    assert [node.client.post(box.path, json=n).status_code for n in range(3)] == [204, 204, 503]
    assert box.empty() == ([0, 1], True)
