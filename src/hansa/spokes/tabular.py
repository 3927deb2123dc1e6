"""Delimited text, read robustly: byte-order marks, encodings, short and long rows, where a row stands.

Shared by the spokes that read such files. A file is taken for UTF-8; where it is not, it is read as
Windows-1252 and that is noted. Rows are checked one by one, so one bad row costs one row.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, Final

from hansa.kernel.errors import BadRequest
from hansa.spokes.port import Place, Refusal

__all__ = ["Row", "TextTable"]

Row = tuple[int, Sequence[str]]
"""The line where a row ends, and its fields, as many as the header has."""

_CHUNK: Final = 2**20
_FALLBACK: Final = "cp1252"
_LONGEST_FIELD: Final = 16 * 2**20
_BOMS: Final = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

csv.field_size_limit(_LONGEST_FIELD)


class TextTable:
    """A table in delimited text with a header line.

    Args:
        name: the file's name, for messages.
        opener: opens the bytes anew at each call.
        required: columns that must be there.
        delimiter: the separator of fields.

    Raises:
        BadRequest: it has no header, a required column is missing, or a column appears twice.
    """

    def __init__(
        self,
        name: str,
        opener: Callable[[], IO[bytes]],
        required: Sequence[str] = (),
        delimiter: str = ",",
    ) -> None:
        self.name = name
        self._opener = opener
        self._delimiter = delimiter
        self._short_rows = 0
        self._first_short = (0, 0)
        self.encoding = self._detect()
        self.columns = self._header(required)

    @property
    def note(self) -> str | None:
        """A sentence about the encoding when it is not the expected one."""
        if self.encoding == "utf-8-sig":
            return None
        return f"{self.name} is not UTF-8; it was read as {self.encoding}."

    @property
    def short(self) -> str:
        """A sentence about the rows that had fewer fields than the header, once they are read; or ""."""
        count, (line, fields) = self._short_rows, self._first_short
        if not count:
            return ""
        rows = "1 row has" if count == 1 else f"{count:,} rows have"
        first = "it is" if count == 1 else "the first is"
        return (
            f"{rows} fewer fields than the header of {self.name}: {first} line {line}, with {fields} of "
            f"{len(self.columns)}. What is missing was taken for blank."
        )

    def _detect(self) -> str:
        decoder = codecs.getincrementaldecoder("utf-8")()
        with self._opener() as stream:
            first = chunk = stream.read(_CHUNK)
            for mark, encoding in _BOMS:
                if first.startswith(mark):
                    return encoding
            try:
                while chunk:
                    decoder.decode(chunk)
                    chunk = stream.read(_CHUNK)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                return _FALLBACK
        return "utf-8-sig"

    def _header(self, required: Sequence[str]) -> list[str]:
        place = Place(self.name, 1)
        with self._reader() as reader:
            fields: list[str] = next(reader, [])
        columns = [name.strip() for name in fields]
        if not any(columns):
            raise BadRequest(str(place), "there is no header line", "name the columns there")
        for name in required:
            if name not in columns:
                raise BadRequest(
                    str(place), f"the column '{name}' is missing", f"it has: {', '.join(columns)}"
                )
        twice = next((n for n in columns if n and columns.count(n) > 1), None)
        if twice is not None:
            raise BadRequest(str(place), f"the column '{twice}' appears twice", "rename one")
        return columns

    @contextmanager
    def _reader(self) -> Iterator[Any]:
        with (
            self._opener() as stream,
            io.TextIOWrapper(stream, self.encoding, errors="replace", newline="") as text,
        ):
            yield csv.reader(text, delimiter=self._delimiter)

    def select(self, names: Sequence[str]) -> list[int | None]:
        """The positions of columns; ``None`` for those that the table lacks."""
        return [self.columns.index(n) if n in self.columns else None for n in names]

    def rows(self, refuse: Callable[[Refusal], None]) -> Iterator[Row]:
        """The rows. A row with too many fields is refused; a short one is filled with blanks.

        Raises:
            BadRequest: the text breaks off, or a field has no end.
        """
        width = len(self.columns)
        self._short_rows = 0
        with self._reader() as reader:
            next(reader)
            try:
                for fields in reader:
                    if not any(fields):
                        continue
                    if len(fields) == width:
                        yield reader.line_num, fields
                    elif len(fields) > width and any(f.strip() for f in fields[width:]):
                        reason = f"it has {len(fields)} fields where the header has {width}"
                        refuse(Refusal(Place(self.name, reader.line_num), reason, reason))
                    else:
                        if len(fields) < width:
                            self._short_rows += 1
                            if self._short_rows == 1:
                                self._first_short = (reader.line_num, len(fields))
                        yield reader.line_num, (fields + [""] * width)[:width]
            except csv.Error as fault:
                place = Place(self.name, reader.line_num)
                raise BadRequest(
                    str(place), f"cannot be read ({fault})", "mend the file"
                ) from fault
