"""Backup and restore: whole, checked, never over something that is there."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from hansa.kernel.errors import AlreadyExists, BadRequest, NotFound, Unavailable
from hansa.kernel.folder import Folder
from hansa.store.port import Edited, Write
from hansa.store.sqlite import SqliteStore, open_store
from hansa.upkeep.archive import backup, restore
from hansa.upkeep.manifest import Item, Manifest


def silent(done: int, total: int | None) -> None:
    """Progress that nobody watches."""


def entity(number: int, **values: object) -> dict[str, object]:
    """An entity in internal form."""
    attributes = {
        f"https://example.org/{name}": [{"type": "Property", "value": value}]
        for name, value in values.items()
    }
    now = "2026-11-23T05:00:00.000000Z"
    head = {"id": f"urn:x:{number}", "type": ["https://example.org/T"], "createdAt": now}
    return {**head, "modifiedAt": now, **attributes}


def write(store: SqliteStore, *entities: dict[str, object]) -> None:
    store.write(
        [Write(str(e["id"]), lambda current, e=e: Edited(e)) for e in entities]  # type: ignore[misc]
    ).result()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder.create(tmp_path / "node", 'city = "Visby"\n')
    for name in ("default", "default.c0ffee", "harbour"):
        with closing(open_store(made.store / f"{name}.sqlite")) as store:
            write(store, *[entity(n, x=os.urandom(100).hex(), tenant=name) for n in range(3000)])
    (made.contexts / "a").mkdir()
    (made.contexts / "a" / "c.jsonld").write_text('{"@context": {}}')
    (made.cache / "tiles.sqlite").write_text("not worth keeping")
    return made


def documents(folder: Path, name: str) -> list[bytes]:
    with closing(open_store(folder / "store" / f"{name}.sqlite")) as store:
        return list(store.scan())


def test_what_was_saved_comes_back(folder: Folder, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    saved = backup(folder, tmp_path / "b.tgz", lambda done, total: seen.append((done, total)))
    again = tmp_path / "new" / "again"
    assert restore(tmp_path / "b.tgz", again, silent) == saved
    assert saved.city == "Visby"
    for name in ("default", "default.c0ffee", "harbour"):
        assert documents(again, name) == documents(folder.root, name)
    assert (again / "contexts" / "a" / "c.jsonld").read_text() == '{"@context": {}}'
    assert Folder.open(again).settings_file.read_text() == 'city = "Visby"\n'
    assert not (again / "cache" / "tiles.sqlite").exists()
    assert seen[-1][0] > 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.tgz", "new", "node"]


def test_a_backup_is_consistent_while_the_node_writes(folder: Folder, tmp_path: Path) -> None:
    """Each write changes two entities in one commit, so in any snapshot they are equal."""
    stop, commits = threading.Event(), [0]
    store = open_store(folder.store / "default.sqlite")

    def keep_writing() -> None:
        while not stop.is_set():
            commits[0] += 1
            write(store, entity(1, n=commits[0]), entity(2, n=commits[0]))

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        while commits[0] < 3:
            pass
        backup(folder, tmp_path / "b.tgz", silent)
    finally:
        stop.set()
        writer.join()
        store.close()
    restore(tmp_path / "b.tgz", tmp_path / "again", silent)
    with closing(open_store(tmp_path / "again" / "store" / "default.sqlite")) as copy:
        assert copy.check() == []
        one, two = (orjson.loads(copy.get(f"urn:x:{n}") or b"") for n in (1, 2))
    name = "https://example.org/n"
    assert one[name] == two[name]
    assert 0 < one[name][0]["value"] <= commits[0]


def test_neither_overwrites(folder: Folder, tmp_path: Path) -> None:
    target = tmp_path / "b.tgz"
    target.write_text("mine")
    with pytest.raises(AlreadyExists, match="is there already"):
        backup(folder, target, silent)
    assert target.read_text() == "mine"
    target.unlink()
    backup(folder, target, silent)
    with pytest.raises(AlreadyExists, match="never overwrites"):
        restore(target, folder.root, silent)


def test_a_missing_archive(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such file"):
        restore(tmp_path / "b.tgz", tmp_path / "again", silent)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_an_archive_that_was_cut_off(share: float, folder: Folder, tmp_path: Path) -> None:
    archive = tmp_path / "b.tgz"
    backup(folder, archive, silent)
    archive.write_bytes(archive.read_bytes()[: int(archive.stat().st_size * share)])
    with pytest.raises(BadRequest, match="damaged"):
        restore(archive, tmp_path / "again", silent)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.tgz", "node"]


def pack(archive: Path, *members: tuple[str, bytes]) -> None:
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def manifest(*items: Item, **more: object) -> tuple[str, bytes]:
    right = Manifest("x", "2026-01-01", "0.1.0", items)
    return "manifest.json", replace(right, **more).to_json()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ([("readme.txt", b"hello")], "does not begin with a list"),
        ([("manifest.json", b"{}")], "list of contents cannot be read"),
        ([("manifest.json", b"[1]")], "list of contents cannot be read"),
        ([manifest(format=99)], "is of format 99"),
        ([manifest(format="x")], "list of contents cannot be read"),
        ([manifest(format=True)], "list of contents cannot be read"),
        ([manifest(city="\x1b[2JEVIL")], "list of contents cannot be read"),
        ([manifest(version="\x1b")], "list of contents cannot be read"),
        ([manifest(made_at="x")], "list of contents cannot be read"),
        ([manifest(made_at="0001-01-01T00:00:00+14:00")], "list of contents cannot be read"),
        ([manifest(made_at=["2026"])], "list of contents cannot be read"),
        ([manifest(Item("hansa.toml", 1, 7))], "list of contents cannot be read"),  # type: ignore[arg-type]
        ([manifest(Item("store/\x1b[2J", 1, ""))], "list of contents cannot be read"),
        ([manifest(Item("../evil", 1, ""))], "no part of a node"),
        ([manifest(Item("store/../../evil", 1, ""))], "no part of a node"),
        ([manifest(Item("/etc/passwd", 1, ""))], "no part of a node"),
        ([manifest(), ("store/x.sqlite", b"x")], "not on its list"),
        ([manifest(Item("hansa.toml", 1, "00")), ("hansa.toml", b"x")], "is not what was saved"),
        ([manifest(Item("hansa.toml", 1, "00"))], "'hansa.toml' is missing"),
    ],
)
def test_a_foreign_or_hostile_archive(
    members: list[tuple[str, bytes]], fault: str, tmp_path: Path
) -> None:
    pack(tmp_path / "b.tgz", *members)
    with pytest.raises(BadRequest, match=fault):
        restore(tmp_path / "b.tgz", tmp_path / "again", silent)
    assert [p.name for p in tmp_path.iterdir()] == ["b.tgz"]


def test_a_changed_byte_is_noticed(folder: Folder, tmp_path: Path) -> None:
    archive = tmp_path / "b.tgz"
    backup(folder, archive, silent)
    with tarfile.open(archive) as tar:
        members = [(m.name, tar.extractfile(m).read()) for m in tar]  # type: ignore[union-attr]
    name, content = members[-1]
    pack(archive, *members[:-1], (name, content[:-1] + bytes([content[-1] ^ 1])))
    with pytest.raises(BadRequest, match=f"'{name}' is not what was saved"):
        restore(archive, tmp_path / "again", silent)


def test_a_damaged_database_is_not_restored(folder: Folder, tmp_path: Path) -> None:
    archive = tmp_path / "b.tgz"
    backup(folder, archive, silent)
    path = folder.store / "default.sqlite"
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 9] = os.urandom(4096 * 6)
    path.write_bytes(content)
    backup(folder, tmp_path / "bad.tgz", silent)
    with pytest.raises(BadRequest, match=r"default\.sqlite"):
        restore(tmp_path / "bad.tgz", tmp_path / "again", silent)
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("first", [0, 100])
def test_a_damaged_database_is_not_saved(first: int, folder: Folder, tmp_path: Path) -> None:
    path = folder.store / "default.sqlite"
    path.write_bytes(path.read_bytes()[:first] + b"damage! " * 5000)
    with pytest.raises(Unavailable) as caught:
        backup(folder, tmp_path / "b.tgz", silent)
    assert caught.value.subject == "store default.sqlite"
    assert "the database is damaged" in caught.value.fact
    assert f"hansa doctor {folder.root}" in caught.value.remedy
    assert [p.name for p in tmp_path.iterdir()] == ["node"]


def test_no_room_for_the_archive_leaves_nothing(folder: Folder, tmp_path: Path) -> None:
    """The process may write no file above 200 kB, which a full disk feels like."""
    code = (
        "import sys, pathlib, resource\n"
        "from hansa.kernel.errors import Unavailable; from hansa.kernel.folder import Folder\n"
        "from hansa.upkeep.archive import backup\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "try: backup(Folder(pathlib.Path(sys.argv[1])), pathlib.Path(sys.argv[2]), lambda *_: None)\n"
        "except Unavailable as error: print(error.sentence)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(folder.root), str(tmp_path / "b.tgz")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "nothing was kept" in out.stdout
    assert sorted(p.name for p in tmp_path.iterdir()) == ["node"]


def test_a_full_disk(folder: Folder, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(small)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a small disk")
    try:
        with pytest.raises(Unavailable, match="nothing was kept"):
            backup(folder, small / "b.tgz", silent)
        assert list(small.iterdir()) == []
        backup(folder, tmp_path / "b.tgz", silent)
        with pytest.raises(Unavailable, match="nothing was kept"):
            restore(tmp_path / "b.tgz", small / "again", silent)
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)
