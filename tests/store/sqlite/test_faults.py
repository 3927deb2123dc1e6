"""Full disks, locks, damage, foreign and newer files: a clear word, and nothing half written."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from hansa.kernel.errors import HansaError, Unavailable
from hansa.ngsild.query import Query
from hansa.store.port import Written
from hansa.store.sqlite import SqliteStore, open_store

from ..build import change, entity, fill, found, put, read


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    opened = open_store(path, patience_ms=50)
    yield opened
    opened.close()


# -- a full disk -----------------------------------------------------------------------------------

_FILL = """
import resource, sys
from pathlib import Path
from hansa.kernel.errors import Unavailable
from hansa.store.port import Edited, Write
from hansa.store.sqlite import open_store

store = open_store(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

def write(n):
    value = [{"type": "Property", "value": "x" * 20_000}]
    id = f"urn:x:{n}"
    return Write(id, lambda old: Edited({"id": id, "type": ["urn:t:T"], "urn:a:v": value}))

for n in range(10_000):
    try:
        store.write([write(n)]).result()
    except Unavailable as error:
        print(n, error, sep="|")
        break
assert store.get(f"urn:x:{n}") is None
assert store.get(f"urn:x:{n - 1}") is not None
"""


def test_a_disk_that_takes_no_more(path: Path) -> None:
    """A limit on the size of files stands for the end of the disk."""
    done = subprocess.run(
        [sys.executable, "-c", _FILL, str(path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    count, _, message = done.stdout.strip().partition("|")
    assert "disk" in message
    assert "nothing was half written" in message
    store = open_store(path)
    assert store.query(Query(count=True, limit=0)).total == int(count)
    assert store.last_change() == int(count)
    assert store.check() == []
    fill(store, entity("urn:x:again"))
    store.close()


def test_a_full_database_refuses_the_large_and_keeps_the_small(store: SqliteStore) -> None:
    """In one group, the request that does not fit fails alone."""
    fill(store, entity("urn:x:0", v="x" * 100_000))
    store.write([change("urn:x:0", lambda old: entity("urn:x:0"))]).result()
    pages = store._writer._connection.pragma("page_count")
    store._writer._connection.pragma("max_page_count", pages)
    large = store.write([put(entity("urn:x:large", v="x" * 1_000_000)), put(entity("urn:x:l2"))])
    small = [store.write([put(entity(f"urn:x:{n}"))]) for n in range(1, 4)]
    with pytest.raises(Unavailable, match="disk is full") as refusal:
        large.result()
    assert "free some space" in refusal.value.remedy
    assert all(isinstance(each.result()[0], Written) for each in small)
    assert found(store) == ["0", "1", "2", "3"]
    assert store.last_change() == 5
    assert store.check() == []


# -- locks -----------------------------------------------------------------------------------------


_LOCK = """
import apsw, sys
connection = apsw.Connection(sys.argv[1])
list(connection.execute(sys.argv[2]))
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked_by_another_process(path: Path, statements: str) -> Iterator[None]:
    """A process of its own holds a lock; within one process, POSIX locks do not count."""
    with subprocess.Popen(
        [sys.executable, "-c", _LOCK, str(path), statements],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        yield
        process.communicate()


def test_a_lock_of_another_process_is_named_and_survived(store: SqliteStore, path: Path) -> None:
    fill(store, entity("urn:x:1"))
    with locked_by_another_process(path, "BEGIN IMMEDIATE"):
        waiting = [store.write([put(entity(f"urn:x:{n}"))]) for n in (2, 3)]
        for each in waiting:
            with pytest.raises(Unavailable, match="locked"):
                each.result()
        assert read(store, "urn:x:1") is not None, "readers go on"
    fill(store, entity("urn:x:4"))
    assert found(store) == ["1", "4"]
    assert store.last_change() == 2


def test_a_database_that_is_locked_whole_cannot_be_opened(path: Path) -> None:
    open_store(path).close()
    with (
        locked_by_another_process(path, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE"),
        pytest.raises(Unavailable, match="locked"),
    ):
        open_store(path, patience_ms=50)


# -- files that are not what they should be ----------------------------------------------------------


def test_garbage_is_no_database(path: Path) -> None:
    path.write_bytes(b"this is not a database, but it is long enough to look at" * 100)
    before = path.read_bytes()
    with pytest.raises(Unavailable, match="not a database") as refusal:
        open_store(path)
    assert "restore" in refusal.value.remedy
    assert path.read_bytes() == before


def test_the_database_of_another_program_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE mine (a)")
    other.close()
    with pytest.raises(Unavailable, match="another program"):
        open_store(path)
    tables = sqlite3.connect(path)
    assert [name for (name,) in tables.execute("SELECT name FROM sqlite_schema")] == ["mine"]
    tables.close()


def test_a_newer_schema_is_refused(path: Path) -> None:
    open_store(path).close()
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 999")
    newer.close()
    with pytest.raises(Unavailable, match="newer Hansa") as refusal:
        open_store(path)
    assert "999" in refusal.value.fact


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HansaError, match="folder"):
        open_store(tmp_path / "file" / "store.sqlite")


def _damage(path: Path, needle: bytes) -> None:
    """Overwrite what follows `needle` in the file."""
    content = bytearray(path.read_bytes())
    at = content.rindex(needle)
    content[at : at + 200] = b"\xff" * 200
    path.write_bytes(content)


def test_a_damaged_document_is_found_and_named(path: Path) -> None:
    store = open_store(path)
    fill(store, *(entity(f"urn:x:{n}", name="needle " + "x" * 3000) for n in range(5)))
    store.close()
    connection = apsw.Connection(str(path))
    connection.execute("DELETE FROM change; VACUUM")
    connection.close()
    _damage(path, b"urn:a:name")
    store = open_store(path)
    try:
        faults = store.check()
        assert faults
        assert any("damaged" in fault for fault in faults)
        with pytest.raises(Unavailable, match="damaged") as refusal:
            for n in range(5):
                store.get(f"urn:x:{n}")
        assert "hansa restore" in refusal.value.remedy
        [written] = fill(store, entity("urn:x:new"))
        assert written.created, "what is sound still works"
    finally:
        store.close()


def test_a_damaged_file_is_found_and_named(path: Path) -> None:
    store = open_store(path)
    fill(store, *(entity(f"urn:x:{n}", name="x" * 1000) for n in range(200)))
    store.close()
    content = bytearray(path.read_bytes())
    for page in range(6, len(content) // 4096):
        content[page * 4096 : page * 4096 + 16] = b"\xff" * 16
    path.write_bytes(content)
    with pytest.raises(Unavailable, match="damaged"):
        store = open_store(path)
        try:
            assert store.check() != []
            store.query(Query(limit=200))
        finally:
            store.close()


def test_a_database_that_may_not_be_written(store: SqliteStore) -> None:
    """Root may write every file, so the connection itself is told not to."""
    fill(store, entity("urn:x:1"))
    store._writer._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(Unavailable, match="cannot be written"):
        store.write([put(entity("urn:x:2"))]).result()
    store._writer._connection.execute("PRAGMA query_only = OFF")
    fill(store, entity("urn:x:3"))
    assert found(store) == ["1", "3"]
