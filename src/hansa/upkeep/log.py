"""The gate's log in backups: which files, in which order, and what a restored one may not do."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hansa.trust.log.book import CHECKPOINTS, HELD
from hansa.trust.log.keys import put
from hansa.trust.log.readings import NEW, OLD

__all__ = ["hold_restored", "log_files"]

_PRIVATE: Final = 0o700
_PASSING: Final = (".new", "-wal", "-shm", NEW, OLD)


def log_files(root: Path) -> list[Path]:
    """What of a log belongs into a backup, in the order to copy it.

    The checkpoints go first: whatever is appended while the rest is copied then only comes after what they
    cover. What opens the log goes last, so that no entry is saved without it. Readings that are not entered yet stay
    with the node.
    """
    found = sorted(path for path in root.rglob("*") if path.is_file())
    found = [path for path in found if not path.name.endswith(_PASSING)]
    return sorted(found, key=lambda path: (path.suffix == ".sqlite", path.name not in CHECKPOINTS))


def hold_restored(root: Path, made_at: str) -> None:
    """Let a restored log sign nothing: entries may have been published after the backup was made.

    Raises:
        OSError: the disk refused.
    """
    if root.is_dir():
        for folder in (root, *(path for path in root.rglob("*") if path.is_dir())):
            folder.chmod(_PRIVATE)
        put(root / HELD, f"it was restored from the backup of {made_at}\n".encode())
