"""Collations, clause 4.23.3: keys of texts, unknown tags, and a missing ICU."""

from __future__ import annotations

import sys

import pytest

from hansa.kernel.errors import BadRequest, MissingExtra
from hansa.ngsild.collation import collation_key


def ordered(tag: str, *texts: str) -> list[str]:
    return sorted(texts, key=collation_key(tag))


def test_the_root_collation_puts_accents_beside_their_letters() -> None:
    assert ordered("und", "b", "á", "A", "a") == ["a", "A", "á", "b"]


def test_languages_differ() -> None:
    assert ordered("de", "Zebra", "Ähre", "Ahorn") == ["Ahorn", "Ähre", "Zebra"]
    assert ordered("sv", "Zebra", "Ähre", "Ahorn") == ["Ahorn", "Zebra", "Ähre"]
    assert ordered("de-u-co-phonebk", "Af", "Ä", "Ad") == ["Ad", "Ä", "Af"]


@pytest.mark.parametrize("tag", ["", "!!nope", "not a tag", "x" * 200])
def test_what_is_no_tag_is_refused(tag: str) -> None:
    with pytest.raises(BadRequest):
        collation_key(tag)


def test_without_icu_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "icu", None)
    collation_key.cache_clear()
    with pytest.raises(MissingExtra, match=r"hansa\[collation\]"):
        collation_key("und")
    collation_key.cache_clear()
