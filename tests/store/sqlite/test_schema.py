"""Bringing a database of an earlier version to this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from hansa.kernel.errors import Unavailable
from hansa.store.sqlite import open_store
from hansa.store.sqlite.schema import APPLICATION_ID, SCHEMA_VERSION, STEPS, connect

from ..build import entity, fill, read


def test_every_earlier_version_is_brought_to_this_one(tmp_path: Path) -> None:
    for version in range(1, SCHEMA_VERSION):
        path = tmp_path / f"{version}.sqlite"
        connection = connect(path)
        for step in STEPS[:version]:
            connection.execute(step)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.close()
        store = open_store(path)
        fill(store, entity("urn:e:1"))
        assert read(store, "urn:e:1") is not None
        assert store.records("rule") == []
        assert store.check() == []
        store.close()


def test_a_file_that_was_emptied_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    open_store(path).close()
    path.write_bytes(b"")
    with pytest.raises(Unavailable, match="empty; what was in it is lost"):
        open_store(path)
    assert path.read_bytes() == b""


def test_a_beginning_that_was_cut_off_is_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    (tmp_path / "a.sqlite.new").write_bytes(b"half")
    store = open_store(path)
    fill(store, entity("urn:e:1"))
    store.close()
    assert [file.name for file in tmp_path.iterdir()] == ["a.sqlite"]
