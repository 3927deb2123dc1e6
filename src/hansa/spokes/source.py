"""Where the bytes of a source come from: a file, a folder, or a member of an archive, at any depth.

``city.zip`` is a file, ``city/`` a folder, ``package.whl!data/city.zip!feed.zip`` a zip inside a zip
inside a wheel. What lies in an archive is copied to a temporary file of its own before it is read, so
that every reader works on a plain file; names inside archives are never used as paths on disk.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self, TypeVar

from hansa.kernel.errors import BadRequest, NotFound, TooLarge

__all__ = ["LARGEST", "Bundle", "SourceFile", "damaged", "handed_on", "open_bundle", "open_file"]

SEPARATOR: Final = "!"
_MOST_MEMBERS: Final = 100_000
LARGEST: Final = 16 * 2**30
"""Most bytes that an archive, or one member of it, may unpack to; more is taken for a trap."""

_CHUNK: Final = 2**20
_ZIP_FAULTS: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
_READ_FAULTS: Final = (*_ZIP_FAULTS, OSError, ValueError)
"""A damaged list of contents may also send the reader before the beginning of the file."""


def damaged(label: str, kind: str, fault: object) -> BadRequest:
    """The refusal of a file that cannot be read to its end."""
    return BadRequest(label, f"is not a complete {kind} ({fault})", "get the file again")


Opened = TypeVar("Opened", bound="SourceFile | Bundle")


@contextmanager
def handed_on(opened: Opened) -> Iterator[Opened]:
    """For the block that gives it to its reader, who closes it from then on; here only if that fails."""
    try:
        yield opened
    except BaseException:
        opened.close()
        raise


class SourceFile:
    """A plain file on disk that is removed at the end when it was unpacked for us.

    Attributes:
        path: where it lies.
        label: what messages call it: the name that the user gave, without the folders before it.
    """

    def __init__(self, path: Path, label: str, workplace: Path | None = None) -> None:
        self.path = path
        self.label = label
        self._workplace = workplace

    def digest(self) -> str:
        """``sha256:`` and the hexadecimal digest of the bytes."""
        with self.path.open("rb") as stream:
            return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"

    def close(self) -> None:
        """Remove what was unpacked."""
        if self._workplace is not None:
            shutil.rmtree(self._workplace, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_file(source: str) -> SourceFile:
    """The file that `source` names, unpacked if it lies in an archive.

    Raises:
        NotFound: the file, or the member of the archive, does not exist.
        BadRequest: an archive on the way is damaged or is none.
    """
    first, *members = source.split(SEPARATOR)
    path = Path(first).expanduser()
    if not path.exists():
        raise NotFound(f"file '{first}'", "does not exist", "check the path")
    if not members:
        return SourceFile(path, path.name)
    workplace = Path(tempfile.mkdtemp(prefix="hansa-"))
    label = path.name
    try:
        for depth, member in enumerate(members):
            target = workplace / f"{depth}{Path(member).suffix}"
            with _archive(path, label) as archive:
                _unpack(archive, member, target, label)
            path, label = target, Path(member).name
    except BaseException:
        shutil.rmtree(workplace, ignore_errors=True)
        raise
    return SourceFile(path, label, workplace)


def _archive(path: Path, label: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except IsADirectoryError:
        raise BadRequest(label, "is a folder, not a zip archive", "leave out the '!'") from None
    except _READ_FAULTS as fault:
        raise damaged(label, "zip archive", fault) from fault


def _unpack(archive: zipfile.ZipFile, member: str, target: Path, label: str) -> None:
    """Copy one member to `target`; the zip's own checksum is verified on the way."""
    try:
        info = archive.getinfo(member)
    except KeyError:
        raise NotFound(
            f"'{member}' in {label}", "there is no such member", "list the archive to see its names"
        ) from None
    if info.file_size > LARGEST:
        raise TooLarge(
            f"'{member}' in {label}",
            f"would unpack to {info.file_size} bytes",
            f"unpack it yourself if you trust it (the limit is {LARGEST} bytes)",
        )
    subject, kind = f"'{member}' in {label}", "member of a zip archive"
    try:
        stream = archive.open(info)
    except _READ_FAULTS as fault:
        raise damaged(subject, kind, fault) from fault
    try:
        with stream, target.open("wb") as copy:
            shutil.copyfileobj(stream, copy, _CHUNK)
    except _ZIP_FAULTS as fault:
        raise damaged(subject, kind, fault) from fault


def _check_size(archive: zipfile.ZipFile, label: str) -> None:
    """Refuse what would unpack to too much, by its list of contents; no member yields more than that says."""
    members = archive.infolist()
    total = sum(info.file_size for info in members)
    if total > LARGEST or len(members) > _MOST_MEMBERS:
        archive.close()
        raise TooLarge(
            label,
            f"would unpack to {len(members):,} members of {total:,} bytes",
            f"unpack it yourself if you trust it (the limits are {_MOST_MEMBERS:,} and {LARGEST:,})",
        )


class Bundle:
    """A folder or a zip archive: named members that are read one by one.

    Members lie at the top, or all below one folder, as archives are often packed.
    """

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.label = file.label
        self._archive: zipfile.ZipFile | None = None
        self._unpacked: list[SourceFile] = []
        if file.path.is_dir():
            self._names = {
                str(p.relative_to(file.path)) for p in file.path.rglob("*") if p.is_file()
            }
        else:
            self._archive = _archive(file.path, file.label)
            _check_size(self._archive, file.label)
            self._names = {n for n in self._archive.namelist() if not n.endswith("/")}

    def find(self, name: str) -> str | None:
        """The full name of the member called `name`: the one nearest to the top, or ``None``."""
        found = [n for n in self._names if n == name or n.endswith("/" + name)]
        return min(found, key=lambda n: (n.count("/"), n), default=None)

    @property
    def names(self) -> list[str]:
        """Full names of all members, sorted."""
        return sorted(self._names)

    def open(self, member: str) -> IO[bytes]:
        """Read a member (its full name) as a stream.

        Raises:
            BadRequest: the archive is damaged there (also while reading: wrap with :func:`damaged`).
        """
        if self._archive is None:
            return (self.file.path / member).open("rb")
        try:
            return self._archive.open(member)
        except _READ_FAULTS as fault:
            raise damaged(f"'{member}' in {self.label}", "zip member", fault) from fault

    def read(self, member: str) -> bytes:
        """All bytes of a member; a damaged archive is refused by name."""
        try:
            with self.open(member) as stream:
                return stream.read(LARGEST)
        except _READ_FAULTS as fault:
            raise damaged(f"'{member}' in {self.label}", "member of the archive", fault) from fault

    def verify(self) -> None:
        """Read an archive through once, comparing every member with its checksum.

        Raises:
            BadRequest: a member is damaged.
        """
        if self._archive is None:
            return
        try:
            broken = self._archive.testzip()
        except _READ_FAULTS as fault:
            raise damaged(self.label, "zip archive", fault) from fault
        if broken is not None:
            raise damaged(self.label, "zip archive", f"'{broken}' does not match its checksum")

    def extract(self, member: str) -> SourceFile:
        """A member as a file on disk; lives until the bundle is closed."""
        if self._archive is None:
            return SourceFile(self.file.path / member, Path(member).name)
        workplace = Path(tempfile.mkdtemp(prefix="hansa-"))
        copy = SourceFile(workplace / Path(member).name, Path(member).name, workplace)
        self._unpacked.append(copy)
        _unpack(self._archive, member, copy.path, self.label)
        return copy

    def digest(self) -> str:
        """Of the archive's bytes; of a folder, of its members' names and bytes in order."""
        if self._archive is not None:
            return self.file.digest()
        whole = hashlib.sha256()
        for name in self.names:
            whole.update(name.encode() + b"\0")
            with (self.file.path / name).open("rb") as stream:
                whole.update(hashlib.file_digest(stream, "sha256").digest())
        return f"sha256:{whole.hexdigest()}"

    def close(self) -> None:
        """Close the archive and remove everything that was unpacked."""
        if self._archive is not None:
            self._archive.close()
        for copy in self._unpacked:
            copy.close()
        self.file.close()


def open_bundle(source: str) -> Bundle:
    """The folder or zip archive that `source` names. Errors as :func:`open_file`."""
    file = open_file(source)
    try:
        return Bundle(file)
    except BaseException:
        file.close()
        raise
