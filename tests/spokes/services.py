"""Services for tests: what they answer, address by address, and what they were asked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
import pytest

from hansa.kernel.clock import Clock
from hansa.kernel.egress import FetchFailed
from hansa.kernel.errors import BadRequest
from hansa.ngsild.city import city_iri
from hansa.ngsild.query import Query, TypeName
from hansa.spokes.keeper import Keeper
from hansa.spokes.runner import Request, run_import
from hansa.store.sqlite import SqliteStore
from tests.spokes.helpers import stored

RECORDED = Path(__file__).parent / "recorded"


def recorded(name: str) -> Any:
    """A recorded answer."""
    return orjson.loads((RECORDED / name).read_bytes())


class Answers:
    """A way out that leads to canned answers: JSON data, bytes, an exception, or a function."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = dict(answers)
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []

    def __call__(self, url: str, headers: Mapping[str, str], /) -> bytes:
        self.asked.append(url)
        self.headers.append(dict(headers))
        answer = self.answers.get(url)
        if callable(answer):
            answer = answer()
        if answer is None:
            raise FetchFailed(f"address {url}", "answered with status 404")
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, bytes) else orjson.dumps(answer)

    def mqtt(self, broker: Any, **options: Any) -> Any:
        raise AssertionError("not asked for")


class Hands:
    """A clock whose hands the test moves."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def move(self, **by: float) -> None:
        self.moment += timedelta(**by)


class Town:
    """A store with one import, and its keeper."""

    def __init__(self, store: SqliteStore, spoke: Any, out: Any, hands: Any) -> None:
        self.store = store
        self.spoke = spoke
        self.out = out
        self.hands = hands

    def take(self, source: str, name: str = "town", **options: Any) -> Any:
        request = Request(source, name=name, namespace="town", options=options)
        return run_import(self.store, self.spoke, request, self.hands, out=self.out)

    def keeper(self, name: str = "town") -> Keeper:
        return Keeper(
            self.store, self.spoke, f"urn:ngsi-ld:DataSource:{name}", self.hands, self.out
        )

    def fails_and_recovers(self, fault: Any, source: str, caplog: pytest.LogCaptureFixture) -> None:
        """What `out` answers is told once, and so is the recovery; a new import of it is refused."""
        self.take(source)
        keeper = self.keeper()
        keeper.beat()
        with caplog.at_level(logging.WARNING, "hansa.live"):
            self.out.fault = fault
            for _ in range(3):
                keeper.beat()
            assert self.status() == "failing"
            self.out.fault = None
            keeper.beat()
        assert len(caplog.records) == 2
        assert self.status() == "current"
        self.out.fault = fault
        with pytest.raises((BadRequest, FetchFailed)) as refused:
            self.take(source)
        self.refusal = str(refused.value)

    def status(self) -> Any:
        return stored(self.store, "urn:ngsi-ld:DataSource:town")["liveStatus"]

    def count(self, type: str) -> int:
        query = Query(types=TypeName(city_iri(type)), limit=0, count=True)
        return self.store.query(query).total or 0


Handler = Callable[[str, Mapping[str, str]], tuple[int, Mapping[str, str], bytes]]


@contextmanager
def http_server(handler: Handler) -> Iterator[str]:
    """A real server on loopback; yields its address."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handling(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = handler(self.path, self.headers)  # type: ignore[arg-type]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handling)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


REAL = Clock()
