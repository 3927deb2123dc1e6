"""GeoJSON features of a file, one after the other, however long the file is.

In this order: several lines that each hold an object are read line by line; a file of moderate size is read
whole, because errors can then be told with line and column; a larger collection is read piece by piece,
where the extra ``table`` (ijson) is installed, and whole otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Final

import orjson

from hansa.kernel.errors import BadRequest
from hansa.spokes.port import Place
from hansa.spokes.source import SourceFile

__all__ = ["open_features"]

Features = Callable[[], Iterator[Any]]
"""The features from the beginning, at each call."""

WHOLE: Final = 32_000_000
"""Bytes up to which a file is read whole."""

_BOM: Final = b"\xef\xbb\xbf"
_BLANK: Final = b" \r\n\t\x1e"
_CHUNK: Final = 2**16
_LONGEST_LINE: Final = 2**26


def open_features(file: SourceFile) -> tuple[Features, bool]:
    """The features, and whether they stand one a line.

    Raises:
        BadRequest: it is not GeoJSON.
    """
    if _has_lines(file.path):
        return lambda: _lines(file), True
    if file.path.stat().st_size > WHOLE and _has_pieces(file.path):
        return lambda: _pieces(file), False
    features = _whole(file)
    return lambda: iter(features), False


def _has_lines(path: Path) -> bool:
    """Whether the first line is an object by the look of it, and is not alone."""
    with path.open("rb") as stream:
        first = stream.readline(_LONGEST_LINE).removeprefix(_BOM).strip(_BLANK)
        if not (first.startswith(b"{") and first.endswith(b"}")):
            return False
        return any(line.strip(_BLANK) for line in stream)


def _lines(file: SourceFile) -> Iterator[Any]:
    with file.path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            text = (line.removeprefix(_BOM) if number == 1 else line).strip(_BLANK)
            if not text:
                continue
            try:
                yield orjson.loads(text)
            except orjson.JSONDecodeError as fault:
                place = Place(file.label, number, f"column {fault.colno}")
                raise _no_json(str(place), fault.msg) from None


def _whole(file: SourceFile) -> list[Any]:
    try:
        document = orjson.loads(file.path.read_bytes().removeprefix(_BOM))
    except orjson.JSONDecodeError as fault:
        place = Place(file.label, fault.lineno, f"column {fault.colno}")
        raise _no_json(str(place), fault.msg) from None
    if isinstance(document, dict) and document.get("type") == "Feature":
        return [document]
    if isinstance(document, dict) and isinstance(document.get("features"), list):
        return list(document["features"])
    raise BadRequest(file.label, "is not a GeoJSON FeatureCollection", "export it as GeoJSON")


def _has_pieces(path: Path) -> bool:
    """Whether it can be read piece by piece, and begins as a collection with something in it."""
    try:
        import ijson
    except ImportError:
        return False
    with path.open("rb") as stream:
        _skip_mark(stream)
        try:
            return next(ijson.items(stream, "features.item", use_float=True), None) is not None
        except (ijson.JSONError, ValueError):
            return False


def _pieces(file: SourceFile) -> Iterator[Any]:
    import ijson

    number = 0
    with file.path.open("rb") as stream:
        _skip_mark(stream)
        try:
            for feature in ijson.items(stream, "features.item", use_float=True, buf_size=_CHUNK):
                number += 1
                yield feature
        except (ijson.JSONError, ValueError) as fault:
            reason = str(fault).splitlines()[0][:200]
            place = Place(file.label, element=f"after feature {number}")
            raise _no_json(str(place), reason) from None


def _skip_mark(stream: IO[bytes]) -> None:
    if stream.read(len(_BOM)) != _BOM:
        stream.seek(0)


def _no_json(place: str, reason: str) -> BadRequest:
    return BadRequest(place, f"is not JSON ({reason})", "get the file again")
