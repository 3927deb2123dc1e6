"""Whatever is asked for, however it is written, wherever it redirects: no connection is made to an inner address.

What the guard connects to is noted where the event loop opens its sockets, below everything that could be fooled;
what is public is judged by the standard library, not by the guard's own tables.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from asyncio.selector_events import BaseSelectorEventLoop
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa.kernel.egress import Egress, EgressRefused, FetchFailed

INNER = [
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16",
    "192.0.0.0/24 198.18.0.0/15 224.0.0.0/4 240.0.0.0/4 192.0.2.0/24 198.51.100.0/24 203.0.113.0/24",
]
NETWORKS = [ipaddress.IPv4Network(text) for line in INNER for text in line.split()]
NET6 = [
    ipaddress.IPv6Network(text)
    for text in "::/127 fc00::/7 fe80::/10 fec0::/10 ff00::/8 2001:db8::/32 2002::/16 2001::/32".split()
]
SECRET = "canary-of-the-first-host"


@dataclass
class Seen:
    """What happened below the guard."""

    connected: list[tuple[str, int]] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet, by the standard library, carried forms unpacked."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour
        if address in ipaddress.IPv6Network("64:ff9b::/96"):
            carried = IPv4Address(int(address) & 0xFFFF_FFFF)
        if carried is not None:
            return is_public(str(carried))
        if address.teredo is not None or address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


inside4 = st.one_of(
    *(
        st.integers(int(net.network_address), int(net.broadcast_address)).map(IPv4Address)
        for net in NETWORKS
    )
)
outside4 = st.sampled_from(["8.8.8.8", "1.1.1.1", "93.184.215.14"]).map(IPv4Address)
any4 = st.one_of(inside4, inside4, outside4)
inside6 = st.one_of(
    *(
        st.integers(int(net.network_address), int(net.broadcast_address)).map(IPv6Address)
        for net in NET6
    )
)


@st.composite
def carrying(draw: st.DrawFn) -> IPv6Address:
    """An IPv6 address that carries an IPv4 one in one of the known ways."""
    low = int(draw(any4))
    prefix = draw(st.sampled_from(["::ffff:0:0", "64:ff9b::", "::", "::ffff:0:0:0", "64:ff9b:1::"]))
    if draw(st.booleans()):
        return IPv6Address(int(IPv6Address("2002::")) | low << 80)
    return IPv6Address(int(IPv6Address(prefix)) | low)


any6 = st.one_of(inside6, carrying(), st.sampled_from(["2606:4700::1111"]).map(IPv6Address))
addresses = st.one_of(any4, any6)


@st.composite
def hosts(draw: st.DrawFn) -> str:
    """A host as somebody might write it: a name, or an address in one of many notations."""
    kind = draw(st.integers(0, 9))
    if kind < 3:
        name = draw(st.sampled_from("a.example b.example xn--80ak6aa92e.example LOCALHOST".split()))
        return name + draw(st.sampled_from(["", ".", ".."]))
    if kind < 5:
        address6 = draw(any6)
        texts = [address6.compressed, address6.exploded, address6.compressed.upper()]
        low = IPv4Address(int(address6) & 0xFFFF_FFFF)
        texts.append(address6.exploded[:30] + str(low))
        zone = draw(st.sampled_from(["", "", "%25eth0", "%1", "%lo"]))
        return f"[{draw(st.sampled_from(texts))}{zone}]"
    number = int(draw(any4))
    parts = list(number.to_bytes(4, "big"))
    forms = [
        ".".join(map(str, parts)),
        str(number),
        hex(number),
        f"0{number:o}",
        ".".join(map(hex, parts)),
        ".".join(f"0{part:o}" for part in parts),
        ".".join(f"{part:03}" for part in parts),
        f"{parts[0]}.{number & 0xFFFFFF}",
        f"{parts[0]}.{parts[1]}.{number & 0xFFFF}",
        ".".join(map(str, parts)) + ".",
        "%" + "%".join(f"{ord(sign):02x}" for sign in ".".join(map(str, parts))),
        "".join(chr(0xFF10 + int(s)) if s.isdigit() else "。" for s in ".".join(map(str, parts))),
    ]
    return draw(st.sampled_from(forms))


@st.composite
def urls(draw: st.DrawFn) -> str:
    """A URL that leads to one of those hosts, or seems to lead elsewhere."""
    scheme = draw(
        st.sampled_from(["http", "http", "http", "https", "HTTP", "ftp", "file", "//", ""])
    )
    before = draw(st.sampled_from([*[""] * 15, "8.8.8.8@", "u:p@", "a.example\\@", "a.example#@"]))
    port = draw(st.sampled_from([*[""] * 15, ":80", ":443", ":22", ":8080", ":0", ":99999", ":"]))
    after = draw(
        st.sampled_from(
            [*["/"] * 15, "/x?u=http://8.8.8.8/", "", "\t/", "/\r\nX: y", "\\@8.8.8.8/"]
        )
    )
    start = {"//": "//", "": ""}.get(scheme, f"{scheme}://")
    return f"{start}{before}{draw(hosts())}{port}{after}"


@contextmanager
def watched(seen: Seen, ports: dict[socket.AddressFamily, int]) -> Iterator[None]:
    """Note where the loop connects to, and lead it to a server of this test."""
    real = BaseSelectorEventLoop.sock_connect

    async def connect(loop: Any, sock: socket.socket, address: Any) -> None:
        seen.connected.append((address[0], address[1]))
        here = "::1" if sock.family == socket.AF_INET6 else "127.0.0.1"
        await real(loop, sock, (here, ports[sock.family]))

    def look_up(host: Any, *rest: Any, **more: Any) -> Any:
        seen.looked_up.append(str(host))
        raise OSError("no name is looked up behind the guard's back")

    with (
        mock.patch.object(BaseSelectorEventLoop, "sock_connect", connect),
        mock.patch.object(socket, "getaddrinfo", look_up),
    ):
        yield


async def tried(way: str, url: str, redirects: list[str], answers: list[list[str]]) -> Seen:
    """Ask for `url` with a server that redirects, and a name service that changes its mind."""
    seen, left = Seen(), list(redirects)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.read(65536)
        seen.heads.append(head)
        location = left.pop(0) if left else ""
        answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
        if location:
            answer = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        writer.write(answer.encode("utf-8", "replace"))
        writer.close()

    def resolve(host: str, port: int) -> list[str]:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    served = {
        socket.AF_INET: await asyncio.start_server(serve, "127.0.0.1", 0),
        socket.AF_INET6: await asyncio.start_server(serve, "::1", 0),
    }
    ports = {family: each.sockets[0].getsockname()[1] for family, each in served.items()}
    egress = Egress(resolver=resolve)
    secret = {"x-key": SECRET}
    with watched(seen, ports):
        try:
            if way == "fetch":
                await egress.fetch(url, timeout=5, headers=secret)
            else:
                await egress.request("POST", url, timeout=5, headers=secret, body=b"{}")
        except (EgressRefused, FetchFailed):
            pass
        finally:
            egress.close()
            for each in served.values():
                each.close()
                await each.wait_closed()
    return seen


@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.sampled_from(["fetch", "fetch", "request"]),
    urls(),
    st.lists(urls(), max_size=3),
    st.lists(st.lists(addresses.map(str), min_size=1, max_size=3), min_size=1, max_size=4),
)
def test_no_connection_is_ever_made_to_what_is_not_public(
    way: str, url: str, redirects: list[str], answers: list[list[str]]
) -> None:
    seen = asyncio.run(tried(way, url, redirects, answers))
    for address, port in seen.connected:
        assert is_public(address), (address, url, redirects)
        assert port in (80, 443) or port >= 1024
    assert seen.looked_up == []


@settings(max_examples=600, deadline=None)
@given(
    st.lists(addresses.map(str), min_size=1, max_size=2), hosts(), st.sampled_from([80, 443, 8080])
)
def test_no_inner_address_is_ever_pinned(answer: list[str], host: str, port: int) -> None:
    """What comes of a look-up, or stands in a URL, is public or refused."""
    egress = Egress(resolver=lambda name, number: answer)

    async def pinned() -> list[str]:
        found: list[str] = []
        for name in ("a.example", answer[0], host.strip("[]")):
            try:
                found += (await egress.pin(name, port)).addresses
            except (EgressRefused, FetchFailed):
                continue
        return found

    assert all(map(is_public, asyncio.run(pinned())))


def test_the_walk_reaches_public_servers_and_follows_redirects() -> None:
    """Or else the property above would hold of a guard that lets nothing through."""
    there = [["8.8.8.8"]]
    seen = asyncio.run(tried("fetch", "http://a.example/", ["http://b.example/x"], list(there)))
    assert seen.connected == [("8.8.8.8", 80), ("8.8.8.8", 80)]
    assert SECRET.encode() in seen.heads[0]
    assert SECRET.encode() not in seen.heads[1]
    seen = asyncio.run(tried("fetch", "http://a.example/", ["/x"], list(there)))
    assert SECRET.encode() in seen.heads[1]
    seen = asyncio.run(tried("fetch", "http://a.example/", ["http://127.1/"], list(there)))
    assert seen.connected == [("8.8.8.8", 80)]


def test_what_the_first_host_is_given_no_other_origin_gets() -> None:
    """Another host, another port, another scheme, a name within it, a user name in the address."""
    others = [
        "http://b.example/",
        "http://a.example:8080/",
        "http://a.example.b.example/",
        "http://sub.a.example/",
        "//b.example/",
        "http://a.example@b.example/",
        "HTTP://B.example/",
    ]
    for other in others:
        seen = asyncio.run(tried("fetch", "http://a.example/", [other], [["8.8.8.8"]]))
        assert SECRET.encode() in seen.heads[0]
        assert all(SECRET.encode() not in head for head in seen.heads[1:]), other


def test_an_answer_of_the_name_service_that_mixes_in_an_inner_address_is_refused_whole() -> None:
    for inner in (
        "10.0.0.1",
        "::1",
        "fe80::1%1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ):
        for answer in (["8.8.8.8", inner], [inner, "8.8.8.8"]):
            seen = asyncio.run(tried("fetch", "http://a.example/", [], [answer]))
            assert seen.connected == [], inner
