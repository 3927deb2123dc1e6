"""The guard of the way out: what it lets through, and every way around it that is shut."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import pytest
import trustme

from hansa.kernel.egress import Egress, EgressRefused, FetchFailed, Response

T = TypeVar("T")
Handler = Callable[[str, asyncio.StreamWriter], Awaitable[None]]
LOOPBACK = ("127.0.0.1", "127.0.0.2", "::1")


def answer(body: bytes = b"hello", *head: str, status: str = "200 OK") -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        f"content-length: {len(body)}",
        "connection: close",
        *head,
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body


@contextlib.asynccontextmanager
async def server(handler: Handler, host: str = "127.0.0.1", port: int = 0, **options: Any) -> Any:
    """A server that hands each request's head to `handler`; yields its port."""
    writers: set[asyncio.StreamWriter] = set()
    tasks: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            await handler(head, writer)
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, host, port, **options)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.close()
        for writer in writers:
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()


def replies(content: bytes) -> Handler:
    async def handler(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(content)

    return handler


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def fetched(handler: Handler, egress: Egress, url: str, **options: Any) -> Response:
    """What `egress` gets from a server on 127.0.0.1; ``{}`` in `url` stands for its port."""

    async def work() -> Response:
        async with server(handler) as port:
            return await egress.fetch(url.format(port), **options)

    return run(work())


# -- what passes -----------------------------------------------------------------------------------


def test_an_allowed_address_is_fetched() -> None:
    seen: list[str] = []

    async def handler(head: str, writer: asyncio.StreamWriter) -> None:
        seen.append(head)
        writer.write(answer(b"{}", "content-type: Application/LD+json; charset=utf-8"))

    found = fetched(
        handler,
        Egress(LOOPBACK),
        "http://127.0.0.1:{}/a?b=c",
        accept="text/x",
        headers={"x-key": "1"},
    )
    assert (found.status, found.content, found.media_type) == (200, b"{}", "application/ld+json")
    head = seen[0].lower()
    assert head.startswith("get /a?b=c http/1.1")
    assert "accept: text/x" in head
    assert "accept-encoding: identity" in head
    assert "x-key: 1" in head


def test_a_thread_without_a_loop_can_fetch_too() -> None:
    async def work() -> Response:
        async with server(replies(answer())) as port:
            egress = Egress(LOOPBACK)
            return await asyncio.to_thread(egress.fetch_now, f"http://127.0.0.1:{port}/")

    assert run(work()).content == b"hello"


def test_the_host_header_keeps_the_name_while_the_address_is_pinned() -> None:
    seen: list[str] = []
    asked: list[str] = []

    async def handler(head: str, writer: asyncio.StreamWriter) -> None:
        seen.append(head)
        writer.write(answer())

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    fetched(handler, Egress(LOOPBACK, resolver=resolver), "http://Bücher.example:{}/")
    assert asked == ["xn--bcher-kva.example"]
    assert "host: xn--bcher-kva.example:" in seen[0].lower()


def test_tls_checks_the_name_of_the_url() -> None:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("city.example").configure_cert(serving)
    names: list[str | None] = []
    serving.sni_callback = lambda _socket, name, _context: names.append(name)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    egress = Egress(LOOPBACK, resolver=lambda host, port: ["127.0.0.1"], trust=trust)

    async def work(url: str) -> Response:
        async with server(replies(answer()), ssl=serving) as port:
            return await egress.fetch(url.format(port))

    assert run(work("https://city.example:{}/")).content == b"hello"
    assert names == ["city.example"]
    with pytest.raises(FetchFailed, match="certificate is not trusted"):
        run(work("https://other.example:{}/"))


def test_an_allowed_host_may_have_any_address_and_port() -> None:
    egress = Egress(["sensors.internal"], resolver=lambda host, port: ["127.0.0.1"])
    assert fetched(replies(answer()), egress, "http://sensors.internal:{}/").status == 200
    with pytest.raises(EgressRefused, match="not public"):
        fetched(replies(answer()), egress, "http://evil.internal:{}/")


def test_the_next_address_is_tried_when_the_first_refuses() -> None:
    egress = Egress(LOOPBACK, resolver=lambda host, port: ["127.0.0.2", "127.0.0.1"])
    assert fetched(replies(answer()), egress, "http://two.example:{}/").content == b"hello"


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:{}/", "not public .loopback"),
        ("http://localhost:{}/", "loopback"),
        ("http://localhost.:{}/", "loopback"),
        ("http://[::1]:{}/", "loopback"),
        ("http://[::ffff:127.0.0.1]:{}/", "loopback"),
        ("http://[::ffff:7f00:1]:{}/", "loopback"),
        ("http://[64:ff9b::7f00:1]:{}/", "loopback"),
        ("http://[2002:7f00:1::]:{}/", "6to4"),
        ("http://[2001:0:7f00:1::]:{}/", "Teredo"),
        ("http://[fe80::1%25eth0]:{}/", "a character|not a URL"),
        ("http://2130706433:{}/", "not an IP address in its usual form"),
        ("http://0x7f000001:{}/", "not an IP address in its usual form"),
        ("http://0177.0.0.1:{}/", "not an IP address|not a URL"),
        ("http://127.1:{}/", "not an IP address in its usual form"),
        ("http://0.0.0.0:{}/", "this network"),
        ("http://169.254.169.254/latest/meta-data/", "link-local"),
        ("http://100.100.100.200/", "shared"),
        ("http://user:word@8.8.8.8/", "carries a user name"),
        ("http://8.8.8.8:25/", "port 25 is not one for the web"),
        ("file:///etc/passwd", "is not a URL"),
        ("file://localhost/etc/passwd", "'file' is not http or https"),
        ("gopher://127.0.0.1:{}/", "'gopher' is not http or https"),
        ("ftp://example.org/", "'ftp' is not http or https"),
        ("//example.org/", "is not http or https"),
        ("example.org", "is not a URL"),
        ("", "is not a URL"),
        ("http://", "is not a URL"),
        ("http://exa mple.org/", "a character that no host name"),
        ("http://ex\nample.org/", "is not a URL"),
        ("http://example.org:99999/", "is not a URL"),
        ("http://[::1/", "is not a URL"),
        ("http://" + "a" * 5000 + ".org/", "is not a URL"),
        ("http://" + "a." * 200 + "org/", "is not a URL|too long"),
    ],
)
def test_a_url_that_leads_inside_is_refused_before_any_connection(url: str, words: str) -> None:
    connected: list[str] = []

    async def handler(head: str, writer: asyncio.StreamWriter) -> None:
        connected.append(head)
        writer.write(answer())

    with pytest.raises((EgressRefused, FetchFailed), match=words):
        fetched(handler, Egress(), url.replace("{}", "{0}"))
    assert connected == []


def test_one_private_address_among_public_ones_is_enough() -> None:
    egress = Egress(resolver=lambda host, port: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(EgressRefused, match="private"):
        run(egress.fetch("http://mixed.example/"))


def test_a_redirect_inside_is_refused() -> None:
    async def work() -> Response:
        async with server(replies(answer()), "127.0.0.2") as inner:
            where = f"location: http://127.0.0.2:{inner}/secret"
            async with server(replies(answer(b"", where, status="302 Found"))) as outer:
                return await Egress(["127.0.0.1"]).fetch(f"http://127.0.0.1:{outer}/")

    with pytest.raises(EgressRefused, match="loopback"):
        run(work())


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/", "http://[bad/"])
def test_a_redirect_elsewhere_is_refused(location: str) -> None:
    handler = replies(answer(b"", f"location: {location}", status="301 Moved Permanently"))
    with pytest.raises(EgressRefused):
        fetched(handler, Egress(LOOPBACK), "http://127.0.0.1:{}/")


def test_a_redirect_is_followed_and_leaves_secrets_behind() -> None:
    seen: list[str] = []

    async def inner(head: str, writer: asyncio.StreamWriter) -> None:
        seen.append(head)
        writer.write(answer(b"there"))

    async def work() -> Response:
        async with server(inner, "127.0.0.2") as port:
            where = f"location: http://127.0.0.2:{port}/x"
            async with server(replies(answer(b"", where, status="307 Temporary"))) as first:
                egress = Egress(LOOPBACK)
                return await egress.fetch(f"http://127.0.0.1:{first}/", headers={"x-key": "secret"})

    found = run(work())
    assert found.content == b"there"
    assert found.url.startswith("http://127.0.0.2:")
    assert "x-key" not in seen[0].lower()


def test_a_relative_redirect_keeps_the_headers() -> None:
    seen: list[str] = []

    async def handler(head: str, writer: asyncio.StreamWriter) -> None:
        seen.append(head)
        moved = answer(b"", "location: /b", status="302 Found")
        writer.write(moved if "GET /a" in head else answer())

    assert fetched(
        handler, Egress(LOOPBACK), "http://127.0.0.1:{}/a", headers={"x-key": "s"}
    ).content
    assert "GET /b" in seen[1]
    assert "x-key: s" in seen[1]


def test_a_circle_of_redirects_ends() -> None:
    handler = replies(answer(b"", "location: /again", status="302 Found"))
    with pytest.raises(FetchFailed, match="redirects more than"):
        fetched(handler, Egress(LOOPBACK), "http://127.0.0.1:{}/")


def test_a_second_answer_of_the_name_service_is_never_asked_for() -> None:
    """Rebinding: the first answer passes the check, the second would lead inside."""
    answers = [["127.0.0.2"], ["127.0.0.1"]]
    inside: list[str] = []

    async def secret(head: str, writer: asyncio.StreamWriter) -> None:
        inside.append(head)
        writer.write(answer(b"secret"))

    async def work() -> Response:
        async with (
            server(replies(answer(b"public")), "127.0.0.2") as port,
            server(secret, "127.0.0.1", port),
        ):
            egress = Egress(["127.0.0.2"], resolver=lambda host, port: answers.pop(0))
            return await egress.fetch(f"http://rebind.example:{port}/")

    assert run(work()).content == b"public"
    assert inside == []
    assert answers == [["127.0.0.1"]]


# -- what is cut off -------------------------------------------------------------------------------


def test_a_body_that_announces_itself_too_large_is_not_read() -> None:
    async def handler(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n")

    with pytest.raises(FetchFailed, match="is larger than 1000 bytes"):
        fetched(handler, Egress(LOOPBACK), "http://127.0.0.1:{}/", max_bytes=1000)


def test_an_endless_body_is_cut() -> None:
    sent = 0

    async def handler(head: str, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while sent < 100_000_000:
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            sent += 65536
            await writer.drain()

    with pytest.raises(FetchFailed, match="is larger than 200000 bytes"):
        fetched(handler, Egress(LOOPBACK), "http://127.0.0.1:{}/", max_bytes=200_000)
    assert sent < 50_000_000


def test_a_body_of_exactly_the_limit_passes() -> None:
    found = fetched(
        replies(answer(b"x" * 500)), Egress(LOOPBACK), "http://127.0.0.1:{}/", max_bytes=500
    )
    assert len(found.content) == 500


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"])
def test_a_slow_drip_is_cut_in_head_and_body(start: bytes) -> None:
    async def handler(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        for _ in range(1000):
            writer.write(b"H")
            await writer.drain()
            await asyncio.sleep(0.02)

    with pytest.raises(FetchFailed, match=r"no whole answer within 0\.3 seconds"):
        fetched(handler, Egress(LOOPBACK), "http://127.0.0.1:{}/", timeout=0.3)


def test_a_name_service_that_hangs_is_not_waited_for() -> None:
    def resolver(host: str, port: int) -> list[str]:
        time.sleep(1)
        return ["127.0.0.1"]

    with pytest.raises(FetchFailed, match="no whole answer within"):
        run(Egress(LOOPBACK, resolver=resolver).fetch("http://slow.example/", timeout=0.1))


def test_a_compressed_answer_is_not_unpacked() -> None:
    handler = replies(answer(b"\x1f\x8b", "content-encoding: gzip"))
    with pytest.raises(FetchFailed, match="compressed"):
        fetched(handler, Egress(LOOPBACK), "http://127.0.0.1:{}/")


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "304 Not Modified", "302 Found"])
def test_a_status_without_a_document_is_a_failure(status: str) -> None:
    with pytest.raises(FetchFailed, match=f"status {status[:3]}"):
        fetched(replies(answer(b"", status=status)), Egress(LOOPBACK), "http://127.0.0.1:{}/")


@pytest.mark.parametrize("garbage", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-le"])
def test_an_answer_that_is_not_http_is_a_failure(garbage: bytes) -> None:
    with pytest.raises(FetchFailed, match="cannot be reached"):
        fetched(replies(garbage), Egress(LOOPBACK), "http://127.0.0.1:{}/")


def test_an_unknown_host_is_a_failure() -> None:
    def resolver(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(FetchFailed, match="its host is unknown"):
        run(Egress(resolver=resolver).fetch("http://nowhere.example/"))


def test_nobody_listening_is_a_failure() -> None:
    async def work() -> Response:
        async with server(replies(b"")) as port:
            pass
        return await Egress(LOOPBACK).fetch(f"http://127.0.0.1:{port}/")

    with pytest.raises(FetchFailed, match="no connection"):
        run(work())


@pytest.mark.parametrize(
    "url", ["http://xn--80ak6aa92e.example../", "http://xn--.example/", "http://a..xn--b/"]
)
def test_a_name_that_cannot_be_decoded_is_refused(url: str) -> None:
    with pytest.raises((EgressRefused, FetchFailed)):
        asyncio.run(Egress(resolver=lambda host, port: []).fetch(url))
