"""What the elements of the device chain mean, in plain words, in the languages of the pages.

The explanations are our own; the identifiers are those of DTPR (``dtpr.toml``). Pages, signs and forms take
their words from here, so that they say the same. A language without words speaks English.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

__all__ = ["TONGUES", "Words", "words"]

TONGUES: Final = ("en", "es", "fr", "ko")
"""The languages that there are words in."""


class Words(NamedTuple):
    """A short name, and a sentence that explains it."""

    name: str
    meaning: str


@cache
def words(tongue: str) -> Mapping[str, Mapping[str, Words]]:
    """All words of a language: by part of the chain, then by element.

    Beside the parts of the chain there are ``chain`` (the parts themselves) and ``basis`` (lawful bases).
    """
    known = tongue if tongue in TONGUES else "en"
    text = files("hansa.trust.sources").joinpath("meanings", f"{known}.toml").read_text("utf-8")
    return {
        part: {name: Words(*pair) for name, pair in members.items()}
        for part, members in tomllib.loads(text).items()
    }
