"""Backup and restore: a whole node as one file.

*Backup* copies each tenant's database, and the gate's own, through SQLite's backup interface from one read snapshot, so it
is consistent while the node serves and writes; settings and preloaded @contexts go along, and of the old
history the files that the copied database lists. The gate's log goes along with its keys; a restored log is held until
the operator says that nothing newer was published (:mod:`hansa.trust.log.resume`). What can be made again (tiles) stays out. The archive appears under its name only when it is complete.

*Restore* checks every byte against the list of contents, then every database, and only then lets the
folder appear. It never overwrites a node.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Final

import apsw

from hansa import __version__
from hansa.history import check
from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import AlreadyExists, BadRequest, NotFound, Unavailable
from hansa.kernel.folder import Folder, sync
from hansa.kernel.settings_file import load
from hansa.trust.anonymise.restored import hold_budgets
from hansa.trust.log.check import faults as log_faults
from hansa.upkeep.databases import faults, segments
from hansa.upkeep.log import hold_restored, log_files
from hansa.upkeep.manifest import Item, Manifest

__all__ = ["backup", "restore"]

_CONTENTS: Final = "manifest.json"
_PIECE: Final = 1 << 20
_PAGES: Final = 1000
_COMPRESSION: Final = 3
"""Gzip level: a node's JSON shrinks to about a fifth, and the disk stays the slower part."""

Progress = Callable[[int, int | None], None]


def backup(folder: Folder, target: Path, progress: Progress) -> Manifest:
    """Write the node in `folder` to the new file `target`; the node may be in use.

    `progress` is told bytes done and bytes in all.

    Raises:
        AlreadyExists: there is something at `target`.
        Unavailable: a database is damaged, a file cannot be read, or the disk of `target` is full;
            nothing is left then.
    """
    if target.exists():
        raise AlreadyExists(str(target), "is there already", "choose another name")
    draft = target.with_name(target.name + ".part")
    try:
        with _temporary(target.parent) as work:
            items = _gather(folder, work, progress)
            city = load(folder.root).city
            manifest = Manifest(city, iso(Clock().now()), __version__, tuple(items))
            _pack(manifest, work, draft)
            draft.replace(target)
            sync(target.parent)
    except (OSError, apsw.Error) as error:
        draft.unlink(missing_ok=True)
        raise _storage(f"backup {target}", error) from error
    return manifest


def _gather(folder: Folder, work: Path, progress: Progress) -> list[Item]:
    """Copy everything that belongs to the node into `work`."""
    plain = [folder.settings_file, *_files(folder.contexts)]
    waiting = [*plain, *log_files(folder.log), *folder.all_databases]
    total = sum(path.stat().st_size for path in waiting)
    done = 0
    items = []
    while waiting:
        path = waiting.pop(0)
        inner = path.relative_to(folder.root)
        copy = work / inner
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".sqlite":
            with _sound(path, folder):
                _copy_database(path, copy, partial(_shifted, progress, done, total))
                old = _history(folder, path.stem, copy)
            waiting += old
            total += sum(file.stat().st_size for file in old)
        else:
            _copy_file(path, copy)
        size = copy.stat().st_size
        done += size
        items.append(Item(inner.as_posix(), size, _digest(copy)))
        progress(done, total)
    return items


@contextmanager
def _sound(database: Path, folder: Folder) -> Iterator[None]:
    """Tell damage of what is to be saved from trouble with where it goes."""
    try:
        yield
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise Unavailable(
            f"store {database.name}",
            f"the database is damaged ({error}), so it cannot be saved; nothing was kept",
            f"see what is wrong with it (hansa doctor {folder.root}), and restore the last backup "
            "(hansa restore)",
        ) from error


def _copy_file(source: Path, copy: Path) -> None:
    """A copy; of what never changes a second name is enough, where the disk is the same."""
    if source.suffix == ".parquet":
        with contextlib.suppress(OSError):
            copy.hardlink_to(source)
            return
    shutil.copyfile(source, copy)


def _history(folder: Folder, tenant: str, copy: Path) -> list[Path]:
    """The files of old history that belong to the copy of a tenant's database."""
    place = folder.history / tenant
    return [file for segment in segments(copy) for file in segment.files(place)]


def _shifted(progress: Progress, before: int, total: int, now: int) -> None:
    progress(before + now, total)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _copy_database(source: Path, copy: Path, progress: Callable[[int], None]) -> None:
    """A consistent copy. The read transaction pins one snapshot, so writers cannot restart it."""
    reading = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)
    writing = apsw.Connection(str(copy))
    try:
        reading.setbusytimeout(10_000)
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        page = int(str(reading.pragma("page_size")))
        with writing.backup("main", reading, "main") as copying:
            while not copying.done:
                copying.step(_PAGES)
                progress((copying.page_count - copying.remaining) * page)
        writing.pragma("journal_mode", "delete")
    finally:
        writing.close()
        reading.close()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pack(manifest: Manifest, work: Path, draft: Path) -> None:
    with draft.open("xb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=_COMPRESSION) as tar:
            _add(tar, _CONTENTS, io.BytesIO(manifest.to_json()), len(manifest.to_json()))
            for item in manifest.items:
                with (work / item.path).open("rb") as content:
                    _add(tar, item.path, content, item.bytes)
        file.flush()
        os.fsync(file.fileno())


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes], size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o600
    tar.addfile(member, content)


def restore(archive: Path, root: Path, progress: Progress) -> Manifest:
    """Make a node in the new (or empty) folder `root` from `archive`.

    Raises:
        NotFound: there is no such archive.
        AlreadyExists: `root` holds something.
        BadRequest: the archive is damaged, cut off, or no backup of a node.
        Unavailable: the disk is full or not writable; nothing is left then.
    """
    if not archive.is_file():
        raise NotFound(f"archive {archive}", "there is no such file", "check the path")
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise AlreadyExists(
            f"folder {root}", "is not empty, and a restore never overwrites", "choose a new folder"
        )
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with _temporary(root.parent) as work, _reading(archive):
            manifest = _unpack(archive, work, progress)
            _check_databases(archive, work)
            hold_restored(work / "log", manifest.made_at)
            hold_budgets(Folder(work).vault, manifest.made_at)
            for part in ("store", "history", "trust", "cache", "contexts"):
                (work / part).mkdir(exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                root.rmdir()
            work.rename(root)
            sync(root.parent)
    except OSError as error:
        raise _storage(f"folder {root}", error) from error
    return manifest


@contextmanager
def _reading(archive: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, zlib.error, EOFError, UnicodeError) as error:
        raise _damaged(archive, str(error) or "it ends too early") from error


def _damaged(archive: Path, how: str) -> BadRequest:
    return BadRequest(f"archive {archive}", f"is damaged or no backup ({how})", "use another one")


def _unpack(archive: Path, work: Path, progress: Progress) -> Manifest:
    """Write every file of the archive below `work`, checked against the list of contents."""
    with archive.open("rb") as file, _gzip(file) as tar:
        first = tar.next()
        content = tar.extractfile(first) if first and first.name == _CONTENTS else None
        if content is None:
            raise _damaged(archive, "it does not begin with a list of contents")
        manifest = Manifest.from_json(content.read(_PIECE * 16), f"archive {archive}")
        waiting = {item.path: item for item in manifest.items}
        total = sum(item.bytes for item in manifest.items)
        _check_room(archive, work, total)
        done = 0
        while (member := tar.next()) is not None:
            item = waiting.pop(member.name, None)
            content = tar.extractfile(member) if item and member.isreg() else None
            if item is None or content is None:
                raise _damaged(archive, f"it holds '{member.name}', which is not on its list")
            if member.size != item.bytes:
                raise _damaged(archive, f"'{item.path}' is not of the size on its list")
            _write_checked(archive, item, content, work / item.path)
            done += item.bytes
            progress(done, total)
    if waiting:
        raise _damaged(archive, f"'{min(waiting)}' is missing")
    return manifest


def _check_room(archive: Path, work: Path, total: int) -> None:
    """Refuse, before the first byte, what unpacks to more than the disk holds."""
    free = shutil.disk_usage(work).free
    if total > free:
        raise Unavailable(
            f"archive {archive}",
            f"unpacks to {total:,} bytes, and the disk has {free:,} left; nothing was kept",
            "choose another disk, or another archive",
        )


def _gzip(file: IO[bytes]) -> tarfile.TarFile:
    return tarfile.open(fileobj=file, mode="r|gz")


def _write_checked(archive: Path, item: Item, content: IO[bytes], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        while piece := content.read(_PIECE):
            digest.update(piece)
            target.write(piece)
        target.flush()
        os.fsync(target.fileno())
    if digest.hexdigest() != item.sha256:
        raise _damaged(archive, f"'{item.path}' is not what was saved")


def _check_databases(archive: Path, work: Path) -> None:
    if found := log_faults(Folder(work).log):
        raise _damaged(archive, f"the log: {found[0]}")
    for path in Folder(work).all_databases:
        found = faults(path)
        found = found or check.faults(Folder(work).history / path.stem, segments(path))
        if found:
            raise _damaged(archive, f"{path.name}: {found[0]}")


@contextmanager
def _temporary(parent: Path) -> Iterator[Path]:
    """A folder on the same disk as the result, gone afterwards whatever happens."""
    work = Path(tempfile.mkdtemp(prefix=".hansa-", dir=parent))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _storage(subject: str, error: Exception) -> Unavailable:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return Unavailable(
        subject,
        f"the storage refused ({reason}); nothing was kept",
        "make room or choose another disk, check the rights, and try again",
    )
