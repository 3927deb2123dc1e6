"""What a number plate looks like, under names that say *plate*. Pure.

Under a name that means a plate, a short text with a digit is one, whatever signs stand between; in a longer text, a word of letters
and digits, or what has the form of some country's plates. Under a name that may mean one, only a text of such a form.
A pseudonym is none: it is too long.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any, Final

from hansa.trust.spelling import folded

__all__ = ["Plates"]

_LONGEST_TEXT: Final = 24
_LONGEST_PIECE: Final = 4
_MOST_PIECES: Final = 14
_PARTED: Final = re.compile(r"[\s,;:()\"'\[\]{}*|<>!?]+")
_SIGNS: Final = re.compile(r"[\W_]+")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.,]+(?:Z|[+-][\d:]+)?")
_LAST: Final = re.compile(r"[/#:?=&]")
_SPACED: Final = re.compile(
    r"(?<![\w-])(?:[A-Z]{1,3}[ -]\d{2,4}(?:[ -][A-Z]{1,3})?|\d{1,4}[ -][A-Z]{2,3})(?![\w-])"
)


class Plates:
    """Finds plates by the forms that countries give them.

    Args:
        forms: regular expressions of plates in capitals.
    """

    def __init__(self, forms: Sequence[str]) -> None:
        whole = "|".join(forms)
        self._forms = re.compile(whole)
        self._within = re.compile(rf"(?<![\w-])(?:{whole})(?![\w-])")

    def has_form(self, value: str) -> bool:
        """Whether a text as a whole has the form of some country's plates."""
        return self._forms.fullmatch(_plain(value).strip("*/ ").upper()) is not None

    def is_one(self, value: str) -> bool:
        """Whether a text under a name that means a plate is one, or holds one."""
        text = _plain(value)
        if _MOMENT.fullmatch(text):
            return False
        if len(text) > _LONGEST_TEXT // 2 and ":" in text and not re.search(r"\s", text):
            text = _LAST.split(text)[-1]  # an identifier may end in one
        bare = _SIGNS.sub("", text)
        if len(text) <= _LONGEST_TEXT and 3 <= len(bare) <= 12:
            return any(map(str.isdigit, bare))
        if any(map(_is_mixed, _PARTED.split(text))):
            return True
        return bool(self._within.search(text) or _SPACED.search(text))

    def is_key(self, value: str) -> bool:
        """Whether the name of a member is one: more is asked of it, for most are words with a number."""
        text = _plain(value)
        return self.has_form(text) or (_is_mixed(text) and len(_SIGNS.sub("", text)) > 4)

    def is_spelt(self, parts: Sequence[Any]) -> bool:
        """Whether pieces, one after another, are one."""
        if not 2 <= len(parts) <= _MOST_PIECES:
            return False
        texts = [str(part) for part in parts if type(part) in (str, int)]
        if len(texts) != len(parts) or max(map(len, texts)) > _LONGEST_PIECE:
            return False
        return self.is_one("".join(texts))


def _plain(value: str) -> str:
    if value.isascii():
        return value.strip()
    text = unicodedata.normalize("NFKC", value)
    text = "".join(
        "-" if unicodedata.category(each) == "Pd" else each
        for each in text
        if unicodedata.category(each) != "Cf"
    )
    return (folded(text) if not re.search("[가-힣]", text) else text).strip()


def _is_mixed(word: str) -> bool:
    bare = _SIGNS.sub("", word)
    return 4 <= len(bare) <= 10 and not bare.isdigit() and sum(map(str.isdigit, bare)) > 1
