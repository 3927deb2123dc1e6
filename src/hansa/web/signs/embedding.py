"""Letters that our own font has not (Korean above all), put into the PDF of a sign: from a free font of the system, those alone
that the sign shows.

Noto Sans CJK (OFL, Debian's fonts-noto-cjk) or Nanum Gothic (OFL, fonts-nanum) is looked for where systems keep
fonts. Where there is none, the PDF names the Korean font that readers bring along, and the page of the sign says so.
"""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final

__all__ = ["can_embed", "embedded"]

_FOLDERS: Final = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts")
_FILES: Final = ("NotoSansKR-Regular.*", "NotoSansCJK-Regular.ttc", "NotoSansCJKkr-Regular.otf")
_FILES_TOO: Final = ("NanumGothic.ttf", "NotoSansKR*.ttf")
_NAME: Final = "HansaLetters"
_ERROR: Final = 1.0
"""How far off an outline may be, in units of which a letter has 1,000."""


def can_embed() -> bool:
    """Whether Korean letters can be put into a PDF here."""
    return _face() is not None


@lru_cache(maxsize=64)
def embedded(letters: frozenset[str]) -> str | None:
    """The name by which reportlab knows a font of these letters; ``None`` where none has them all."""
    face = _face()
    if face is None or not letters or not all(ord(each) in face.getBestCmap() for each in letters):
        return None
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    text = "".join(sorted(letters))
    name = f"{_NAME}{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    pdfmetrics.registerFont(TTFont(name, BytesIO(_subset(face, text, name))))
    return name


@cache
def _face() -> Any:
    """A font of the system that has Korean letters, open; ``None``: there is none, or nothing to read it with."""
    try:
        from fontTools.ttLib import TTFont, TTLibError
    except ImportError:
        return None
    for path in _found():
        try:
            number, count = 0, 1
            while number < count:
                face = TTFont(path, fontNumber=number, lazy=True)
                count = getattr(face.reader, "numFonts", 1)
                named = face["name"].getDebugName(1) or ""
                if (count == 1 or "KR" in named) and ord("한") in face.getBestCmap():
                    return face
                face.close()
                number += 1
        except (OSError, TTLibError, KeyError):
            continue
    return None


def _found() -> list[Path]:
    folders = [Path(each) for each in _FOLDERS] + [Path.home() / ".local/share/fonts"]
    return [
        path
        for pattern in (*_FILES, *_FILES_TOO)
        for folder in folders
        if folder.is_dir()
        for path in sorted(folder.rglob(pattern))
    ]


def _subset(face: Any, text: str, name: str) -> bytes:
    """A TrueType font of these letters alone; outlines of other kinds become quadratic ones."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.cu2quPen import Cu2QuPen
    from fontTools.pens.recordingPen import DecomposingRecordingPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    names, drawn = face.getBestCmap(), face.getGlyphSet()
    order = [".notdef", *dict.fromkeys(names[ord(each)] for each in text)]
    outlines, widths = {}, {}
    is_cubic = "glyf" not in face
    for glyph in order:
        whole = DecomposingRecordingPen(drawn)
        drawn[glyph].draw(whole)
        made = TTGlyphPen(None)
        whole.replay(Cu2QuPen(made, _ERROR, reverse_direction=True) if is_cubic else made)
        outlines[glyph] = made.glyph()
        widths[glyph] = (round(drawn[glyph].width), 0)
    build = FontBuilder(face["head"].unitsPerEm, isTTF=True)
    build.setupGlyphOrder(order)
    build.setupCharacterMap({ord(each): names[ord(each)] for each in text})
    build.setupGlyf(outlines)
    build.setupHorizontalMetrics(widths)
    build.setupHorizontalHeader(ascent=face["hhea"].ascent, descent=face["hhea"].descent)
    build.setupNameTable({"familyName": name, "styleName": "Regular", "psName": name})
    build.setupOS2(sTypoAscender=face["hhea"].ascent, sTypoDescender=face["hhea"].descent)
    build.setupPost()
    build.font["head"].created = build.font["head"].modified = 0
    build.font.recalcTimestamp = False
    out = BytesIO()
    build.save(out)
    return out.getvalue()
