"""How the commands speak: results on standard output, progress and errors on standard error.

On a terminal, tables are ruled and progress is drawn; into a pipe or a log, both are plain lines,
and no line is ever cut. With ``--json`` the result is one JSON document and nothing else stands on
standard output; an error is then a JSON document on standard error. What is printed stands there as it is: an
identifier with ``:parking:`` in it is neither a picture nor a style.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, TextIO

import orjson
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column, Table
from rich.text import Text

from hansa.kernel.errors import HansaError
from hansa.kernel.program import program

__all__ = ["Json", "Screen", "moment", "program", "show_error"]

_JSON = "hansa.json"
_JOINED = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}\N{SOFT HYPHEN}\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"
"""Not printable by their kind, but parts of words."""


def _remember_json(context: typer.Context, value: bool) -> bool:
    context.find_root().meta[_JSON] = value
    return value


Json = Annotated[
    bool,
    typer.Option("--json", help="Write the result as JSON.", callback=_remember_json),
]
"""The option that every command has."""

Advance = Callable[[int, int | None], None]
"""Takes how much is done so far, and the whole if it is known by now."""


class Screen:
    """Where one command writes to."""

    def __init__(self, json: bool = False) -> None:
        self.json = json
        self.out = _console(sys.stdout)
        self.err = _console(sys.stderr)

    @property
    def width(self) -> int | None:
        """Columns of the terminal; ``None`` where lines may be as long as they are."""
        return self.out.width if self.out.is_terminal else None

    def data(self, value: Any) -> None:
        """Write `value` as indented JSON; the whole answer of a command with ``--json``."""
        text = orjson.dumps(
            value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=str
        )
        sys.stdout.write(text.decode() + "\n")
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """One line of the result."""
        if not self.json:
            self.out.print(_shown(text), markup=False, emoji=False)

    def note(self, text: str) -> None:
        """One line beside the result: progress, advice."""
        self.err.print(_shown(text), markup=False, emoji=False)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Rows under heads; columns of numbers are set to the right."""
        if self.json:
            return
        texts = [[_text(cell) for cell in row] for row in rows]
        right = [
            bool(rows) and all(isinstance(row[i], int | float) for row in rows)
            for i in range(len(heads))
        ]
        if self.out.is_terminal:
            self._ruled(heads, texts, right)
        else:
            for line in _columns([list(heads), *texts], right):
                sys.stdout.write(line + "\n")

    def records(self, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Rows under heads; with ``--json`` an object for each row, named by the heads in camel case."""
        if self.json:
            names = [_camel(head) for head in heads]
            self.data([dict(zip(names, row, strict=True)) for row in rows])
        self.table(heads, rows)

    def fields(self, record: Mapping[str, Any]) -> None:
        """A record, a row for each field and one for each part of those that have several of their own."""
        self.table(("field", "value"), list(_fields(record)))

    def _ruled(self, heads: Sequence[str], texts: list[list[str]], right: list[bool]) -> None:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for head, to_right in zip(heads, right, strict=True):
            table.add_column(Text(head), justify="right" if to_right else "left", overflow="fold")
        for row in texts:
            table.add_row(*map(Text, row))
        self.out.print(table, soft_wrap=False)

    @contextmanager
    def progress(self, label: str) -> Iterator[Advance]:
        """A bar for the work of the block on a terminal, else a line when it is done."""
        if not self.err.is_terminal:
            counted = [0]

            def count(done: int, total: int | None) -> None:
                counted[0] = done

            self.note(f"{label} ...")
            yield count
            if counted[0]:
                self.note(f"{label}: {counted[0]:,}")
            return
        columns = (
            TextColumn(
                "{task.description}",
                markup=False,
                table_column=Column(no_wrap=True, overflow="ellipsis"),
            ),
            BarColumn(bar_width=20),
            _Done(table_column=Column(no_wrap=True)),
            TimeElapsedColumn(table_column=Column(no_wrap=True)),
        )
        with Progress(*columns, console=self.err) as bars:
            task = bars.add_task(label, total=None)

            def draw(done: int, total: int | None) -> None:
                bars.update(task, completed=done, total=total)

            yield draw
            done = bars.tasks[0].completed
            bars.update(task, total=done or 1, completed=done or 1)


class _Done(ProgressColumn):
    """How much is done, and of how much if that is known."""

    def render(self, task: Task) -> Text:
        done = f"{int(task.completed):,}"
        return Text(done if task.total is None else f"{done} of {int(task.total):,}")


def _console(file: TextIO) -> Console:
    """Prints what it is given: no markup, no emoji, no highlighting in it."""
    return Console(file=file, highlight=False, markup=False, emoji=False, soft_wrap=True)


def _fields(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
            for number, each in enumerate(value):
                yield ("" if number else name), _plain(each)
        else:
            yield name, _plain(value)


def _plain(value: Any) -> Any:
    """A value as people write it: a list with commas, a point as its two numbers, a step as its word and what it says."""
    if isinstance(value, list | tuple):
        return ", ".join(_text(_plain(each)) for each in value)
    if not isinstance(value, Mapping):
        return value if isinstance(value, bool) else str(value)
    if value.get("type") == "Point" and value.keys() == {"type", "coordinates"}:
        return _plain(value["coordinates"])
    rest = "; ".join(f"{n}: {_text(_plain(v))}" for n, v in value.items() if n != "step")
    word = str(value.get("step", ""))
    return f"{word} ({rest})" if word and rest else word or rest


def _camel(words: str) -> str:
    first, *rest = words.split()
    return first + "".join(word.capitalize() for word in rest)


def moment(text: str | None) -> str:
    """A node's moment as people read it: to the minute, in UTC; "" for none."""
    return "" if not text else f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _shown(text: str) -> str:
    """What can come from elsewhere, without the signs that a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(
        sign
        if sign in "\n\t" or sign.isprintable() or sign in _JOINED
        else "\N{REPLACEMENT CHARACTER}"
        for sign in text
    )


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    return _shown(str(cell))


def _columns(rows: list[list[str]], right: list[bool]) -> Iterator[str]:
    """Aligned lines without rules."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(right))]
    for row in rows:
        cells = (
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        )
        yield "  ".join(cells).rstrip()


def show_error(error: HansaError, context: typer.Context) -> None:
    """What went wrong, on standard error: subject and fact on one line, the remedy on the next."""
    if context.find_root().meta.get(_JSON):
        document = {"code": error.code, "subject": error.subject, "fact": error.fact}
        document |= {"remedy": error.remedy} if error.remedy else {}
        sys.stderr.write(orjson.dumps(document).decode() + "\n")
        return
    console = _console(sys.stderr)
    console.print(_shown(f"{error.subject}: {error.fact}."), style="bold")
    if error.remedy:
        console.print(_shown(error.remedy[0].upper() + error.remedy[1:] + "."))
