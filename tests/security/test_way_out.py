"""Server-side request forgery: more ways to write an address inside, at every door that takes an address."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from hansa.kernel.egress import Egress, EgressRefused, FetchFailed
from hansa.kernel.errors import HansaError
from hansa.kernel.mqtt import parse_endpoint
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
    # Names that become another name, and addresses in names' clothes.
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "http://ｌｏｃａｌｈｏｓｔ/",
    "http://local\u00adhost/",
    "http://loc\u200balhost/",
    "http://1２7.0.0.1/",
    "http://xn--localhost-/",
    "http://%6c%6f%63%61%6c%68%6f%73%74/",
    "http://%31%32%37.0.0.1/",
    "http://localhost%00.example/",
    "http://127.0.0.1./",
    "http://127.0.0.1../",
    # IPv6 that carries, or has a zone.
    "http://[::ffff:127.0.0.1%25lo]/",
    "http://[::1%25lo]/",
    "http://[fe80::1%25eth0]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[2001::1]/",
    "http://[fec0::1]/",
    # What is neither private nor public, and odd ports.
    "http://100.64.0.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://127.0.0.1:80:80/",
    "http://127.0.0.1%2f@8.8.8.8/",
]

NAMED = [
    "localhost.localdomain",
    "169.254.169.254.nip.example",
    "127.0.0.1\u3002nip",
    "faß.example",
]
"""Names of any form that a name service answers with an address inside."""


@pytest.mark.parametrize("url", INSIDE, ids=range(len(INSIDE)))
def test_no_way_of_writing_it_leads_inside(url: str) -> None:
    for work in (Egress().fetch, lambda u: Egress().request("POST", u, max_bytes=1)):
        with pytest.raises((EgressRefused, FetchFailed)) as caught:
            asyncio.run(work(url))
        assert isinstance(caught.value, EgressRefused), caught.value


@pytest.mark.parametrize("host", NAMED, ids=range(len(NAMED)))
@pytest.mark.parametrize(
    "answer", ["127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "fe80::1%lo"]
)
def test_no_name_leads_inside(host: str, answer: str) -> None:
    egress = Egress(resolver=lambda *_: ["8.8.8.8", answer])
    for work in (egress.fetch, lambda u: egress.request("POST", u, max_bytes=1)):
        with pytest.raises(EgressRefused):
            asyncio.run(work(f"http://{host}/"))
    with pytest.raises(EgressRefused):
        asyncio.run(egress.pin(host, 1883))


@pytest.mark.parametrize("url", [url for url in INSIDE if url.startswith("http:")])
def test_no_broker_is_inside_either(url: str) -> None:
    """MQTT goes by the same guard."""
    try:
        broker, _ = parse_endpoint(url.replace("http:", "mqtt:").rstrip("/") + "/topic", "5")
    except HansaError:
        return  # no broker at all
    if broker.host == "8.8.8.8":
        return  # a broker may have any port, and users
    with pytest.raises((EgressRefused, FetchFailed)):
        asyncio.run(Egress(resolver=lambda *_: ["127.0.0.1"]).pin(broker.host, broker.port))


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
