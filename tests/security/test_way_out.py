"""Server-side request forgery: more ways to write an address inside, at every door that takes an address."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from hansa.kernel.egress import Egress, EgressRefused, FetchFailed
from hansa.node import Node

from .asking import ask
from .conftest import TOKEN

INSIDE = [
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7f.0x0.0x0.0x1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://metadata.google.internal@169.254.169.254/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://8.8.8.8@127.0.0.1/",
    "http://127.0.0.1#@8.8.8.8/",
    "http://127.0.0.1\\@8.8.8.8/",
    "http://8.8.8.8:22/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "dict://127.0.0.1:11211/",
    "ftp://127.0.0.1/",
    "data:text/plain,x",
    "jar:http://127.0.0.1!/",
    "unix:/run/x.sock",
]


@pytest.mark.parametrize("url", INSIDE, ids=range(len(INSIDE)))
def test_no_way_of_writing_it_leads_inside(url: str) -> None:
    for work in (Egress().fetch, lambda u: Egress().request("POST", u, max_bytes=1)):
        with pytest.raises((EgressRefused, FetchFailed)) as caught:
            asyncio.run(work(url))
        assert isinstance(caught.value, EgressRefused), caught.value


def test_a_name_service_that_changes_its_mind_is_not_followed() -> None:
    """The check and the connection use one answer; a later one that leads inside is refused by itself."""
    answers = [["8.8.8.8", "::1"], ["10.0.0.1"], ["169.254.169.254"], ["::ffff:127.0.0.1"]]
    for found in answers:
        egress = Egress(resolver=lambda host, port, found=found: found)  # type: ignore[misc]
        with pytest.raises(EgressRefused, match="not public"):
            asyncio.run(egress.fetch("http://rebind.example/"))


def with_token(body: object) -> tuple[dict[str, str], bytes]:
    """Header fields and body of a request by the operator."""
    raw = orjson.dumps(body)
    return {
        "authorization": f"Bearer {TOKEN}",
        "content-type": "application/ld+json",
        "content-length": str(len(raw)),
    }, raw


@pytest.mark.parametrize("url", INSIDE, ids=range(len(INSIDE)))
def test_a_context_is_fetched_from_nowhere_inside(city: Node, url: str) -> None:
    body = {"id": "urn:x:ssrf", "type": "T", "@context": url}
    reply = ask(city, "POST", "/ngsi-ld/v1/entities", *with_token(body))
    assert reply.status in (400, 504)
    assert b"root:" not in reply.body


def test_a_link_of_an_anonymous_reader_leads_nowhere_inside(city: Node) -> None:
    for url in INSIDE:
        if url.isascii():
            link = {"link": f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"'}
            assert ask(city, "GET", "/ngsi-ld/v1/entities?type=T", link).status in (400, 504)
