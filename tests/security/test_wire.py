"""Below HTTP: requests whose end two programs could see in different places, and other oddities on the socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import uvicorn

from hansa.cli.server import _config, listen
from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.web.shell.headers import headers_of


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a served node."""
    settings = Settings(city="Wire", base_url="https://town.example")
    node = Node.open(tmp_path_factory.mktemp("wire"), settings)
    server = uvicorn.Server(_config(node))
    with listen("127.0.0.1", 0) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(30)
            node.close()


def said(port: int, raw: bytes, *, whole: bool = True) -> bytes:
    """All that comes back until the server closes or is silent; `whole`: it is told that no more will come."""
    found = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(raw)
        if whole:
            connection.shutdown(socket.SHUT_WR)
        try:
            while piece := connection.recv(65536):
                found += piece
        except OSError:
            pass
    return found


HEAD = (
    b"POST /ngsi-ld/v1/entities HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
)
SMUGGLED = b"GET /ngsi-ld/v1/types HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        b"Content-Length: 4\r\nContent-Length: 5\r\n",
        b"Content-Length: 4, 5\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: +4\r\n",
        b"Content-Length: 0x4\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Content-Length : 4\r\n",
    ],
)
def test_a_request_with_two_ends_is_refused_and_nothing_after_it_is_read(
    port: int, lines: bytes
) -> None:
    answer = said(port, HEAD + lines + b"\r\n" + b"0\r\n\r\n" + SMUGGLED)
    assert answer.count(b"HTTP/1.1 ") == 1, answer
    assert answer.startswith(b"HTTP/1.1 4"), answer


def test_a_chunk_that_lies_about_its_length_is_refused(port: int) -> None:
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    for body in (b"zz\r\n{}\r\n0\r\n\r\n", b"-1\r\n{}\r\n", b"ffffffffffffffffff\r\n{}\r\n"):
        assert b" 200 " not in said(port, head + body + SMUGGLED)


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET http:// HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n",
    ],
    ids=["nul", "version", "target", "tls", "path", "fields", "http2", "websocket"],
)
def test_what_is_no_plain_request_ends_nothing(port: int, raw: bytes) -> None:
    answer = said(port, raw)
    assert b" 500 " not in answer
    assert b" 101 " not in answer
    assert b"Traceback" not in answer
    plain = b"GET /data HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert b" 200 " in said(port, plain, whole=False)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"<script>alert(1)</script>\r\n\r\n",
    ],
    ids=["tls", "version", "two ends", "page"],
)
def test_what_is_no_http_is_refused_as_carefully_as_anything_else(port: int, raw: bytes) -> None:
    """It never reaches the application, and has what its answers have all the same."""
    head, _, body = said(port, raw).partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert lines[0] == b"http/1.1 400 bad request"
    fields = [line.partition(b": ")[::2] for line in lines[1:]]
    for field in headers_of("https://town.example"):
        assert fields.count((field[0], field[1].lower())) == 1
    assert (b"content-type", b"application/problem+json") in fields
    assert (b"connection", b"close") in fields
    assert orjson.loads(body)["status"] == 400
    assert b"script" not in body
    assert not [name for name, _ in fields if name in (b"server", b"x-powered-by")]


@pytest.mark.parametrize(
    "path", ["/../../../etc/passwd", "/static/../../../etc/passwd", "//etc/passwd"]
)
def test_a_path_on_the_wire_stays_inside(port: int, path: str) -> None:
    answer = said(
        port, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    )
    assert b"root:" not in answer
    assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400"))


def test_no_address_of_the_client_is_believed_from_a_stranger(tmp_path: Path) -> None:
    """Only a proxy on this machine may say by X-Forwarded-* who asked."""
    node = Node.open(tmp_path / "n", Settings(city="Wire"))
    try:
        config = _config(node)
        assert set(str(config.forwarded_allow_ips).split(",")) <= {"127.0.0.1", "::1"}
        assert config.access_log is False
        assert config.server_header is False
        assert config.ws == "none"
    finally:
        node.close()
