"""Pictures, films and sounds that are written as texts or as lists of bytes. Pure.

1. A text shorter than :data:`LONG` holds none in which anybody could be recognised; pieces are looked at as the one text they make.
2. A glance: a text in which none of a few marks stands is plain.
3. A mark counts where it begins as files of that kind do and much of the same writing follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

__all__ = ["LONG", "are_bytes_of_recording", "is_plain", "is_recording", "parts_hold"]

LONG: Final = 200
"""Texts shorter than this hold no picture in which anybody could be recognised."""

_WRITTEN: Final = re.compile(
    r"(?:[/_]9j[/_][24567wx/_]|iVBORw0KGgo|UklGR|R0lGOD[dl]|AAAA[\w+/\-]{2}Z0eX|SUQz(?:A[gwo]|B[A-P])|T2dnUwAC|GkXfo)"
    r"[A-Za-z0-9+/_\-\s]{150,}"
)
_HEXADECIMAL: Final = re.compile(
    r"(?:ffd8ff(?:e[0-9a-f]|db|c[0-4]|fe)|89504e470d0a1a0a)[0-9a-f\s]{150,}"
)
_ADDRESS: Final = re.compile(
    r"data:(?:image|video|audio)/[\w.+\-]{1,40}(?:;[\w=\-]{1,40})*;base64,"
)
_WHOLE_ADDRESS: Final = re.compile(r"""\W*\w?data:(?:image|video|audio)/[\w.+\-]{1,40}[;,]""")
_RAW: Final = re.compile(
    rb"\xff\xd8\xff[\xe0-\xef\xdb\xc0-\xc4\xfe]|\x89PNG\r\n\x1a\n|RIFF.{4}(?:WEBP|WAVE|AVI )|GIF8[79]a"
    rb"|\x00\x00\x00.ftyp|ID3[\x02-\x04]|OggS\x00\x02|\x1aE\xdf\xa3",
    re.DOTALL,
)
_FEWEST: Final = 64
"""Lists with fewer numbers hold no recording."""


def is_plain(text: str) -> bool:
    """Whether a long text surely holds no recording.

    Each mark has a sign that is rare in what people write; to look for one sign costs a twentieth of looking for a word.
    """
    if (
        ("9" in text and ("/9j/" in text or "_9j_" in text))
        or ("0" in text and ("R0lGOD" in text or "Z0eX" in text))
        or ("V" in text and "iVBORw0KGgo" in text)
        or ("U" in text and ("UklGR" in text or "SUQz" in text))
        or ("2" in text and "T2dnU" in text)
        or ("X" in text and "GkXfo" in text)
    ):
        return False
    if ":" in text or "8" in text:
        small = text.lower()
        return "data:" not in small and "ffd8ff" not in small and "89504e47" not in small
    return True


def is_recording(text: str) -> bool:
    """Whether a long text is a recording, or holds one."""
    if is_plain(text):
        return False
    small = text.lower()
    return bool(
        _WRITTEN.search(text)
        or _HEXADECIMAL.search(small)
        or _ADDRESS.search(small)
        or _WHOLE_ADDRESS.match(small)
    )


def parts_hold(parts: Iterable[str]) -> bool:
    """Whether texts, one after another, are or hold a recording."""
    whole = "".join(parts)
    return len(whole) >= LONG and is_recording(whole)


def are_bytes_of_recording(numbers: list[Any]) -> bool:
    """Whether a list of numbers is the bytes of a recording, with a sign or without."""
    if len(numbers) < _FEWEST or not set(map(type, numbers)) <= {int, float}:
        return False
    if not min(numbers) >= -128 or not max(numbers) <= 255:
        return False
    if not all(float(number).is_integer() for number in numbers):
        return False
    return bool(_RAW.search(bytes(int(number) & 255 for number in numbers)))
