"""Merkle trees as in RFC 6962, section 2.1, with SHA-256: roots, proofs and their verification. Pure.

A *perfect* subtree of height ``k`` at index ``i`` spans the leaves ``[i * 2**k, (i + 1) * 2**k)``. Roots and
proofs of a tree of any size are made of the hashes of perfect subtrees; whoever holds them offers a
function :data:`Node`. A tree that grows keeps only its right edge: :class:`Edge`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

__all__ = [
    "EMPTY_ROOT",
    "Edge",
    "Node",
    "consistency_proof",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "perfect_root",
    "root",
    "subtree_root",
    "verify_consistency",
    "verify_inclusion",
]

Node = Callable[[int, int], bytes]
"""Height and index to the hash of a perfect subtree."""

_sha256 = hashlib.sha256
EMPTY_ROOT: Final = _sha256(b"").digest()
"""The root of the tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf: entries and inner nodes are told apart by their first byte."""
    return _sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return _sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over hashes whose number is a power of two."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(level[i], level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


class Edge:
    """The right edge of a tree that grows: the perfect subtrees that it is made of, largest first."""

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)
        if len(self.hashes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has an edge of {size.bit_count()} hashes")

    @classmethod
    def of(cls, size: int, node: Node) -> Edge:
        """The edge of the tree of the first `size` leaves."""
        hashes, start = [], 0
        for height in reversed(range(size.bit_length())):
            if size >> height & 1:
                hashes.append(node(height, start >> height))
                start += 1 << height
        return cls(size, hashes)

    def push(self, hash: bytes) -> list[tuple[int, bytes]]:
        """Add a leaf; every perfect subtree that it completes, as height and hash, the leaf first."""
        done = [(0, hash)]
        height = 0
        while self.size >> height & 1:
            hash = node_hash(self.hashes.pop(), hash)
            height += 1
            done.append((height, hash))
        self.hashes.append(hash)
        self.size += 1
        return done

    def root(self) -> bytes:
        """The root of the tree as it stands."""
        if not self.hashes:
            return EMPTY_ROOT
        found = self.hashes[-1]
        for hash in reversed(self.hashes[:-1]):
            found = node_hash(hash, found)
        return found

    def copy(self) -> Edge:
        """The same edge, which grows by itself."""
        return Edge(self.size, self.hashes)


def subtree_root(start: int, end: int, node: Node) -> bytes:
    """The root of the leaves ``[start, end)``; `start` is where the tree would split before them."""
    size = end - start
    if size == 0:
        return EMPTY_ROOT
    if size & (size - 1) == 0:
        height = size.bit_length() - 1
        return node(height, start >> height)
    split = start + _split(size)
    return node_hash(subtree_root(start, split, node), subtree_root(split, end, node))


def root(size: int, node: Node) -> bytes:
    """The root of the tree of the first `size` leaves."""
    return subtree_root(0, size, node)


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """The audit path of leaf `index` in the tree of `size` leaves (RFC 6962, 2.1.1), leaf's sibling first."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} among {size}")
    start, end, path = 0, size, []
    while end - start > 1:
        split = start + _split(end - start)
        if index < split:
            path.append(subtree_root(split, end, node))
            end = split
        else:
            path.append(subtree_root(start, split, node))
            start = split
    return path[::-1]


def consistency_proof(old: int, new: int, node: Node) -> list[bytes]:
    """That the tree of `old` leaves is the beginning of that of `new` (RFC 6962, 2.1.2)."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves does not begin with {old}")
    if old in (0, new):
        return []
    start, end, path, whole = 0, new, [], True
    while old != end:
        split = start + _split(end - start)
        if old <= split:
            path.append(subtree_root(split, end, node))
            end = split
        else:
            path.append(subtree_root(start, split, node))
            start, whole = split, False
    if not whole:
        path.append(subtree_root(start, end, node))
    return path[::-1]


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], expected: bytes
) -> bool:
    """Whether `proof` shows that the hash `leaf` stands at `index` below the root `expected`."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for hash in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(hash, found)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            found = node_hash(found, hash)
        place >>= 1
        last >>= 1
    return last == 0 and found == expected


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether `proof` shows that the tree below `new_root` begins with the one below `old_root`."""
    if not 0 <= old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    path = list(proof)
    if old & (old - 1) == 0:  # a perfect tree is a node of the new one: its hash is not sent
        path.insert(0, old_root)
    if not path:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place >>= 1
        last >>= 1
    before = after = path[0]
    for hash in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(hash, before), node_hash(hash, after)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            after = node_hash(after, hash)
        place >>= 1
        last >>= 1
    return last == 0 and before == old_root and after == new_root


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
