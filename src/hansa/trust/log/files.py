"""The log on disk: entries, hashes and their recovery after a crash. One process writes, any may read.

::

    entries     all bundles, one after the other: what was logged, and the only file that must not be lost
    offsets     where each bundle begins (8 bytes each)
    tile-L      all tiles of level L, one after the other

A tile, full or partial, is then a piece of a file, and so is a bundle. An append writes its entries,
makes them durable with one fsync, and only then counts. Hashes and offsets can be made again from the
entries; they are made durable before a checkpoint is signed. On opening, everything up to the last
checkpoint must be as it was signed; what follows is hashed again, and a torn end is cut off: nobody was
ever told that it is kept.
"""

from __future__ import annotations

import os
import threading
from array import array
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import orjson

from hansa.kernel.errors import Unavailable
from hansa.kernel.folder import sync
from hansa.trust.log.hashing import Edge, Node, leaf_hash, root
from hansa.trust.log.notes import Checkpoint
from hansa.trust.log.tiles import HASH, WIDTH, Tile, bundle, entries_of, nodes, width

__all__ = ["ENTRIES", "LogDamaged", "LogFiles"]

ENTRIES: Final = "entries"
"""The file of all entries."""
_OFFSET: Final = 8
_PIECE: Final = 1 << 22
_SUBJECT: Final = "the log of the gate"


class LogDamaged(Unavailable):
    """What was signed is not what is on disk."""


class LogFiles:
    """Entries and hashes in a folder.

    Args:
        root: the folder; it is there.
        signed: the last checkpoint, if any was signed.

    Raises:
        LogDamaged: the files do not hold what the checkpoint says.
        Unavailable: they cannot be read or written.
    """

    def __init__(self, root: Path, signed: Checkpoint | None = None) -> None:
        self._root = root
        self._open: dict[str, int] = {}
        self._lock = threading.Lock()
        self._broken = ""
        self._offsets: array[int] = array("Q")
        self._end = 0
        self._edge = Edge()
        try:
            self._recover(signed)
        except OSError as error:
            self.close()
            raise _refused(error) from error
        except LogDamaged:
            self.close()
            raise

    @property
    def size(self) -> int:
        """How many entries are kept for good."""
        return self._edge.size

    def edge(self) -> Edge:
        """The right edge of the tree of what is kept, as it is now."""
        with self._lock:
            return self._edge.copy()

    @property
    def node(self) -> Node:
        """The hashes of perfect subtrees."""
        return nodes(self._hashes)

    def append(self, entries: Sequence[bytes]) -> int:
        """Keep entries, all or none; the index of the first. They are durable on return.

        Raises:
            Unavailable: the disk refused; none is kept.
            ValueError: an entry is empty or too long.
        """
        if self._broken:
            raise Unavailable(_SUBJECT, self._broken, "mend the disk and start the node again")
        content = bundle(entries)
        first, end = self.size, self._end
        try:
            self._write(ENTRIES, content, end)
            os.fsync(self._open[ENTRIES])
            self._count(entries)
        except OSError as error:
            # After a failed fsync nobody knows what is on disk: only a new look from the start helps.
            self._broken = f"could not be written ({error.strerror})"
            with suppress(OSError):
                os.ftruncate(self._open[ENTRIES], end)
            raise _refused(error) from error
        return first

    def sync(self) -> None:
        """Make hashes and offsets durable, as is due before a checkpoint is signed.

        Raises:
            Unavailable: the disk refused.
        """
        try:
            for name, descriptor in list(self._open.items()):
                if name != ENTRIES:
                    os.fsync(descriptor)
            sync(self._root)
        except OSError as error:
            raise _refused(error) from error

    def tile(self, tile: Tile, size: int) -> bytes | None:
        """The bytes of a tile or bundle of the tree of `size` entries; ``None`` if it has none such."""
        if tile.width > width(tile.level, tile.index, size):
            return None
        if tile.level is None:
            return self._bundle(tile.index, tile.width)
        return self._hashes(tile.level, tile.index * WIDTH, tile.width)

    def entries(self, start: int, end: int) -> list[bytes]:
        """The entries ``[start, end)``."""
        found: list[bytes] = []
        for index in range(start // WIDTH, -(-end // WIDTH)):
            count = min(WIDTH, end - index * WIDTH)
            whole = list(entries_of(self._bundle(index, count)))
            found += whole[max(0, start - index * WIDTH) :]
        return found

    def close(self) -> None:
        """Let go of the files."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    # -- writing ----------------------------------------------------------------------------------

    def _count(self, entries: Sequence[bytes]) -> None:
        """Take entries that are on disk into the tree."""
        made: dict[str, list[bytes]] = {}
        starts = {f"tile-{level}": self.size >> 8 * level for level in range(9)}
        fresh, bundles = array("Q"), len(self._offsets)
        edge, end = self._edge.copy(), self._end
        for entry in entries:
            if edge.size % WIDTH == 0:
                fresh.append(end)
            end += 2 + len(entry)
            for height, hash in edge.push(leaf_hash(entry)):
                if height % 8 == 0:
                    made.setdefault(f"tile-{height // 8}", []).append(hash)
        for name, hashes in made.items():
            self._write(name, b"".join(hashes), starts[name] * HASH)
        if fresh:
            self._write("offsets", fresh.tobytes(), bundles * _OFFSET)
        with self._lock:
            self._offsets.extend(fresh)
            self._end, self._edge = end, edge

    def _write(self, name: str, content: bytes, place: int) -> None:
        descriptor = self._file(name)
        view = memoryview(content)
        while view:
            written = os.pwrite(descriptor, view, place)
            view, place = view[written:], place + written

    def _file(self, name: str) -> int:
        with self._lock:
            if name not in self._open:
                self._open[name] = os.open(self._root / name, os.O_RDWR | os.O_CREAT, 0o600)
            return self._open[name]

    # -- reading ----------------------------------------------------------------------------------

    def _hashes(self, level: int, start: int, count: int) -> bytes:
        found = _read(self._file(f"tile-{level}"), start * HASH, count * HASH)
        if len(found) != count * HASH:
            raise LogDamaged(_SUBJECT, f"lacks hashes of level {level}", _REMEDY)
        return found

    def _bundle(self, index: int, count: int) -> bytes:
        """The first `count` entries of a bundle, with their lengths."""
        start = self._offsets[index]
        if count == WIDTH and index + 1 < len(self._offsets):
            return _read(self._file(ENTRIES), start, self._offsets[index + 1] - start)
        whole = _read(self._file(ENTRIES), start, self._end - start)
        place = 0
        for _ in range(count):
            place += 2 + int.from_bytes(whole[place : place + 2], "big")
        return whole[:place]

    # -- recovery ---------------------------------------------------------------------------------

    def _recover(self, signed: Checkpoint | None) -> None:
        """Find out what is there; see that it is what was signed; count what follows."""
        self._file(ENTRIES)
        size = signed.size if signed else 0
        offsets = _read(self._file("offsets"), 0, -(-size // WIDTH) * _OFFSET)
        if len(offsets) != -(-size // WIDTH) * _OFFSET:
            raise LogDamaged(_SUBJECT, "has lost where its entries begin", _REMEDY)
        self._offsets.frombytes(offsets)
        if signed is not None and root(size, self.node) != signed.root:
            raise LogDamaged(_SUBJECT, f"does not hold the {size:,} entries it signed", _REMEDY)
        self._edge = Edge.of(size, self.node)
        begun = size % WIDTH
        self._end = self._offsets[-1] if begun else self._last_end(size)
        self._truncate(size)
        rest = self._rest()
        if begun and [leaf_hash(each) for each in rest[:begun]] != self._begun(size):
            raise LogDamaged(_SUBJECT, "holds entries other than those it signed", _REMEDY)
        self._end += sum(2 + len(each) for each in rest[:begun])
        self._count(rest[begun:])
        os.ftruncate(self._open[ENTRIES], self._end)

    def _last_end(self, size: int) -> int:
        """Where the entries of full bundles end."""
        if not size:
            return 0
        start = self._offsets[-1]
        content = _read(self._open[ENTRIES], start, WIDTH * (2 + 65_535))
        place = 0
        for _ in range(WIDTH):
            if place + 2 > len(content):
                raise LogDamaged(_SUBJECT, "has lost entries that it signed", _REMEDY)
            place += 2 + int.from_bytes(content[place : place + 2], "big")
        return start + place

    def _begun(self, size: int) -> list[bytes]:
        start = size - size % WIDTH
        found = self._hashes(0, start, size - start)
        return [found[i : i + HASH] for i in range(0, len(found), HASH)]

    def _truncate(self, size: int) -> None:
        """Cut off hashes and offsets of what was not signed: they are made again."""
        for path in self._root.glob("tile-*"):
            level = int(path.name.removeprefix("tile-"))
            os.ftruncate(self._file(path.name), (size >> 8 * level) * HASH)
        os.ftruncate(self._file("offsets"), len(self._offsets) * _OFFSET)

    def _rest(self) -> list[bytes]:
        """The whole entries from the last known place on; the first that is torn ends them."""
        content = _read(self._open[ENTRIES], self._end, os.fstat(self._open[ENTRIES]).st_size)
        found: list[bytes] = []
        place = 0
        while place + 2 <= len(content):
            length = int.from_bytes(content[place : place + 2], "big")
            entry = content[place + 2 : place + 2 + length]
            if length == 0 or len(entry) < length or not _is_whole(entry):
                break
            found.append(entry)
            place += 2 + length
        return found


_REMEDY: Final = (
    "restore the newest backup (hansa restore), or begin a new volume of the log "
    "(hansa log resume --new-volume), which says so to everyone who checks it"
)


def _is_whole(entry: bytes) -> bool:
    try:
        orjson.loads(entry)
    except orjson.JSONDecodeError:
        return False
    return True


def _read(descriptor: int, place: int, count: int) -> bytes:
    parts = []
    while count > 0:
        part = os.pread(descriptor, min(count, _PIECE), place)
        if not part:
            break
        parts.append(part)
        place, count = place + len(part), count - len(part)
    return b"".join(parts)


def _refused(error: OSError) -> Unavailable:
    return Unavailable(
        _SUBJECT,
        f"cannot be written ({error.strerror}); nothing was let through without being logged",
        "make room on the disk, check the rights, and start the node again",
    )
