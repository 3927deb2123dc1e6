"""Signs for the street: what a source collects, why, and who answers for it, to print and to put up.

A sign is composed once, in millimetres, as a :class:`~hansa.web.signs.drawing.Drawing`, and written as SVG or as
PDF; both show the same. Measuring text and drawing codes needs the extra ``signs``.
"""
