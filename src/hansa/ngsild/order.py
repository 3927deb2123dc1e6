"""The entity ordering language (ETSI GS CIM 009, clause 4.23): ``orderBy`` and what goes with it.

``orderBy=name,age;desc`` sorts by name, then by age from the largest. ``dist-asc`` and ``dist-desc``
sort by the distance of a GeoProperty from a geometry, whose coordinates stand in ``orderFrom`` and
whose type stands in ``orderGeometry`` (Point when missing). ``collation`` is a language tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson
from shapely.geometry.base import BaseGeometry

from hansa.kernel.errors import BadRequest
from hansa.ngsild.geojson import GEOMETRY_TYPES, from_geojson, to_geojson
from hansa.ngsild.path import expand_path, print_path, read_path
from hansa.ngsild.query import Order
from hansa.ngsild.reader import Reader

__all__ = ["MAX_KEYS", "check_collation", "expand_order", "parse_order", "print_order"]

MAX_KEYS: Final = 16

_DIRECTION: Final = re.compile(r"dist-asc|dist-desc|asc|desc")
_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


def parse_order(
    order_by: str | Sequence[str], order_from: Any = None, order_geometry: str | None = None
) -> tuple[Order, ...]:
    """The sort keys of ``orderBy``; names stay as written.

    Args:
        order_by: one text with commas (from a URL) or a list of texts (from a body).
        order_from: coordinates, as JSON text or as lists [degrees].
        order_geometry: a GeoJSON geometry type.

    Raises:
        BadRequest: the text breaks the grammar or a limit, or a distance has no geometry.
    """
    texts = [order_by] if isinstance(order_by, str) else order_by
    if not isinstance(texts, Sequence) or not texts:
        raise BadRequest("orderBy", "is not a text or a list of texts", "name an attribute")
    origin = _origin(order_from, order_geometry)
    keys = [key for text in texts for key in _read_keys(Reader(text, "orderBy"), origin)]
    if len(keys) > MAX_KEYS:
        raise BadRequest("orderBy", f"has more than {MAX_KEYS} sort keys", "leave some out")
    return tuple(keys)


def _read_keys(reader: Reader, origin: BaseGeometry | None) -> list[Order]:
    keys = [_read_key(reader, origin)]
    while reader.accept(","):
        keys.append(_read_key(reader, origin))
    if not reader.done:
        raise reader.error("',', ';' or the end")
    return keys


def _read_key(reader: Reader, origin: BaseGeometry | None) -> Order:
    reader.count()
    start = reader.pos
    path = read_path(reader)
    if path.linked is not None:
        raise reader.error("an attribute of the entity itself", start)
    if not reader.accept(";"):
        return Order(path)
    start = reader.pos
    direction = reader.take(_DIRECTION)
    if not direction:
        raise reader.error("asc, desc, dist-asc or dist-desc")
    reader.skip()
    descending = direction.endswith("desc")
    if not direction.startswith("dist"):
        return Order(path, descending)
    if origin is None:
        raise BadRequest(
            f"orderBy, character {start + 1}",
            "sorting by distance needs a geometry to measure from",
            "add orderFrom, for example orderFrom=[8,40]",
        )
    return Order(path, descending, origin)


def _origin(coordinates: Any, geometry: str | None) -> BaseGeometry | None:
    if geometry is not None and geometry not in GEOMETRY_TYPES:
        raise BadRequest(
            "orderGeometry",
            f"{str(geometry)[:40]!r} is not a geometry type",
            f"use one of {', '.join(GEOMETRY_TYPES)}",
        )
    if coordinates is None:
        return None
    if isinstance(coordinates, str):
        try:
            coordinates = orjson.loads(coordinates)
        except orjson.JSONDecodeError as fault:
            raise BadRequest(
                "orderFrom",
                f"not JSON: fault at character {fault.pos + 1}",
                "write for example [8.0,40.0]",
            ) from None
    shape = {"type": geometry or "Point", "coordinates": coordinates}
    return from_geojson(shape, "orderFrom")


def print_order(order: Sequence[Order]) -> dict[str, str]:
    """The parameters of `order`, as :func:`parse_order` reads them."""
    texts, origin = [], None
    for key in order:
        direction = "desc" if key.descending else "asc"
        if key.origin is not None:
            origin, direction = key.origin, f"dist-{direction}"
        texts.append(f"{print_path(key.path)};{direction}")
    found = {"orderBy": ",".join(texts)}
    if origin is not None:
        shape = to_geojson(origin)
        found["orderFrom"] = orjson.dumps(shape["coordinates"]).decode()
        found["orderGeometry"] = shape["type"]
    return found


def expand_order(order: Sequence[Order], expand: Callable[[str], str]) -> tuple[Order, ...]:
    """`order` with its names as IRIs; core members keep their names."""
    return tuple(replace(key, path=expand_path(key.path, expand)) for key in order)


def check_collation(tag: object) -> str:
    """A collation, named by a language tag (IETF RFC 6067) such as ``de-u-co-phonebk``.

    Raises:
        BadRequest: it is not a well-formed language tag.
    """
    if isinstance(tag, str) and len(tag) <= 100 and _LANGUAGE_TAG.fullmatch(tag):
        return tag
    raise BadRequest(
        "collation",
        f"{str(tag)[:40]!r} is not a language tag",
        "write for example und or de-u-co-phonebk",
    )
