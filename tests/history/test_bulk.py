"""Bulk import: what is read, what is refused and where, and that repeating adds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from hansa.history.bulk import Imported, import_history
from hansa.history.compact import compact
from hansa.history.mapping import read_mapping
from hansa.history.retain import retain
from hansa.history.rules import Rule
from hansa.kernel.errors import BadRequest
from hansa.ngsild.context import Context
from hansa.store.history import Heads, Selection
from hansa.store.sqlite import SqliteStore

from .stores import NEVER, add, archive_of, at, ids, opened, values

TERMS = Context([{"x": "urn:a:x", "y": "urn:a:y", "T": "urn:t:T"}])
NOW = at("2026-11-20T00:00:00Z")
HEAD = "entity,type,attribute,time,value\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    made = opened(tmp_path)
    yield made
    faults = made.check()
    made.close()
    assert faults == []


def bring(store: SqliteStore, path: Path, **more: Any) -> Imported:
    return import_history(store, archive_of(store), path, TERMS, NOW, **more)


def csv(tmp_path: Path, *lines: str, head: str = HEAD) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_every_kind_of_value_is_taken_as_it_is_written(store: SqliteStore, tmp_path: Path) -> None:
    written = [
        "1",
        "1.0",
        "-2.5e3",
        "true",
        "false",
        "01",
        "nan",
        "a,b",
        'say "x"',
        "Ω",
        str(2**60),
    ]
    lines = [
        f'urn:x:1,T,x,2026-01-01T00:{n:02}:00Z,"{value.replace(chr(34), chr(34) * 2)}"'
        for n, value in enumerate(written)
    ]
    done = bring(store, csv(tmp_path, *lines))
    assert (done.read, done.added, done.refused, done.entities) == (11, 11, 0, 1)
    expected: list[Any] = [1, 1.0, -2500.0, True, False, "01", "nan", "a,b", 'say "x"', "Ω", 2**60]
    assert repr(values(store, "urn:x:1", "x")) == repr(expected)
    with store.past() as past:
        [head] = past.heads(Heads())
        [first, *_] = past.series(Selection(("urn:x:1",)))
    assert head.types == ("urn:t:T",)
    assert first.instance["createdAt"] == "2026-11-20T00:00:00.000000Z"
    assert first.instance["observedAt"] == "2026-01-01T00:00:00Z"


def test_lines_that_are_wrong_are_named_and_the_others_taken(
    store: SqliteStore, tmp_path: Path
) -> None:
    done = bring(
        store,
        csv(
            tmp_path,
            "urn:x:1,T,x,2026-01-01T00:00:00Z,1",
            "urn:x:1,T,x,2026-01-01T00:01:00Z",
            "no uri,T,x,2026-01-01T00:02:00Z,1",
            "urn:x:1,T,x,2026-01-01T00:03:00Z,1,more",
            "urn:x:1,T,x,last Tuesday,1",
            "urn:x:1,T,x,2026-01-01T00:05:00Z,",
            "urn:x:1,9T,x,2026-01-01T00:06:00Z,1",
            "urn:x:1,T,,2026-01-01T00:07:00Z,1",
            "urn:x:1,T,x,2026-01-01T00:08:00Z,1e999",
            "urn:x:1,T,x,2026-01-01T00:09:00Z,2",
        ),
    )
    assert (done.added, done.refused) == (2, 8)
    assert [line for line, _ in done.faults] == [3, 4, 5, 6, 7, 8, 9, 10]
    assert "is not a URI" in done.faults[1][1]
    assert values(store, "urn:x:1", "x") == [1, 2]


def test_the_same_again_adds_nothing(store: SqliteStore, tmp_path: Path) -> None:
    lines = [f"urn:x:{n % 3},T,x,2026-01-01T00:{n:02}:00Z,{n}" for n in range(30)]
    path = csv(tmp_path, *lines, lines[0])
    assert bring(store, path, dry_run=True).added == 30
    assert ids(store) == []
    assert bring(store, path).unchanged == 1
    again = bring(store, path)
    assert (again.added, again.unchanged, again.different) == (0, 31, 0)
    changed = csv(tmp_path, "urn:x:1,T,x,2026-01-01T00:01:00Z,999", "urn:x:9,T,x,2026-01-01,5")
    more = bring(store, changed)
    assert (more.added, more.different) == (1, 1)
    assert values(store, "urn:x:1", "x")[0] == 1
    assert len(store.records("archive")) == 2


def test_what_is_still_in_the_database_counts_as_there(store: SqliteStore, tmp_path: Path) -> None:
    add(store, "urn:x:1", "urn:t:T", x=[("2026-01-01T00:00:00Z", 1)])
    path = csv(tmp_path, "urn:x:1,T,x,2026-01-01T00:00:00Z,1", "urn:x:1,T,x,2026-01-01T00:00:01Z,1")
    done = bring(store, path)
    assert (done.added, done.unchanged) == (1, 1)
    compact(store, archive_of(store), NEVER)
    assert bring(store, path).unchanged == 2


def test_what_is_kept_as_sums_is_not_counted_twice(store: SqliteStore, tmp_path: Path) -> None:
    path = csv(tmp_path, "urn:x:1,T,x,2024-01-01T00:00:00Z,1", "urn:x:1,T,x,2024-01-01T00:30:00Z,1")
    bring(store, path)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    retain(store, archive_of(store), [Rule("r", "P30D", sums="PT1H")], now)
    done = bring(store, path)
    assert (done.added, done.summed) == (0, 2)


def test_parquet_keeps_its_types(store: SqliteStore, tmp_path: Path) -> None:
    when = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in range(4)]
    table = pyarrow.table(
        {
            "entity": ["urn:x:1"] * 4,
            "type": ["T"] * 4,
            "attribute": ["x"] * 4,
            "time": when,
            "value": [1.0, 2.5, None, float("nan")],
            "dataset": [None, "urn:d:1", None, None],
            "unit": ["GQ", None, None, None],
        }
    )
    parquet.write_table(table, tmp_path / "t.parquet")
    done = bring(store, tmp_path / "t.parquet")
    assert (done.added, done.refused) == (2, 2)
    with store.past() as past:
        first, second = (m.instance for m in past.series(Selection(("urn:x:1",))))
    assert (first["value"], first["unitCode"]) == (1.0, "GQ")
    assert second["datasetId"] == "urn:d:1"


MAPPING = """
entity = "urn:x:{station}"
type = "T"
time = "when"
zone = "Europe/Berlin"
[attributes]
x = { column = "X 1", unit = "CEL" }
y = "Y"
"""


def test_a_row_per_moment_by_a_mapping(store: SqliteStore, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(MAPPING)
    path = csv(
        tmp_path,
        "7,2026-07-01 12:00,20.5,3",
        "7,2026-07-01 13:00,,4",
        "7,never,1,",
        head="station,when,X 1,Y\n",
    )
    done = bring(store, path, mapping=read_mapping(tmp_path / "m.toml"))
    assert (done.added, done.refused, done.faults[0][0]) == (3, 1, 4)
    assert values(store, "urn:x:7", "y") == [3, 4]
    with store.past() as past:
        [first] = past.series(Selection(("urn:x:7",), frozenset({"urn:a:x"})))
    assert first.instance["observedAt"] == "2026-07-01T10:00:00Z"
    assert first.instance["unitCode"] == "CEL"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("entity = 1", "'entity' is missing"),
        ("nonsense", "cannot be read"),
        (MAPPING.replace("Europe/Berlin", "Mars/Base"), "is not a time zone"),
        (MAPPING.replace('y = "Y"', "y = 3"), "does not name its column"),
        (MAPPING + "\n[more]\n", "'more' is not known"),
    ],
)
def test_mappings_that_cannot_be(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(BadRequest, match=fault):
        read_mapping(tmp_path / "m.toml")


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("t.csv", b"a,b\n1,2\n", "has no column 'attribute'"),
        ("t.parquet", b"not parquet at all", "is no table"),
        ("t.xlsx", b"", "does not tell its form"),
    ],
)
def test_files_that_are_no_such_table(
    store: SqliteStore, tmp_path: Path, name: str, content: bytes, fault: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadRequest, match=fault):
        bring(store, tmp_path / name)
    with pytest.raises(BadRequest, match="does not exist"):
        bring(store, tmp_path / "nowhere.csv")
    assert not list(archive_of(store).folder.glob("*.part"))
