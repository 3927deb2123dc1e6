"""Looking at a log's folder without changing it: for the check-up, for backups and for who resumes it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from hansa.trust.log.files import ENTRIES
from hansa.trust.log.hashing import Edge, leaf_hash
from hansa.trust.log.keys import KEY_FILES
from hansa.trust.log.notes import Checkpoint, Note, NoteFault

__all__ = ["faults", "signed", "too_open"]


def signed(root: Path) -> Checkpoint | None:
    """The last checkpoint that was signed in this folder; nothing of it is verified.

    Raises:
        NoteFault, OSError: it cannot be read.
    """
    try:
        return Checkpoint.parse(Note.parse((root / "checkpoint").read_bytes()).text)
    except FileNotFoundError:
        return None


def faults(root: Path) -> list[str]:
    """What is wrong with the log: every entry that was signed is hashed again. Empty when it is sound."""
    try:
        head = signed(root)
        if head is None:
            return []
        edge = Edge()
        for entry in _first(root, head.size):
            edge.push(leaf_hash(entry))
    except (OSError, NoteFault) as error:
        return [str(error)]
    if edge.size < head.size:
        return [f"{head.size:,} entries were signed, and {edge.size:,} are there"]
    if edge.root() != head.root:
        return ["the entries are not those that were signed"]
    return []


def too_open(root: Path) -> list[Path]:
    """The private keys that others than the node's user may read."""
    others = stat.S_IRWXG | stat.S_IRWXO
    paths = [root / name for name in KEY_FILES]
    return [path for path in paths if path.exists() and path.stat().st_mode & others]


def _first(root: Path, count: int) -> Iterator[bytes]:
    with (root / ENTRIES).open("rb", buffering=1 << 20) as file:
        for _ in range(count):
            length = int.from_bytes(file.read(2), "big")
            entry = file.read(length)
            if not length or len(entry) < length:
                return
            yield entry
