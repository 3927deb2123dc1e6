"""Tiles of a Merkle tree and bundles of entries: their addresses, widths and bytes (C2SP tlog-tiles). Pure.

A tile of level ``L`` holds up to 256 hashes of perfect subtrees of height ``8 * L``. What lies between
the levels is made by hashing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from hansa.trust.log.hashing import Node, perfect_root

__all__ = [
    "HASH",
    "LONGEST_ENTRY",
    "WIDTH",
    "Tile",
    "bundle",
    "entries_of",
    "hashes_of",
    "nodes",
    "number",
    "width",
]

WIDTH: Final = 256
HASH: Final = 32
LONGEST_ENTRY: Final = 65_535
_HIGHEST: Final = 63
_PATH: Final = re.compile(
    r"(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """The address of a tile, or (level ``None``) of a bundle of entries."""

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Below ``tile/``: ``<L>/<N>[.p/<W>]``."""
        part = f".p/{self.width}" if self.width < WIDTH else ""
        level = "entries" if self.level is None else self.level
        return f"{level}/{number(self.index)}{part}"

    @classmethod
    def parse(cls, path: str) -> Tile | None:
        """The tile at ``<L>/<N>[.p/<W>]``; ``None`` where the path is not of that form, to the letter."""
        found = _PATH.fullmatch(path)
        if found is None:
            return None
        level = None if found[1] == "entries" else int(found[1])
        parts = [int(part.removeprefix("x")) for part in found[2].split("/")]
        index = 0
        for part in parts:
            index = index * 1000 + part
        width = int(found[3]) if found[3] else WIDTH
        if (level or 0) > _HIGHEST or (len(parts) > 1 and parts[0] == 0):
            return None
        if found[3] and width >= WIDTH:
            return None
        return cls(level, index, width)


def number(index: int) -> str:
    """A tile's index in groups of three digits; all but the last begin with ``x``."""
    text = f"{index % 1000:03}"
    while index := index // 1000:
        text = f"x{index % 1000:03}/{text}"
    return text


def width(level: int | None, index: int, size: int) -> int:
    """How many hashes (or entries) the tile holds in a tree of `size` leaves; 0 for none."""
    there = size >> 8 * (level or 0)
    return max(0, min(WIDTH, there - index * WIDTH))


def hashes_of(tile: bytes) -> list[bytes]:
    """The hashes of a tile.

    Raises:
        ValueError: it is not made of whole hashes.
    """
    if len(tile) % HASH:
        raise ValueError("a tile is made of hashes of 32 bytes")
    return [tile[i : i + HASH] for i in range(0, len(tile), HASH)]


def bundle(entries: Sequence[bytes]) -> bytes:
    """Entries, each after its length in two bytes.

    Raises:
        ValueError: an entry is empty, or too long.
    """
    parts = []
    for entry in entries:
        if not 0 < len(entry) <= LONGEST_ENTRY:
            raise ValueError(f"an entry has 1 to {LONGEST_ENTRY} bytes, not {len(entry)}")
        parts += [len(entry).to_bytes(2, "big"), entry]
    return b"".join(parts)


def entries_of(content: bytes) -> Iterator[bytes]:
    """The entries of a bundle.

    Raises:
        ValueError: it ends in the middle of one.
    """
    place = 0
    while place < len(content):
        end = place + 2 + int.from_bytes(content[place : place + 2], "big")
        if end > len(content):
            raise ValueError("the bundle ends in the middle of an entry")
        yield content[place + 2 : end]
        place = end


def nodes(read: Callable[[int, int, int], bytes]) -> Node:
    """Hashes of perfect subtrees, out of tiles.

    Args:
        read: level, first hash (counted along the whole level), how many: the hashes, joined.
    """

    def node(height: int, index: int) -> bytes:
        level, within = divmod(height, 8)
        count = 1 << within
        return perfect_root(hashes_of(read(level, index * count, count)))

    return node
