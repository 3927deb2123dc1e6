"""A receiver of notifications on loopback: it keeps what it got, and answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

PATIENCE = 20.0


class Got(NamedTuple):
    """One request: its path, its headers by lower-case name, and its body."""

    path: str
    headers: dict[str, str]
    body: Any

    @property
    def entity(self) -> Any:
        """The only entity in it."""
        (entity,) = self.body["data"]
        return entity


class Receiver:
    """What arrived; ``answer`` says the status for the n-th request, or raw bytes to send instead."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.got: list[Got] = []
        self.answer: Callable[[int], int | bytes] = lambda _: 200
        self.delay = 0.0
        self.headers: dict[str, str] = {}
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        """Where to send."""
        return f"http://127.0.0.1:{self.port}/notify"

    def add(self, got: Got) -> int | bytes:
        """Keep a request; how to answer it."""
        with self._changed:
            self.got.append(got)
            number = len(self.got)
            self._changed.notify_all()
        time.sleep(self.delay)
        return self.answer(number)

    def wait(self, count: int) -> list[Got]:
        """The requests, once there are so many."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.got) >= count, PATIENCE)
            assert len(self.got) >= count, f"only {len(self.got)} of {count} notifications came"
            return list(self.got)

    def wait_for(self, ready: Callable[[list[Got]], bool]) -> list[Got]:
        """The requests, once they are as wanted."""
        with self._changed:
            assert self._changed.wait_for(lambda: ready(self.got), PATIENCE), self.got
            return list(self.got)


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """A receiver, for as long as the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = receiver.add(Got(self.path, headers, json.loads(body)))
            if isinstance(answer, bytes):
                self.wfile.write(answer)
                self.close_connection = True
                return
            self.send_response(answer)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            pass

    server = Server(("127.0.0.1", port), Handler)
    receiver = Receiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
