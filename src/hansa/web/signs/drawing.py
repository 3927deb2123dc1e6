"""What a sign is made of, in millimetres from the upper left corner: shapes and lines of text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

__all__ = ["POINT", "Command", "Drawing", "Shape", "Text", "circle", "polygon"]

POINT: Final = 25.4 / 72
"""A typographic point, in millimetres."""

_ROUND: Final = 0.5523
"""How far the handles of a quarter of a circle reach."""

Command = tuple[str, tuple[float, ...]]
"""A step of a path: M, L (a point), C (two handles and a point), Z."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A path, filled or drawn along; colours as ``#rrggbb``, "" for none."""

    path: tuple[Command, ...]
    fill: str = ""
    stroke: str = ""
    width: float = 0.0


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text. `x` is its left end, or its middle where it is `centred`; `y` its base line."""

    x: float
    y: float
    text: str
    size: float
    bold: bool = False
    colour: str = "#10263a"
    centred: bool = False


@dataclass(slots=True)
class Drawing:
    """A sheet. `title` and `summary` stand in for it where nobody sees it; `language` is that of its texts."""

    width: float
    height: float
    title: str
    summary: str
    language: str
    link: str = ""
    items: list[Shape | Text] = field(default_factory=list)


def circle(x: float, y: float, radius: float) -> tuple[Command, ...]:
    """A circle as four curves."""
    r, k = radius, radius * _ROUND
    return (
        ("M", (x + r, y)),
        ("C", (x + r, y + k, x + k, y + r, x, y + r)),
        ("C", (x - k, y + r, x - r, y + k, x - r, y)),
        ("C", (x - r, y - k, x - k, y - r, x, y - r)),
        ("C", (x + k, y - r, x + r, y - k, x + r, y)),
        ("Z", ()),
    )


def polygon(*points: tuple[float, float]) -> tuple[Command, ...]:
    """A closed line through the points."""
    first, *others = points
    return (("M", first), *(("L", point) for point in others), ("Z", ()))
