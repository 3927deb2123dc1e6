"""A drawing as SVG: text stays text, and title and description say what is on it."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from hansa.web.signs.drawing import Drawing, Shape, Text
from hansa.web.signs.icons import svg_path
from hansa.web.signs.lettering import width

__all__ = ["svg_of"]

_FONTS = "'Source Sans 3','Noto Sans KR','Noto Sans CJK KR','Apple SD Gothic Neo','Malgun Gothic',sans-serif"


def svg_of(drawing: Drawing) -> str:
    """The drawing as an SVG document."""
    wide, high = _number(drawing.width), _number(drawing.height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}mm" height="{high}mm" '
        f'viewBox="0 0 {wide} {high}" role="img" xml:lang={quoteattr(drawing.language)} '
        f'aria-labelledby="title summary" font-family="{_FONTS}">',
        f'<title id="title">{_said(drawing.title)}</title>',
        f'<desc id="summary">{_said(drawing.summary)}</desc>',
        f'<rect width="{wide}" height="{high}" fill="#ffffff"/>',
        *(_shape(each) if isinstance(each, Shape) else _text(each) for each in drawing.items),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _shape(shape: Shape) -> str:
    line = (
        f' stroke="{shape.stroke}" stroke-width="{_number(shape.width)}"'
        ' stroke-linecap="round" stroke-linejoin="round"'
        if shape.stroke
        else ""
    )
    return f'<path d="{svg_path(shape.path)}" fill="{shape.fill or "none"}"{line}/>'


def _text(text: Text) -> str:
    weight = ' font-weight="600"' if text.bold else ""
    more = ' text-anchor="middle"' if text.centred else ""
    # Whatever font is at hand, a line is as wide as it was measured.
    more += f' textLength="{_number(width(text.text, text.size, text.bold))}"'
    more += ' lengthAdjust="spacingAndGlyphs"'
    return (
        f'<text x="{_number(text.x)}" y="{_number(text.y)}" font-size="{_number(text.size)}"'
        f' fill="{text.colour}"{weight}{more}>{_said(text.text)}</text>'
    )


def _said(text: str) -> str:
    """The text without the control characters that XML does not know."""
    return escape("".join(sign for sign in text if sign >= " " or sign in "\n\t"))


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
