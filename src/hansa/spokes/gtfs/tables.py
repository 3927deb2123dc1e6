"""The small tables of a feed: rows as records, checked one by one.

``stop_times.txt`` and ``shapes.txt``, which may have millions of rows, are read into arrays by
:mod:`.stop_times` and :mod:`.shapes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hansa.kernel.errors import BadRequest
from hansa.spokes.port import Place, Refusal
from hansa.spokes.source import Bundle
from hansa.spokes.tabular import TextTable

__all__ = ["Record", "Tables", "whole"]

Check = Callable[["Record"], None]


@dataclass(frozen=True, slots=True)
class Record:
    """One row: the line where it stands and its fields that are not blank."""

    line: int
    values: Mapping[str, str]

    def get(self, name: str) -> str:
        """A field, or an empty text."""
        return self.values.get(name, "")

    def need(self, name: str) -> str:
        """A field that must be there.

        Raises:
            ValueError: it is blank.
        """
        value = self.values.get(name)
        if value is None:
            raise ValueError(f"'{name}' is blank")
        return value


class Tables:
    """Access to the tables of one feed, and what was found wrong with their rows.

    Attributes:
        refusals: rows that were not taken in.
        notes: what a reader of the data should know.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self.refusals: list[Refusal] = []
        self.notes: list[str] = []

    def open(self, name: str, required: Sequence[str]) -> TextTable | None:
        """The table called `name`, or ``None`` if the feed has no such file."""
        member = self._bundle.find(name)
        if member is None:
            return None
        table = TextTable(name, lambda: self._bundle.open(member), required)
        if table.note:
            self.notes.append(table.note)
        return table

    def need(self, name: str, required: Sequence[str]) -> TextTable:
        """The table called `name`.

        Raises:
            BadRequest: the feed lacks the file or one of the columns.
        """
        self.expect(name)
        table = self.open(name, required)
        assert table is not None  # noqa: S101 - expected above
        return table

    def expect(self, name: str) -> None:
        """Make sure that the feed has a file.

        Raises:
            BadRequest: it has not.
        """
        if self._bundle.find(name) is None:
            raise BadRequest(
                self._bundle.label, f"holds no {name}", "give a GTFS feed (a zip archive or folder)"
            )

    def refuse(self, file: str, line: int, reason: object) -> None:
        """Note a row that is not taken in."""
        self.refusals.append(Refusal(Place(file, line), str(reason)))

    def records(self, table: TextTable) -> Iterator[Record]:
        """The rows as records."""
        names = table.columns
        for line, fields in table.rows(self.refusals.append):
            values = {n: v for n, f in zip(names, fields, strict=True) if n and (v := f.strip())}
            yield Record(line, values)

    def keyed(self, table: TextTable | None, key: str, check: Check) -> dict[str, Record]:
        """Records by identifier; a row that fails `check`, or repeats an identifier, is refused."""
        found: dict[str, Record] = {}
        if table is None:
            return found
        for record in self.records(table):
            try:
                id = record.need(key)
                check(record)
            except ValueError as fault:
                self.refuse(table.name, record.line, fault)
                continue
            if id in found:
                reason = f"{key} {id!r} appeared before, on line {found[id].line}"
                self.refuse(table.name, record.line, reason)
            else:
                found[id] = record
        return found


def whole(text: str, name: str, allowed: Sequence[int] | None = None) -> int:
    """A whole number of up to 18 digits, of `allowed` ones where given.

    Raises:
        ValueError: it is none of them.
    """
    try:
        value = int(text)
    except ValueError:
        raise ValueError(f"{name} {text[:40]!r} is not a whole number") from None
    if abs(value) >= 10**18:
        raise ValueError(f"{name} {text[:40]!r} is too large")
    if allowed is not None and value not in allowed:
        choices = ", ".join(map(str, allowed))
        raise ValueError(f"{name} {value} is none of {choices}")
    return value
