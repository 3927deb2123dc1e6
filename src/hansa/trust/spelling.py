"""How names are read: their words, whatever dress they come in. Pure.

In this order: the last part of an IRI that has a letter in it; signs that are not seen go, letters that look like Latin
ones become those; words end at signs, digits and capitals; small letters, no accents; the plural is the singular.
Then a name holds a pattern where the pattern's words stand in it, or stand in it as one ("facehash").
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

__all__ = ["folded", "has", "is_one_of", "last_part", "words"]

_WORD: Final = re.compile(r"[^\W\d_]+|\d+")
_BORDER: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PARTS: Final = re.compile(r"[/#:?=&]")
_LETTER: Final = re.compile(r"[^\W\d_]")
_VERSION: Final = re.compile(r"[vV]?\d[\d.]*")
_NUMBERED: Final = re.compile(r"^\d+ | (?:v )?\d+$")
_LONG_ENOUGH: Final = 10
_GUARDED: Final = r"(?<!sur)(?<!inter)(?<!de)(?<!type)(?<!tem)(?<!in)"
"""What makes another word of a pattern: surface, interface, defaced, typeface, template, invoice."""

_LOOKS: Final = {
    "ABEKMHOPCTYX": "АВЕКМНОРСТУХ",
    "aekmhopctyxisjdqwgl": "аекмнорстухіѕјԁԛԝցӏ",
    "bhuonb": "вһսօոЬ",
    "ABEZHIKMNOPTYX": "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aoeiktpvuxyn": "αοεικτρνυχγη",
    "acefhiklrtlosdg": "ᴀᴄᴇꜰʜɪᴋʟʀᴛłøꜱđɡ",
    "aiACELPTHI": "ɑıᎪᏟᎬᏞᏢᎢᎻӀ",
}
_LATIN: Final = {
    ord(alike): letter
    for letters, alikes in _LOOKS.items()
    for letter, alike in zip(letters, alikes, strict=True)
}


def folded(text: str) -> str:
    """A text with plain Latin letters for all that look like them, without accents and signs that are not seen."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKD", text)
    seen = (each for each in plain if unicodedata.category(each) not in {"Mn", "Me", "Cf"})
    return unicodedata.normalize("NFC", "".join(seen).translate(_LATIN))


def last_part(name: str) -> str:
    """The last part of an IRI that is a word, as people read it."""
    parts = [part for part in _PARTS.split(unquote(name)) if part]
    for part in reversed(parts):
        if _LETTER.search(part) and not _VERSION.fullmatch(part):
            return part[:80]
    return parts[-1][:80] if parts else ""


@lru_cache(maxsize=20_000)
def words(name: str) -> str:
    """The words of a name: "face template" of ``FaceTemplates``."""
    parts = _WORD.findall(_BORDER.sub(" ", folded(last_part(name))))
    return " ".join(_singular(part.casefold()) for part in parts)


@lru_cache(maxsize=50_000)
def has(name: str, patterns: tuple[str, ...], exact: tuple[str, ...] = ()) -> bool:
    """Whether a name holds one of these patterns, or is one of the exact names."""
    spelt = words(name)
    if is_one_of(name, exact):
        return True
    padded, joined = f" {spelt} ", _joined(spelt)
    whole = {each.replace(" ", "") for each in exact}
    for pattern in map(_read, patterns):
        if f" {pattern} " in padded:
            return True
        one = pattern.replace(" ", "")
        if " " in pattern and one not in whole:
            if one in joined:
                return True
            if len(one) >= _LONG_ENOUGH and re.search(_GUARDED + one, spelt):
                return True
    return False


def is_one_of(name: str, exact: tuple[str, ...]) -> bool:
    """Whether a name is one of these, apart from a number at its end."""
    spelt = words(name)
    plain = {spelt.replace(" ", ""), _NUMBERED.sub("", spelt).replace(" ", "")}
    return any(_read(each).replace(" ", "") in plain for each in exact)


def _joined(spelt: str) -> set[str]:
    """Words that stand beside each other, as one: at most three."""
    parts = spelt.split()
    return {
        "".join(parts[start : start + length])
        for length in (1, 2, 3)
        for start in range(len(parts) - length + 1)
    }


@lru_cache(maxsize=2_000)
def _read(pattern: str) -> str:
    return " ".join(map(_singular, pattern.split()))


def _singular(word: str) -> str:
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("shes", "ches", "xes", "sses")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word
