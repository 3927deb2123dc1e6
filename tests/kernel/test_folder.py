"""The node's folder: making it, finding it, and holding it alone."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hansa.kernel.errors import AlreadyExists, Conflict, NotFound, Unavailable
from hansa.kernel.folder import Folder, Holder


def test_create_then_open(tmp_path: Path) -> None:
    made = Folder.create(tmp_path / "a" / "b", 'city = "x"\n')
    assert Folder.open(tmp_path / "a" / "b") == made
    assert made.store.is_dir()
    assert made.contexts.is_dir()
    assert made.databases == []
    assert stat.S_IMODE(made.settings_file.stat().st_mode) == 0o600


def test_a_node_is_not_made_twice(tmp_path: Path) -> None:
    Folder.create(tmp_path, "")
    with pytest.raises(AlreadyExists, match="is a node already"):
        Folder.create(tmp_path, "")


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("dear")
    with pytest.raises(AlreadyExists, match="is not empty"):
        Folder.create(tmp_path, "")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(Unavailable, match="cannot be written"):
        Folder.create(tmp_path / "a" / "b", "")


def test_a_folder_that_is_no_node_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="hansa init"):
        Folder.open(tmp_path)


def test_only_one_holder(tmp_path: Path) -> None:
    folder = Folder.create(tmp_path, "")
    assert folder.holder() is None
    with folder.locked() as note:
        assert folder.holder() == Holder(os.getpid(), "")
        note("http://127.0.0.1:1356")
        assert folder.holder() == Holder(os.getpid(), "http://127.0.0.1:1356")
        with pytest.raises(Conflict, match=f"process {os.getpid()}"), folder.locked():
            pass
        assert folder.holder() is not None
    assert folder.holder() is None
    with folder.locked():
        pass


def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    folder = Folder.create(tmp_path, "")
    code = (
        "import sys, time, pathlib; from hansa.kernel.folder import Folder\n"
        "with Folder.open(pathlib.Path(sys.argv[1])).locked():\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        assert folder.holder() == Holder(child.pid, "")
        child.kill()
        child.wait()
    with folder.locked():
        assert folder.holder() == Holder(os.getpid(), "")


def test_waiting_for_a_holder_that_ends_soon(tmp_path: Path) -> None:
    folder = Folder.create(tmp_path, "")
    holding, go = threading.Event(), threading.Event()

    def hold() -> None:
        with folder.locked():
            holding.set()
            go.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    holding.wait()
    with pytest.raises(Conflict), folder.locked(0.05):
        pass
    threading.Timer(0.1, go.set).start()
    with folder.locked(60):
        assert not holder.is_alive() or go.is_set()
    holder.join()
