"""Every element of the device chain is explained, in every language of the pages."""

from __future__ import annotations

import pytest

from hansa.trust.sources.record import BASES, CHAIN, elements
from hansa.trust.sources.words import TONGUES, words
from hansa.web.shell.language import LANGUAGES


def test_there_are_words_in_every_language_of_the_pages() -> None:
    assert set(TONGUES) == set(LANGUAGES)


@pytest.mark.parametrize("tongue", TONGUES)
def test_every_element_has_a_name_and_a_sentence(tongue: str) -> None:
    found = words(tongue)
    for part, names in elements().items():
        assert set(found[part]) == set(names), part
    assert set(found["chain"]) == {"accountable", *CHAIN}
    assert set(found["basis"]) == set(BASES)
    for members in found.values():
        for name, said in members.items():
            assert 0 < len(said.name) <= 44, name
            assert said.meaning.endswith("."), name
            assert said.name != name


@pytest.mark.parametrize("tongue", TONGUES)
def test_no_two_elements_of_a_part_are_called_the_same(tongue: str) -> None:
    for part, members in words(tongue).items():
        assert len({said.name for said in members.values()}) == len(members), part


def test_a_language_without_words_speaks_english() -> None:
    assert words("xx") == words("en")
