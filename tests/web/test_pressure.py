"""Many at once, slow ones, and those who hang up: the node stays small, answers the others, and logs no crash."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError, Event, Lock, Thread
from typing import Any

import pytest
from starlette.testclient import TestClient

from hansa.kernel.errors import TooManyRequests
from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.identity import passwords
from hansa.web.pages import account, login
from hansa.web.shell.hashing import Hashing
from hansa.web.shell.patience import patient

HOME = "http://127.0.0.1:1356"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node.open(tmp_path / "node", Settings(city="Visby"))
    yield made
    made.close()


class Counting:
    """Counts how many hash at once; each waits a little for a third, which must not come."""

    def __init__(self) -> None:
        self.lock, self.now, self.most, self.third = Lock(), 0, 0, Barrier(3)

    def verify(self, stored: str, password: bytes) -> bool:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        with suppress(BrokenBarrierError):
            self.third.wait(0.05)
        with self.lock:
            self.now -= 1
        return True

    def hash(self, password: bytes) -> str:
        self.verify("", password)
        return "hash"


def test_two_are_hashed_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting()
    monkeypatch.setattr(passwords, "_HASHER", counting)
    works = [passwords.spend, lambda: passwords.hashed("x"), lambda: passwords.matches("x", "y")]
    threads = [Thread(target=work) for work in works * 3]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert 1 <= counting.most <= 2


def test_the_line_before_them_is_short() -> None:
    gate = Event()

    async def crowd() -> list[Any]:
        hashing = Hashing(at_once=1, waiting=2)
        tasks = [asyncio.create_task(hashing.run(gate.wait)) for _ in range(8)]
        await asyncio.sleep(0)
        gate.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        return [*found, await hashing.run(lambda: "again")]

    *found, again = asyncio.run(crowd())
    assert found[:3] == [True] * 3
    assert all(isinstance(each, TooManyRequests) for each in found[3:])
    assert again == "again"


def test_who_logs_in_when_too_many_do_is_told_to_come_back(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Hashing(at_once=1, waiting=-1)
    for page in (login, account):
        monkeypatch.setattr(page, "HASHING", full)
    browser = TestClient(node.app, base_url=HOME, headers={"Origin": HOME})
    link = node.trust.desk.first_link()
    for path in ("/login", f"/link/{link}"):
        answer = browser.post(path, data={"name": "eve", "password": "x", "again": "x"})
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "3"
    assert browser.get("/login").status_code == 200


@pytest.mark.parametrize("origin", ["http://[", "https://]", "[", "http://[::1", "null"])
def test_an_origin_that_is_none_is_another_site(origin: str, node: Node) -> None:
    client = TestClient(node.app, base_url=HOME, raise_server_exceptions=False)
    answer = client.post("/login", data={"name": "a"}, headers={"Origin": origin})
    assert answer.status_code == 403


@pytest.mark.parametrize("host", ["[", "a]", "[::1", "a:x", "a:99999999", "a:0"])
@pytest.mark.parametrize("listening", ["127.0.0.1", "192.0.2.1"])
def test_a_host_that_is_none_is_refused(host: str, listening: str, tmp_path: Path) -> None:
    node = Node.open(tmp_path / "node", Settings(host=listening))
    client = TestClient(node.app, base_url=HOME, raise_server_exceptions=False)
    for path in ("/", "/login", "/.well-known/oauth-authorization-server"):
        assert client.get(path, headers={"Host": host}).status_code == 421
    node.close()


def scope_of(path: str, kind: str, method: str = "POST") -> dict[str, Any]:
    headers = [(b"host", b"127.0.0.1:1356"), (b"content-type", kind.encode())]
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [*headers, (b"content-length", b"100")],
        "scheme": "http",
        "server": ("127.0.0.1", 1356),
        "client": ("127.0.0.1", 50_000),
        "http_version": "1.1",
    }


FORM = "application/x-www-form-urlencoded"
BODIES = [
    ("/login", FORM),
    ("/oauth/token", FORM),
    ("/log/add-checkpoint", "text/plain"),
    ("/ngsi-ld/v1/entities", "application/json"),
]


async def _sent(app: Any, scope: dict[str, Any], *messages: Any) -> list[Any]:
    """What is answered to these messages; after them nothing comes any more."""
    waiting, answer = list(messages), []

    async def receive() -> Any:
        if waiting:
            return waiting.pop(0)
        await asyncio.Event().wait()
        return None

    async def send(message: Any) -> None:
        answer.append(message)

    await app(scope, receive, send)
    return answer


PART = {"type": "http.request", "body": b"name=a", "more_body": True}


@pytest.mark.parametrize(("path", "kind"), BODIES)
def test_who_hangs_up_leaves_no_crash(
    path: str, kind: str, node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        scope = scope_of(path, kind)
        asyncio.run(_sent(node.app, scope, PART, {"type": "http.disconnect"}))
    assert "Traceback" not in caplog.text
    assert not [each for each in caplog.records if each.exc_info]


@pytest.mark.parametrize(("path", "kind"), BODIES[:3])
def test_a_body_that_does_not_come_is_not_waited_for(path: str, kind: str, node: Node) -> None:
    answer = asyncio.run(_sent(patient(node.app, seconds=0.05), scope_of(path, kind), PART))
    assert answer[0]["status"] == 408
    assert (b"connection", b"close") in answer[0]["headers"]


def test_a_body_that_comes_at_some_pace_is_given_time() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(21):
            if (await receive()).get("more_body"):
                await asyncio.sleep(0.001)
        await send({"type": "http.response.start", "status": 204, "headers": []})

    part = {"type": "http.request", "body": bytes(10_000), "more_body": True}
    end = {"type": "http.request", "body": b"", "more_body": False}
    scope = scope_of("/x", FORM)
    answer = asyncio.run(_sent(patient(app, seconds=0.0), scope, *[part] * 20, end))
    assert answer[0]["status"] == 204
