"""The earlier volumes of a log: nothing is added to them, and they are shown as they were signed.

``volumes/<n>/`` of the log's folder holds entries, hashes and the last checkpoint of volume n, and its public key in
``key``. The private key is gone: nobody can sign for it any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

from hansa.kernel.errors import HansaError
from hansa.trust.log.files import LogFiles
from hansa.trust.log.notes import Checkpoint, Note, NoteFault
from hansa.trust.log.openings import VOLUMES
from hansa.trust.log.tiles import Tile

__all__ = ["KEY", "Volume", "Volumes"]

KEY: Final = "key"
"""The file of a volume's public key."""


@dataclass(frozen=True, slots=True)
class Volume:
    """An earlier volume, to be read."""

    number: int
    vkey: str
    note: Note
    head: Checkpoint
    files: LogFiles

    def tile(self, tile: Tile) -> bytes | None:
        """A tile or bundle of what was signed."""
        return self.files.tile(tile, self.head.size)


class Volumes:
    """The earlier volumes of the log in a folder; each is opened when first asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root / VOLUMES
        self._open: dict[int, Volume] = {}
        self._lock = Lock()

    def __iter__(self) -> Iterator[Volume]:
        """All that can be read, the oldest first."""
        numbers = sorted(int(path.name) for path in self._root.glob("*") if path.name.isdecimal())
        yield from (found for each in numbers if (found := self.get(each)) is not None)

    def get(self, number: int) -> Volume | None:
        """A volume; ``None`` if there is none such, or it is damaged (doctor says how)."""
        with self._lock:
            if number not in self._open:
                found = _opened(self._root / str(number), number)
                if found is None:
                    return None
                self._open[number] = found
            return self._open[number]

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            for volume in self._open.values():
                volume.files.close()
            self._open.clear()


def _opened(place: Path, number: int) -> Volume | None:
    try:
        note = Note.parse((place / "checkpoint").read_bytes())
        head = Checkpoint.parse(note.text)
        vkey = (place / KEY).read_text(encoding="utf-8").strip()
        return Volume(number, vkey, note, head, LogFiles(place, head))
    except (OSError, NoteFault, HansaError):
        return None
