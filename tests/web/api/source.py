"""A context source under the test's control: it answers what it is told to, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class Asked:
    """One request to a source."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


Reply = Callable[[Asked], tuple[int, Any, dict[str, str]]]


@dataclass
class MockSource:
    """Replies by method and path below ``/ngsi-ld/v1``; the first argument of `says`.

    One that `answers` instead makes each reply from what was asked: status, body, headers.
    """

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    replies: dict[tuple[str, str], tuple[int, bytes, dict[str, str], float]] = field(
        default_factory=dict
    )
    makers: dict[tuple[str, str], Reply] = field(default_factory=dict)

    def says(
        self,
        method: str,
        path: str,
        body: Any = b"",
        status: int = 200,
        *,
        delay: float = 0.0,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Answer requests of `method` to `path` with this from now on."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.replies[method, path] = (status, raw, headers or {}, delay)

    def answers(self, method: str, path: str, reply: Reply) -> None:
        """Answer requests of `method` to `path` with what `reply` makes of each."""
        self.makers[method, path] = reply

    def only(self, method: str) -> Asked:
        """The one request of `method`."""
        (found,) = [each for each in self.asked if each.method == method]
        return found


@contextmanager
def mock_source() -> Iterator[MockSource]:
    """A source on loopback, for as long as the context lasts."""
    source = MockSource()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            raw = self.rfile.read(length)
            parts = urlsplit(self.path)
            path = unquote(parts.path).removeprefix("/ngsi-ld/v1")
            query = {k: ",".join(v) for k, v in parse_qs(parts.query).items()}
            headers = {k.lower(): v for k, v in self.headers.items()}
            body = json.loads(raw) if raw else None
            source.asked.append(Asked(self.command, path, query, headers, body))
            status, content, more, delay = source.replies.get(
                (self.command, path), (404, b"", {}, 0.0)
            )
            maker = source.makers.get((self.command, path))
            if maker is not None:
                status, made, more = maker(source.asked[-1])
                content = made if isinstance(made, bytes) else json.dumps(made).encode()
            time.sleep(delay)
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    source.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield source
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
