"""A node that sends nothing out without TLS, when its operator wants that."""

from __future__ import annotations

import asyncio

import pytest

from hansa.kernel.egress import Egress, EgressRefused
from hansa.kernel.settings import Settings

PUBLIC = "8.8.8.8"


def guard(*allow: str, encrypted: bool = True) -> Egress:
    return Egress(allow, encrypted=encrypted, resolver=lambda host, port: [PUBLIC])


def test_nothing_goes_out_in_the_clear() -> None:
    egress = guard()
    for url in ("http://city.example/data", "http://city.example:443/"):
        for way in (egress.fetch(url), egress.request("POST", url), egress.apart().fetch(url)):
            with pytest.raises(EgressRefused, match="without TLS"):
                asyncio.run(way)
    with pytest.raises(EgressRefused, match="without TLS"):
        asyncio.run(egress.pin("broker.example", 1883, plain=True))
    assert asyncio.run(egress.pin("broker.example", 8883)).addresses == (PUBLIC,)


@pytest.mark.parametrize("allowed", ["broker.example", PUBLIC])
def test_what_is_on_the_list_may_be_reached_as_it_is(allowed: str) -> None:
    found = asyncio.run(guard(allowed).pin("broker.example", 1883, plain=True))
    assert found.addresses == (PUBLIC,)


def test_it_is_the_operator_who_decides() -> None:
    assert asyncio.run(guard(encrypted=False).pin("a.example", 1883, plain=True)).addresses
    assert not Settings().egress_encrypted
    made = Egress.for_node(Settings(egress_encrypted=True))
    with pytest.raises(EgressRefused, match="without TLS"):
        asyncio.run(made.fetch(f"http://{PUBLIC}/"))
