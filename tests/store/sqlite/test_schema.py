"""Bringing a database of an earlier version to this one."""

from __future__ import annotations

from pathlib import Path

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
