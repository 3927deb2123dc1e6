"""The log on disk: what is read back, what a crash leaves, and what is refused."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.errors import Unavailable
from hansa.trust.log.files import LogDamaged, LogFiles
from hansa.trust.log.notes import Checkpoint
from hansa.trust.log.tiles import Tile, entries_of

from . import naive


def entries(start: int, end: int) -> list[bytes]:
    return [orjson.dumps({"n": i, "pad": "x" * (i * 7 % 50)}) for i in range(start, end)]


def signed(size: int) -> Checkpoint:
    return Checkpoint("a/log", size, naive.mth(entries(0, size)))


def written(root: Path, *sizes: int, sync: bool = True) -> None:
    files = LogFiles(root)
    for size in sizes:
        files.append(entries(files.size, size))
    files.sync()
    files.close()


@pytest.mark.parametrize("size", [1, 255, 256, 257, 512, 700])
def test_tiles_and_bundles_of_every_size(size: int, tmp_path: Path) -> None:
    written(tmp_path, size // 2, size)
    files = LogFiles(tmp_path, signed(size // 2))
    assert files.size == size
    assert files.edge().root() == naive.mth(entries(0, size))
    assert files.entries(0, size) == entries(0, size)
    assert files.entries(size // 3, size // 2) == entries(size // 3, size // 2)
    for before in (size, size // 2):
        for index in range(4):
            there = max(0, min(256, before - index * 256))
            for width in {1, there - 1, there, there + 1, 256} & set(range(1, 257)):
                tile = files.tile(Tile(None, index, width), before)
                hashes = files.tile(Tile(0, index, width), before)
                if width > there:
                    assert tile is hashes is None
                    continue
                assert tile is not None
                assert hashes is not None
                start = index * 256
                assert list(entries_of(tile)) == entries(start, start + width)
                assert len(hashes) == width * 32
    full = size // 256
    if full:
        assert files.tile(Tile(1, 0, full), size) == b"".join(
            naive.mth(entries(i * 256, i * 256 + 256)) for i in range(full)
        )
    assert files.tile(Tile(1, 0, full + 1), size) is None
    files.close()


@given(cut=st.integers(0, 3000), known=st.integers(0, 90))
def test_a_torn_end_is_cut_off(
    cut: int, known: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("log")
    written(root, known, 100)
    path = root / "entries"
    least = sum(2 + len(each) for each in entries(0, known))
    length = max(least, path.stat().st_size - cut)
    os.truncate(path, length)
    files = LogFiles(root, signed(known))
    whole = files.size
    assert known <= whole <= 100
    assert files.edge().root() == naive.mth(entries(0, whole))
    files.append(entries(whole, 100))
    assert files.edge().root() == naive.mth(entries(0, 100))
    assert files.entries(0, 100) == entries(0, 100)
    files.close()


@pytest.mark.parametrize(
    "torn", [b"\x00\x00", bytes(5000), b"\x00\x05{\x00\x00\x00}", b"\xff\xff{", b"\x00"]
)
def test_what_a_power_cut_may_leave_is_cut_off(torn: bytes, tmp_path: Path) -> None:
    written(tmp_path, 300)
    with (tmp_path / "entries").open("ab") as file:
        file.write(torn)
    files = LogFiles(tmp_path, signed(290))
    assert files.size == 300
    files.append(entries(300, 301))
    files.close()
    files = LogFiles(tmp_path, signed(301))
    assert files.entries(300, 301) == entries(300, 301)
    files.close()


def test_hashes_that_were_not_saved_are_made_again(tmp_path: Path) -> None:
    written(tmp_path, 600)
    os.truncate(tmp_path / "tile-0", 300 * 32)
    os.truncate(tmp_path / "tile-1", 32)
    os.truncate(tmp_path / "offsets", 16)
    files = LogFiles(tmp_path, signed(300))
    assert files.size == 600
    assert files.edge().root() == naive.mth(entries(0, 600))
    assert files.tile(Tile(1, 0, 2), 600) is not None
    files.close()
    written_again = LogFiles(tmp_path, signed(600))
    assert written_again.size == 600
    written_again.close()


@pytest.mark.parametrize("name", ["entries", "tile-0", "tile-1", "offsets"])
def test_what_was_signed_must_be_there(name: str, tmp_path: Path) -> None:
    written(tmp_path, 600)
    os.truncate(tmp_path / name, 8)
    with pytest.raises(LogDamaged):
        LogFiles(tmp_path, signed(600))


def test_a_changed_hash_or_late_entry_is_found_at_the_start(tmp_path: Path) -> None:
    written(tmp_path, 600)
    for name, place in (("tile-1", 40), ("tile-0", 599 * 32), ("entries", -4)):
        path = tmp_path / name
        before = path.read_bytes()
        changed = bytearray(before)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(LogDamaged):
            LogFiles(tmp_path, signed(600))
        path.write_bytes(before)
    LogFiles(tmp_path, signed(600)).close()


def test_a_full_disk_keeps_none_and_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, 10)
    files = LogFiles(tmp_path, signed(10))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="No space left"):
        files.append(entries(10, 20))
    monkeypatch.undo()
    with pytest.raises(Unavailable, match="start the node again"):
        files.append(entries(10, 20))
    files.close()
    files = LogFiles(tmp_path, signed(10))
    assert files.size == 10
    files.close()


def test_an_entry_must_fit(tmp_path: Path) -> None:
    files = LogFiles(tmp_path)
    with pytest.raises(ValueError, match="1 to 65535"):
        files.append([b"x" * 65_536])
    assert files.size == 0
    files.close()
