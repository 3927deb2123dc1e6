"""Old history goes along with a backup, and the doctor looks after it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hansa.history.archive import ParquetArchive
from hansa.history.compact import compact
from hansa.kernel.errors import BadRequest, Unavailable
from hansa.kernel.folder import Folder
from hansa.store.history import Added, Selection
from hansa.store.sqlite import open_store
from hansa.upkeep import doctor
from hansa.upkeep.archive import backup, restore

IDS = ("urn:x:1", "urn:x:2")


def silent(done: int, total: int | None) -> None:
    """Progress that nobody watches."""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder.create(tmp_path / "node", 'city = "Visby"\n')
    with closing(open_store(made.store / "default.sqlite")) as store:
        values = [
            {"type": "Property", "value": n, "observedAt": f"2026-01-01T{n:02}:00:00Z"}
            for n in range(24)
        ]
        added = [Added(id, ("urn:t:T",), {"urn:a:x": values}) for id in IDS]
        store.record_history(added).result()
        compact(store, ParquetArchive(made.history / "default"), 1 << 60)
    return made


def series(root: Path) -> list[Any]:
    folder = Folder(root)
    with closing(open_store(folder.store / "default.sqlite")) as store:
        store.archive = ParquetArchive(folder.history / "default")
        with store.past() as past:
            return list(past.series(Selection(IDS)))


def findings(folder: Folder) -> list[doctor.Finding]:
    return [each for each in doctor.examine(folder.root) if each.subject == "history 'default'"]


def test_old_history_comes_back(folder: Folder, tmp_path: Path) -> None:
    backup(folder, tmp_path / "b.tgz", silent)
    restore(tmp_path / "b.tgz", tmp_path / "again", silent)
    assert series(tmp_path / "again") == series(folder.root)
    assert len(series(folder.root)) == 48


def test_what_the_archive_does_not_list_stays_out(folder: Folder, tmp_path: Path) -> None:
    (folder.history / "default" / "left-over.parquet").write_bytes(b"x")
    saved = backup(folder, tmp_path / "b.tgz", silent)
    assert not any("left-over" in item.path for item in saved.items)
    assert any(item.path.startswith("history/default/") for item in saved.items)


def test_a_missing_segment_is_no_backup(folder: Folder, tmp_path: Path) -> None:
    next((folder.history / "default").glob("*.parquet")).unlink()
    with pytest.raises(Unavailable):
        backup(folder, tmp_path / "b.tgz", silent)
    assert not (tmp_path / "b.tgz").exists()


def test_a_damaged_segment_is_not_restored(folder: Folder, tmp_path: Path) -> None:
    file = next((folder.history / "default").glob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    backup(folder, tmp_path / "b.tgz", silent)
    with pytest.raises(BadRequest, match="is not what was written"):
        restore(tmp_path / "b.tgz", tmp_path / "again", silent)


def test_the_doctor_checks_old_history(folder: Folder) -> None:
    [well] = findings(folder)
    assert (well.level, well.fact.split(" in ")[0]) == ("ok", "48 old instances")
    file = next((folder.history / "default").glob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    [damaged] = findings(folder)
    assert damaged.level == "fail"
    file.unlink()
    [gone] = findings(folder)
    assert "is missing" in gone.fact
