"""A sign, composed: title, what for, the chain as hexagons, who answers for it, and a code that leads to the page.

Everything is laid out on a sheet of A5; A4 is the same, larger. A text that does not fit is set smaller, then cut with
an ellipsis: the page that the code leads to has it whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from hansa.kernel.errors import BadRequest, MissingExtra
from hansa.trust.sources.words import words
from hansa.web.shell.language import Language
from hansa.web.signs.chain import Link, basis_words, chain_of, period_words
from hansa.web.signs.drawing import POINT, Command, Drawing, Shape, Text, polygon
from hansa.web.signs.icons import SIDE, hexagon, icon
from hansa.web.signs.lettering import lines, width

__all__ = ["SIZES", "Place", "compose"]

SIZES: Final = {"a5": 1.0, "a4": 2**0.5}
"""How much larger than A5 a sheet is."""

_WIDTH, _HEIGHT, _EDGE = 148.0, 210.0, 11.0
_ROOM: Final = _WIDTH - 2 * _EDGE
_INK, _SLATE, _PAPER, _RULE = "#10263a", "#5b6b79", "#faf8f4", "#dad5cb"
_BAND: Final = 20.0
_CODE: Final = 34.0
_RADIUS: Final = 9.5
_CREDIT: Final = "DTPR taxonomy: Helpful Places, CC BY 4.0"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sign leads: the city it is of, and the page of the source."""

    city: str
    address: str


def compose(record: Mapping[str, Any], place: Place, tongue: Language, size: str = "a5") -> Drawing:
    """The sign of a source.

    Raises:
        BadRequest: there is no such size.
        MissingExtra: what measures texts or makes codes is not installed.
    """
    if size not in SIZES:
        raise BadRequest("the size", f"'{size[:20]}' is none", f"choose one of {', '.join(SIZES)}")
    chain = chain_of(record, tongue)
    title = str(record.get("name") or record.get("id", ""))
    summary = ". ".join(f"{link.label}: {link.names}" for link in chain)
    sheet = Drawing(_WIDTH, _HEIGHT, title, summary, tongue.code, place.address)
    y = _head(sheet, record, place, tongue, title)
    _chain(sheet, chain, y)
    _foot(sheet, record, place, tongue)
    return _scaled(sheet, SIZES[size])


def _head(
    sheet: Drawing, record: Mapping[str, Any], place: Place, tongue: Language, title: str
) -> float:
    """The band, the title and what it is for; where the chain may begin."""
    sheet.items.append(Shape(_box(0, 0, _WIDTH, _BAND), fill=_INK))
    (city,) = _fitted(place.city, _ROOM / 2, 12, 1, bold=True, least=8)[0] or [""]
    sheet.items.append(Text(_EDGE, 12.6, city, 12 * POINT, True, _PAPER))
    here = tongue("Data are collected here")
    if not record.get("public_space"):
        here = tongue("Data that the city uses")
    said, size = _fitted(here, _ROOM / 2, 10.5, 1, least=7)
    for line in said:
        start = _WIDTH - _EDGE - width(line, size)
        sheet.items.append(Text(start, 12.6, line, size, colour=_PAPER))
    y = _BAND + 5
    y = _block(sheet, title, y, 23, 3, bold=True, least=13)
    purposes = words(tongue.code)["purpose"]
    known = [purposes[each].meaning for each in record.get("purpose", ()) if each in purposes]
    told = str(record.get("description") or "") or " ".join(known)
    return _block(sheet, told, y + 1.5, 11.5, 4, least=8)


def _chain(sheet: Drawing, chain: list[Link], top: float) -> None:
    """The parts as two rows of hexagons, each with its name and its elements below."""
    column, below = _ROOM / 4, (_HEIGHT - _CODE - _EDGE - 10)
    row = (below - top - 3) / 2
    for number, link in enumerate(chain):
        x = _EDGE + (number % 4) * column
        y = top + (number // 4) * row + 4
        _hexagon(sheet, link, x + _RADIUS * 0.9, y + _RADIUS)
        label, size = _fitted(link.label, column - 2, 8.5, 2, least=6)
        base = y + 2 * _RADIUS + 4.2
        for line in label:
            sheet.items.append(Text(x, base, line, size, colour=_SLATE))
            base += size * 1.2
        room = max(1, int((y + row - 5 - base) / (9.5 * POINT * 1.2)) + 1)
        names, size = _fitted(link.names, column - 2.5, 9.5, min(room, 4), bold=True, least=6)
        base += 0.6
        for line in names:
            sheet.items.append(Text(x, base, line, size, True))
            base += size * 1.2


def _hexagon(sheet: Drawing, link: Link, x: float, y: float) -> None:
    """A hexagon with the picture of the first element; filled where people are concerned."""
    personal = link.part == "data" and any(each.id == "personal" for each in link.elements)
    shown = next((e for e in link.elements if e.id == "personal"), None) or next(
        iter(link.elements), None
    )
    fill, ink = (_INK, _PAPER) if personal else ("", _INK)
    sheet.items.append(Shape(hexagon(x, y, _RADIUS), fill=fill, stroke=_INK, width=0.55))
    side = _RADIUS * 0.95
    strokes = icon(link.part, shown.id if shown else "")
    sheet.items.append(
        Shape(_moved(strokes, x - side / 2, y - side / 2, side / SIDE), stroke=ink, width=0.45)
    )


def _foot(sheet: Drawing, record: Mapping[str, Any], place: Place, tongue: Language) -> None:
    """How long data are kept, on what basis, whom to ask; and the code."""
    top = _HEIGHT - _CODE - _EDGE - 6
    sheet.items.append(Shape((("M", (_EDGE, top)), ("L", (_WIDTH - _EDGE, top))), "", _RULE, 0.3))
    room = _ROOM - _CODE - 6
    basis = basis_words(record, tongue)
    rows = (
        (tongue("How long data are kept"), period_words(record, tongue)),
        (tongue("Lawful basis"), basis.name),
        (tongue("Contact"), str(record.get("contact", ""))),
    )
    y = top + 6
    for label, value in rows:
        sheet.items.append(Text(_EDGE, y, label, 7.5 * POINT, colour=_SLATE))
        y += 4.1
        said, size = _fitted(value, room, 10, 2 if label == rows[2][0] else 1, bold=True, least=6.5)
        for line in said:
            sheet.items.append(Text(_EDGE, y, line, size, True))
            y += size * 1.25
        y += 1.4
    left, code = _WIDTH - _EDGE - _CODE, top + 3
    sheet.items.append(Shape(_box(left, code, _CODE, _CODE), fill="#ffffff"))
    sheet.items.append(Shape(_qr(place.address, left, code), fill="#000000"))
    hint = tongue("What is collected, who read it and how to object:")
    credit = 5.5 * POINT
    aside = width(_CREDIT, credit)
    sheet.items.append(Text(_WIDTH - _EDGE - aside, _HEIGHT - 4.2, _CREDIT, credit, colour=_SLATE))
    said, size = _fitted(f"{hint} {place.address}", _ROOM - aside - 4, 7.5, 3, least=4.5)
    y = _HEIGHT - 4.2 - (len(said) - 1) * size * 1.25
    for line in said:
        sheet.items.append(Text(_EDGE, y, line, size, colour=_SLATE))
        y += size * 1.25


def _block(
    sheet: Drawing,
    text: str,
    top: float,
    points: float,
    most: int,
    *,
    least: float,
    bold: bool = False,
) -> float:
    """A text from the left edge to the right; where it ends."""
    said, size = _fitted(text, _ROOM, points, most, bold=bold, least=least)
    y = top + size
    for line in said:
        sheet.items.append(Text(_EDGE, y, line, size, bold))
        y += size * 1.22
    return y - size * 0.9 if said else top


def _fitted(
    text: str, room: float, points: float, most: int, *, least: float, bold: bool = False
) -> tuple[list[str], float]:
    """At most `most` lines and the size they are set in: smaller where needed, at the least cut."""
    size = points
    found = lines(text, room, size * POINT, bold)
    while len(found) > most and size > least:
        size = max(least, size - 0.5)
        found = lines(text, room, size * POINT, bold)
    if len(found) > most:
        last = found[most - 1]
        while last and width(last + "…", size * POINT, bold) > room:
            last = last[:-1]
        found = [*found[: most - 1], last.rstrip() + "…"]
    return found, size * POINT


def _qr(address: str, left: float, top: float) -> tuple[Command, ...]:
    """The code of an address, as boxes of dark modules in a row, with a quiet edge of two."""
    try:
        import segno
    except ImportError as error:
        raise MissingExtra("a sign", "segno", "signs") from error
    rows = [list(row) for row in segno.make(address, error="m", micro=False).matrix]
    unit = _CODE / (len(rows) + 4)
    found: list[Command] = []
    for down, row in enumerate(rows):
        start = None
        for across, dark in enumerate([*row, 0]):
            if dark and start is None:
                start = across
            elif not dark and start is not None:
                box = (left + (start + 2) * unit, top + (down + 2) * unit, (across - start) * unit)
                found += _box(*box, unit)
                start = None
    return tuple(found)


def _box(x: float, y: float, wide: float, high: float) -> tuple[Command, ...]:
    return polygon((x, y), (x + wide, y), (x + wide, y + high), (x, y + high))


def _moved(path: tuple[Command, ...], x: float, y: float, factor: float) -> tuple[Command, ...]:
    return tuple(
        (name, tuple(n * factor + (y if place % 2 else x) for place, n in enumerate(numbers)))
        for name, numbers in path
    )


def _scaled(sheet: Drawing, factor: float) -> Drawing:
    if factor == 1:
        return sheet
    items: list[Shape | Text] = [
        replace(each, path=_moved(each.path, 0, 0, factor), width=each.width * factor)
        if isinstance(each, Shape)
        else replace(each, x=each.x * factor, y=each.y * factor, size=each.size * factor)
        for each in sheet.items
    ]
    return replace(sheet, width=sheet.width * factor, height=sheet.height * factor, items=items)
