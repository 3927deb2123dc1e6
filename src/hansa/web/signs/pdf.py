"""A drawing as PDF: one page, text that can be selected and read aloud, the address as a link."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from hansa.kernel.errors import MissingExtra
from hansa.web.signs.drawing import POINT, Drawing, Shape, Text
from hansa.web.signs.embedding import embedded
from hansa.web.signs.lettering import KOREAN, runs, width_in

__all__ = ["pdf_of"]


def pdf_of(drawing: Drawing) -> bytes:
    """The drawing as a PDF document; the same drawing makes the same bytes.

    Raises:
        MissingExtra: what writes PDF is not installed.
    """
    try:
        from reportlab.pdfgen.canvas import Canvas
    except ImportError as error:
        raise MissingExtra("a sign as PDF", "reportlab", "signs") from error
    out = BytesIO()
    wide, high = drawing.width / POINT, drawing.height / POINT
    canvas = Canvas(out, (wide, high), invariant=1, lang=drawing.language)
    canvas.setTitle(drawing.title)
    canvas.setSubject(drawing.summary[:1000])
    canvas.setCreator("Hansa")
    canvas.setLineCap(1)
    canvas.setLineJoin(1)
    korean = embedded(_foreign(drawing)) or KOREAN
    for each in drawing.items:
        if isinstance(each, Shape):
            _shape(canvas, each, high)
        else:
            _text(canvas, each, high, korean)
    if drawing.link:
        canvas.linkURL(drawing.link, (wide * 0.6, 0, wide, high * 0.22))
    canvas.save()
    return out.getvalue()


def _shape(canvas: Any, shape: Shape, high: float) -> None:
    path = canvas.beginPath()
    steps = {"M": path.moveTo, "L": path.lineTo, "C": path.curveTo, "Z": path.close}
    for name, numbers in shape.path:
        points = (high - n / POINT if place % 2 else n / POINT for place, n in enumerate(numbers))
        steps[name](*points)
    if shape.fill:
        canvas.setFillColor(shape.fill)
    if shape.stroke:
        canvas.setStrokeColor(shape.stroke)
        canvas.setLineWidth(shape.width / POINT)
    canvas.drawPath(path, stroke=int(bool(shape.stroke)), fill=int(bool(shape.fill)))


def _foreign(drawing: Drawing) -> frozenset[str]:
    """The letters of a drawing that our own font has not."""
    texts = [each for each in drawing.items if isinstance(each, Text)]
    return frozenset(
        letter
        for each in texts
        for font, piece in runs(each.text, each.bold)
        if font == KOREAN
        for letter in piece
    )


def _text(canvas: Any, text: Text, high: float, korean: str) -> None:
    pieces = [
        (korean if font == KOREAN else font, piece) for font, piece in runs(text.text, text.bold)
    ]
    start = text.x - (width_in(pieces, text.size) / 2 if text.centred else 0)
    size = text.size / POINT
    line = canvas.beginText(start / POINT, high - text.y / POINT)
    line.setFillColor(text.colour)
    line.setStrokeColor(text.colour)
    canvas.setLineWidth(size * 0.03)
    for font, piece in pieces:
        line.setFont(font, size)
        # There is one weight of the Korean font: a thin line around its letters makes the other.
        line.setTextRenderMode(2 if text.bold and font == korean else 0)
        line.textOut(piece)
    line.setTextRenderMode(0)
    canvas.drawText(line)
