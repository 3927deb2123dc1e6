"""Identifiers: what is a URI, and how good ones are made."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.ids import is_uri, slug, urn


@pytest.mark.parametrize(
    "text",
    [
        "urn:ngsi-ld:Stop:1",
        "https://example.org/a?b=c#d",
        "mailto:a@example.org",
        "tag:example.org,2026:x",
        "http://[::1]:8080/",
        "urn:ngsi-ld:Straße:日本",
        "a:b",
        "urn:x:%20",
    ],
)
def test_uris(text: str) -> None:
    assert is_uri(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Stop1",
        "urn:",
        ":x",
        "1a:b",
        "urn:a b",
        "urn:a\n",
        "urn:a\u200bb",
        "urn:a\u202eb",
        "urn:a\ufe0f",
        "urn:<x>",
        'urn:"x"',
        "urn:a\\b",
        "urn:{x}",
        "urn:a\ud800",
        "urn:" + "x" * 2048,
        None,
        5,
        ["urn:a:b"],
    ],
)
def test_what_is_no_uri(text: Any) -> None:
    assert not is_uri(text)


@given(st.text(max_size=20))
def test_whatever_is_a_uri_has_a_scheme_and_can_be_sent(text: str) -> None:
    if is_uri(f"urn:{text}"):
        assert text
        assert not any(char.isspace() for char in text)
        assert f"urn:{text}".encode()


def test_slugs() -> None:
    assert slug("La Serena – Coquimbo") == "la-serena-coquimbo"
    assert slug("  Café №7!  ") == "cafe-no7"
    assert slug("日本") == ""


@given(st.text())
def test_slugs_are_stable_and_plain(text: str) -> None:
    found = slug(text)
    assert slug(found) == found
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_urns() -> None:
    assert urn("Stop", "coquimbo", 17) == "urn:ngsi-ld:Stop:coquimbo:17"
    assert is_uri(urn("Stop", "coquimbo", 17))
