"""Sources that do what none should: raw sockets, one way of misbehaving each."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

__all__ = ["WAYS", "hostile_source"]

Way = Callable[[socket.socket], None]

CAR: Final = "urn:ngsi-ld:Car:1"
_HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
_TRUE: Final = {"id": CAR, "type": "Car", "speed": {"type": "Property", "value": 1}}


def _said(body: bytes, head: bytes = _HEAD) -> Way:
    whole = head + b"content-length: %d\r\n\r\n" % len(body) + body
    return lambda to: to.sendall(whole)


def _json(value: Any) -> Way:
    return _said(json.dumps(value).encode())


def _endless_body(to: socket.socket) -> None:
    to.sendall(_HEAD + b"transfer-encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    while True:
        to.sendall(chunk)


def _endless_without_length(to: socket.socket) -> None:
    to.sendall(_HEAD + b"\r\n[")
    while True:
        to.sendall(b" " * 65_536)


def _drip(to: socket.socket) -> None:
    to.sendall(_HEAD + b"content-length: 1000\r\n\r\n")
    for _ in range(1000):
        to.sendall(b" ")
        time.sleep(0.05)


def _dripping_head(to: socket.socket) -> None:
    to.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(1000):
        to.sendall(b"x-%d: y\r\n" % number)
        time.sleep(0.05)


def _huge_head(to: socket.socket) -> None:
    to.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(160):
        to.sendall(b"x-%d: " % number + b"z" * 65_536 + b"\r\n")


def _interim_for_ever(to: socket.socket) -> None:
    while True:
        to.sendall(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")


def _silent(to: socket.socket) -> None:
    time.sleep(5)


def _cut(to: socket.socket) -> None:
    to.sendall(_HEAD + b"content-length: 500\r\n\r\n[{")


def _gzip_bomb() -> Way:
    body = gzip.compress(b"[" + b" " * 30_000_000 + b"]")
    return _said(body, _HEAD + b"content-encoding: gzip\r\n")


def _status(status: bytes, *headers: bytes) -> Way:
    return _said(json.dumps([_TRUE]).encode(), b"\r\n".join([b"HTTP/1.1 " + status, *headers, b""]))


_REDIRECT: Final = b"location: http://127.0.0.1:1356/ngsi-ld/v1/entities?type=Car"
_NESTED: Final = b"[" * 200_000 + b"]" * 200_000
_FAR: Final = {"type": "Property", "value": 1, "observedAt": "99999-01-01T00:00:00Z"}

WAYS: Final[dict[str, Way]] = {
    "endless-body": _endless_body,
    "endless-without-length": _endless_without_length,
    "drip": _drip,
    "dripping-head": _dripping_head,
    "huge-head": _huge_head,
    "interim-for-ever": _interim_for_ever,
    "silent": _silent,
    "cut": _cut,
    "closes-at-once": lambda to: None,
    "gzip-bomb": _gzip_bomb(),
    "no-http": lambda to: to.sendall(b"\x16\x03\x01 SSH-2.0 hello\r\n\r\n"),
    "garbage": _said(b"\xff\xfe\x00{{{"),
    "not-utf8": _said(b'[{"id": "urn:\xff", "type": "Car"}]'),
    "nested": _said(_NESTED),
    "html": _said(b"<html></html>", b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n"),
    "wrong-type": _said(b"[]", b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n"),
    "null": _json(None),
    "number": _json(7),
    "numbers": _json([1, 2, [3]]),
    "huge-number": _said(b'[{"id": "urn:x:1", "type": "Car", "a": 1' + b"0" * 5000 + b"}]"),
    "no-id": _json([{"type": "Car"}]),
    "wrong-id": _json([{**_TRUE, "id": "no uri"}]),
    "id-of-another-kind": _json([{**_TRUE, "id": ["a"]}]),
    "type-of-another-kind": _json([{**_TRUE, "type": {"a": 1}}]),
    "not-asked-for": _json([{"id": "urn:x:2", "type": "Bus"}]),
    "impossible-time": _json([{**_TRUE, "speed": _FAR}]),
    "context-at-loopback": _json([{**_TRUE, "@context": "http://127.0.0.1:1/secret"}]),
    "context-of-another-kind": _json([{**_TRUE, "@context": 7}]),
    "contexts-without-end": _json(
        [{**_TRUE, "@context": f"http://127.0.0.1:1/{n}"} for n in range(99)]
    ),
    "redirect-to-us": _status(b"302 Found", _REDIRECT),
    "not-modified": _status(b"304 Not Modified"),
    "teapot": _status(b"418 I'm a teapot"),
    "error": _status(b"500 Oops", b"content-type: application/json"),
    "no-such-status": _status(b"999 Hm"),
    "switching": lambda to: to.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nabc"
    ),
    "two-lengths": lambda to: to.sendall(
        _HEAD + b"content-length: 2\r\ncontent-length: 900\r\n\r\n[]"
    ),
    "length-of-another-kind": lambda to: to.sendall(_HEAD + b"content-length: many\r\n\r\n[]"),
    "negative-length": lambda to: to.sendall(_HEAD + b"content-length: -1\r\n\r\n[]"),
    "absurd-length": lambda to: to.sendall(_HEAD + b"content-length: 99999999999999\r\n\r\n[]"),
}


@contextmanager
def hostile_source(way: Way) -> Iterator[str]:
    """A source that misbehaves in that way; its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.05)
    ended = threading.Event()

    def talk(to: socket.socket) -> None:
        with to, suppress(OSError):
            to.settimeout(5)
            got = b""
            while b"\r\n\r\n" not in got:
                got += to.recv(65_536)
            way(to)

    def serve() -> None:
        while not ended.is_set():
            with suppress(TimeoutError):
                to, _ = listening.accept()
                threading.Thread(target=talk, args=(to,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        ended.set()
        thread.join()
        listening.close()
