"""The type of the signs: how wide a text is, and where its lines break.

Letters come from Source Sans 3, which travels with Hansa; what it has not (Korean above all) is measured by the Korean
font that readers of PDF bring along, and put into the PDF from a font of the system (:mod:`.embedding`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import as_file, files
from typing import Any, Final

from hansa.kernel.errors import MissingExtra

__all__ = ["KOREAN", "font_of", "lines", "runs", "width", "width_in"]

KOREAN: Final = "HYGothic-Medium"
_REGULAR: Final = "SourceSans3"
_BOLD: Final = "SourceSans3-SemiBold"


@cache
def _metrics() -> Any:
    """The part of reportlab that knows fonts, with ours in it.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.cidfonts import UnicodeCIDFont
        from reportlab.pdfbase.ttfonts import TTFont
    except ImportError as error:
        raise MissingExtra("a sign", "reportlab", "signs") from error
    for name, file in ((_REGULAR, "SourceSans3-Regular.ttf"), (_BOLD, "SourceSans3-SemiBold.ttf")):
        with as_file(files("hansa.web.signs").joinpath("fonts", file)) as path:
            pdfmetrics.registerFont(TTFont(name, str(path)))
    pdfmetrics.registerFont(UnicodeCIDFont(KOREAN))
    return pdfmetrics


@cache
def _known() -> frozenset[int]:
    return frozenset(_metrics().getFont(_REGULAR).face.charToGlyph)


def font_of(bold: bool) -> str:
    """The name of the font as reportlab knows it."""
    _metrics()
    return _BOLD if bold else _REGULAR


def runs(text: str, bold: bool) -> Iterator[tuple[str, str]]:
    """The text in pieces of one font each: (font, piece)."""
    known, own = _known(), font_of(bold)
    piece, font = "", own
    for sign in text:
        wanted = own if ord(sign) in known else KOREAN
        if wanted != font and piece:
            yield font, piece
            piece = ""
        font = wanted
        piece += sign
    if piece:
        yield font, piece


def width_in(pieces: Iterable[tuple[str, str]], size: float) -> float:
    """How wide pieces of text are, each in its font."""
    measure = _metrics().stringWidth
    return float(sum(measure(piece, font, size) for font, piece in pieces))


def width(text: str, size: float, bold: bool = False) -> float:
    """How wide a text is, in the unit of `size`."""
    return width_in(runs(text, bold), size)


def lines(text: str, room: float, size: float, bold: bool = False) -> list[str]:
    """The text in lines no wider than `room`: between words, or within one that is wider alone."""
    found: list[str] = []
    line = ""
    for word in text.split():
        wider = f"{line} {word}" if line else word
        if width(wider, size, bold) <= room:
            line = wider
            continue
        if line:
            found.append(line)
        *full, line = _broken(word, room, size, bold)
        found += full
    return [*found, line] if line else found


def _broken(word: str, room: float, size: float, bold: bool) -> list[str]:
    """A word in pieces that fit; after a hyphen, slash, dot or @ where one is near enough."""
    found: list[str] = []
    while width(word, size, bold) > room and len(word) > 1:
        end = 1
        while end < len(word) and width(word[: end + 1], size, bold) <= room:
            end += 1
        good = max((word.rfind(mark, 0, end) + 1 for mark in "-/.@"), default=0)
        end = good if good > end // 2 else end
        found.append(word[:end])
        word = word[end:]
    return [*found, word]
