"""Exchanges over kept connections: what is kept, what is sent again, and what a server may not do."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

import pytest
import trustme

from hansa.kernel import connections
from hansa.kernel.egress import Egress, EgressRefused, FetchFailed

T = TypeVar("T")
Reply = Callable[[int, bytes, bytes], bytes | None]
"""Number of the request, its head and its body to the answer; None closes the connection."""

LOOPBACK = ("127.0.0.1", "::1")
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


class Server:
    """A server that answers with `reply` and counts requests and connections."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self.port = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        with contextlib.suppress(
            ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError
        ):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.lower().split(b"\r\n")
                        if line.startswith(b"content-length:")
                    ),
                    0,
                )
                body = await reader.readexactly(length)
                self.heads.append(head)
                self.bodies.append(body)
                found = self.reply(len(self.heads), head, body)
                if found is None:
                    break
                writer.write(found)
                await writer.drain()
                if b"connection: close" in found.lower() or b"content-length" not in found:
                    break
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def serving(reply: Reply, **options: Any) -> AsyncIterator[Server]:
    server = Server(reply)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, **options)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await server.stop()


@contextlib.asynccontextmanager
async def way_out(**options: Any) -> AsyncIterator[Egress]:
    egress = Egress(LOOPBACK, **options)
    try:
        yield egress
    finally:
        egress.close()


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def asked(reply: Reply, times: int = 1, method: str = "GET", **options: Any) -> tuple[Any, Server]:
    """What the last of some requests in a row got, and the server that was asked."""

    async def work() -> tuple[Any, Server]:
        found: Any = None
        async with serving(reply) as server, way_out() as egress:
            for _ in range(times):
                found = await egress.request(method, f"http://127.0.0.1:{server.port}/x", **options)
        return found, server

    return run(work())


def test_a_connection_is_used_again() -> None:
    found, server = asked(lambda *_: OK, 5, "POST", body=b"[1]", headers={"x-key": "1"})
    assert (found.status, found.content) == (200, b"hi")
    assert (len(server.heads), server.connections) == (5, 1)
    assert server.bodies == [b"[1]"] * 5
    assert server.heads[0].startswith(b"POST /x HTTP/1.1\r\nhost: 127.0.0.1:")
    assert b"\r\nx-key: 1\r\n" in server.heads[0]


def test_requests_at_the_same_time_have_connections_of_their_own() -> None:
    async def work() -> Server:
        async with serving(lambda *_: OK) as server, way_out() as egress:
            url = f"http://127.0.0.1:{server.port}/"
            for _ in range(3):
                await asyncio.gather(*(egress.request("GET", url) for _ in range(4)))
            return server

    server = run(work())
    assert (len(server.heads), server.connections) == (12, 4)


def test_any_status_comes_back_and_no_redirect_is_followed() -> None:
    away = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
    assert asked(lambda *_: away)[0].status == 302
    assert asked(lambda *_: b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n")[0].status == 404
    assert asked(lambda *_: b"HTTP/1.1 204 No\r\ncontent-length: 0\r\n\r\n")[0].content == b""


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\n\r\nhi",  # the end of the connection is the end of the body
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi",
        OK + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
        OK + b"garbage",
    ],
)
def test_a_connection_that_ends_or_says_too_much_is_not_used_again(answer: bytes) -> None:
    found, server = asked(lambda *_: answer, 2)
    assert (found.content, server.connections) == (b"hi", 2)


def test_chunks_and_interim_answers_are_understood() -> None:
    chunked = (
        b"HTTP/1.1 103 Early\r\nx-hint: 1\r\n\r\n"
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n"
    )
    found, _ = asked(lambda *_: chunked)
    assert (found.status, found.content, "x-hint" in found.headers) == (200, b"hi", False)


def test_repeated_headers_are_joined() -> None:
    twice = b"HTTP/1.1 200 OK\r\nVia: a\r\nvia: b\r\ncontent-length: 0\r\n\r\n"
    assert asked(lambda *_: twice)[0].headers["via"] == "a, b"


def closes_after(first: bytes) -> Reply:
    """A server that answers once, and closes the kept connection when asked again."""
    open_until = [2]

    def reply(number: int, head: bytes, body: bytes) -> bytes | None:
        if number == open_until[0]:
            return None
        return first

    return reply


def test_a_request_that_may_be_repeated_survives_a_closed_connection() -> None:
    found, server = asked(closes_after(OK), 2)
    assert (found.content, server.connections) == (b"hi", 2)
    found, server = asked(closes_after(OK), 2, "POST", repeatable=True)
    assert (found.content, server.connections) == (b"hi", 2)


def test_a_request_that_may_not_be_repeated_is_sent_once() -> None:
    with pytest.raises(FetchFailed):
        asked(closes_after(OK), 2, "POST")


@pytest.mark.parametrize(
    ("answer", "fact"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "cannot be reached"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi", "gave no whole answer"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nhi", "cannot be"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\nhi",
            "cannot be",
        ),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "cannot be reached"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000, "cannot be reached"),
        (b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", "cannot be"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nhi",
            "compressed",
        ),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n", "is larger than"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 5000, "is larger than"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "cannot be reached"),
    ],
)
def test_a_server_that_breaks_the_rules_is_an_error(answer: bytes, fact: str) -> None:
    with pytest.raises(FetchFailed, match=fact):
        asked(lambda *_: answer, max_bytes=1000, timeout=0.5)


def test_silence_ends_with_the_time_allowed() -> None:
    with pytest.raises(FetchFailed, match=r"within 0\.2 seconds"):
        asked(lambda *_: b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n", timeout=0.2)


def test_a_header_cannot_break_out_of_its_line() -> None:
    with pytest.raises(EgressRefused, match="x-key breaks out"):
        asked(lambda *_: OK, headers={"x-key": "1\r\nevil: 2"})


def test_what_may_not_be_contacted_is_refused_here_too() -> None:
    async def work(url: str) -> None:
        egress = Egress(resolver=lambda host, port: ["10.0.0.1"])
        try:
            await egress.request("POST", url)
        finally:
            egress.close()

    for url in ("http://127.0.0.1:9/", "http://inner.example/", "http://[::1]/", "ftp://a/", "x"):
        with pytest.raises(EgressRefused):
            run(work(url))


def test_a_name_is_looked_up_once_for_a_burst_of_requests() -> None:
    looked: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        looked.append(host)
        return ["127.0.0.1"]

    async def work() -> Server:
        async with serving(lambda *_: OK) as server, way_out(resolver=resolver) as egress:
            for _ in range(3):
                await egress.request("GET", f"http://node.example:{server.port}/")
            return server

    server = run(work())
    assert (looked, server.connections) == (["node.example"], 1)
    assert b"host: node.example:" in server.heads[0]


def test_two_names_at_one_address_share_no_secure_connection() -> None:
    authority = trustme.CA()
    serving_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("one.example").configure_cert(serving_tls)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)

    async def work() -> None:
        async with (
            serving(lambda *_: OK, ssl=serving_tls) as server,
            way_out(resolver=lambda host, port: ["127.0.0.1"], trust=trust) as egress,
        ):
            found = await egress.request("GET", f"https://one.example:{server.port}/")
            assert found.content == b"hi"
            with pytest.raises(FetchFailed):
                await egress.request("GET", f"https://two.example:{server.port}/")
            await egress.request("GET", f"https://one.example:{server.port}/")
            assert server.connections == 1

    run(work())


def test_the_next_address_is_tried_when_the_first_is_dead() -> None:
    async def work() -> bytes:
        resolved = ["127.0.0.2", "127.0.0.1"]
        async with serving(lambda *_: OK) as server:
            egress = Egress(("127.0.0.0/8",), resolver=lambda host, port: resolved)
            try:
                url = f"http://node.example:{server.port}/"
                return (await egress.request("GET", url)).content
            finally:
                egress.close()

    assert run(work()) == b"hi"


# -- where only the status matters -----------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 300_000,
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n\x1f\x8b",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nno chunk",
        b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nthe connection breaks",
    ],
    ids=["announced", "endless", "compressed", "no chunk", "cut off"],
)
def test_a_status_counts_whatever_comes_after_it(answer: bytes) -> None:
    found, _ = asked(lambda *_: answer, 1, "POST", status_only=True, max_bytes=1000)
    assert found.status == 200
    with pytest.raises(FetchFailed):
        asked(lambda *_: answer, 1, "POST", max_bytes=1000)


def test_a_connection_on_which_the_rest_did_not_come_is_not_used_again() -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n" + b"x" * 5000
    _, server = asked(lambda *_: answer, 3, "POST", status_only=True, max_bytes=1000)
    assert server.connections == 3


def test_a_body_that_drips_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_REST_SECONDS", 0.02)
    gone = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 201 Fine\r\ntransfer-encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"1\r\nx\r\n")
                await writer.drain()
                await asyncio.sleep(0.005)
        writer.close()
        gone.set()

    async def work() -> int:
        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, way_out() as egress:
            url = f"http://127.0.0.1:{port}/"
            found = await egress.request("POST", url, timeout=30, status_only=True)
            await asyncio.wait_for(gone.wait(), 30)  # the node has closed the connection
            return found.status

    assert run(work()) == 201


@pytest.mark.parametrize("piece", [b"a: b\r\n", b"x" * 1000], ids=["trailers", "one trailer"])
def test_what_is_no_body_is_limited_too(piece: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nend: "
    with pytest.raises(FetchFailed):
        asked(lambda *_: head + piece * (200_000 // len(piece)), max_bytes=1000)


def test_an_answer_that_is_announced_for_ever_is_an_error() -> None:
    with pytest.raises(FetchFailed):
        asked(lambda *_: b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000)
