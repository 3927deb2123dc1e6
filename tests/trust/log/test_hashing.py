"""Trees, proofs and their verification, against RFC 6962 written down again and published roots."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.trust.log.hashing import (
    EMPTY_ROOT,
    Edge,
    Node,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    perfect_root,
    root,
    verify_consistency,
    verify_inclusion,
)
from hansa.trust.log.tiles import nodes

from . import naive

PUBLISHED = [bytes.fromhex(leaf) for leaf in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""The roots of the first 1 to 8 of those leaves, as the tests of Certificate Transparency publish them."""


def leaves(size: int) -> list[bytes]:
    return [b"entry %d" % i for i in range(size)]


def holder(entries: list[bytes]) -> Node:
    """Hashes of perfect subtrees, from the entries."""
    hashes = [leaf_hash(entry) for entry in entries]
    return lambda height, index: perfect_root(hashes[index << height : (index + 1) << height])


def in_tiles(entries: list[bytes]) -> Node:
    """The same out of the hashes that tiles hold."""
    levels: dict[int, bytes] = {}
    edge = Edge()
    for entry in entries:
        for height, hash in edge.push(leaf_hash(entry)):
            if height % 8 == 0:
                levels[height // 8] = levels.get(height // 8, b"") + hash

    def read(level: int, start: int, count: int) -> bytes:
        found = levels[level][start * 32 : (start + count) * 32]
        assert len(found) == count * 32
        return found

    return nodes(read)


def test_published_roots() -> None:
    edge = Edge()
    assert edge.root() == EMPTY_ROOT == naive.mth([])
    for size, (leaf, expected) in enumerate(zip(PUBLISHED, ROOTS, strict=True), 1):
        edge.push(leaf_hash(leaf))
        assert edge.root().hex() == expected
        assert root(size, holder(PUBLISHED)).hex() == expected


def test_published_paths() -> None:
    published = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert [h.hex() for h in inclusion_proof(0, 8, holder(PUBLISHED))] == published


@pytest.mark.parametrize("made", [holder, in_tiles])
@given(size=st.integers(1, 700), data=st.data())
def test_inclusion(made: Callable[[list[bytes]], Node], size: int, data: st.DataObject) -> None:
    entries = leaves(size)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, made(entries))
    assert proof == naive.path(index, entries)
    head = naive.mth(entries)
    leaf = leaf_hash(entries[index])
    assert verify_inclusion(index, size, leaf, proof, head)
    assert not verify_inclusion(index, size, leaf_hash(b"another"), proof, head)
    assert not verify_inclusion(index, size, leaf, [*proof, leaf], head)
    other = data.draw(st.integers(0, size + 3).filter(lambda each: each != index))
    assert not verify_inclusion(other, size, leaf, proof, head)
    if proof:
        assert not verify_inclusion(index, size, leaf, proof[:-1], head)
        assert not verify_inclusion(index, size, leaf, broken(proof, data), head)


@pytest.mark.parametrize("made", [holder, in_tiles])
@given(new=st.integers(1, 700), data=st.data())
def test_consistency(made: Callable[[list[bytes]], Node], new: int, data: st.DataObject) -> None:
    entries = leaves(new)
    old = data.draw(st.integers(0, new))
    proof = consistency_proof(old, new, made(entries))
    if old:
        assert proof == naive.proof(old, entries)
    before, after = naive.mth(entries[:old]), naive.mth(entries)
    assert verify_consistency(old, new, before, after, proof)
    forked = naive.mth([*leaves(old)[:-1], b"another"])
    if old:
        assert not verify_consistency(old, new, forked, after, proof)
        assert not verify_consistency(old, new, before, forked, proof)
    assert not verify_consistency(new + 1, new, before, after, proof)
    assert not verify_consistency(old, new, before, after, [*proof, after])
    if proof:
        assert not verify_consistency(old, new, before, after, proof[1:])
        assert not verify_consistency(old, new, before, after, broken(proof, data))


@given(size=st.integers(0, 700), more=st.integers(0, 70))
def test_an_edge_grows_from_where_it_was(size: int, more: int) -> None:
    entries = leaves(size + more)
    edge = Edge.of(size, holder(entries))
    assert edge.root() == naive.mth(entries[:size])
    for entry in entries[size:]:
        edge.push(leaf_hash(entry))
    assert edge.root() == naive.mth(entries)


def test_no_proof_of_what_is_not_there() -> None:
    with pytest.raises(ValueError, match="no leaf 3 among 3"):
        inclusion_proof(3, 3, holder(leaves(3)))
    with pytest.raises(ValueError, match="does not begin"):
        consistency_proof(4, 3, holder(leaves(3)))
    with pytest.raises(ValueError, match="edge"):
        Edge(3, [b""])
    assert not verify_consistency(3, 5, b"", b"", [])
    assert not verify_inclusion(0, 0, b"", [], EMPTY_ROOT)


def broken(proof: list[bytes], data: st.DataObject) -> list[bytes]:
    """The proof with one bit turned over."""
    place = data.draw(st.integers(0, len(proof) * 256 - 1))
    copy = [bytearray(hash) for hash in proof]
    copy[place // 256][place % 256 // 8] ^= 1 << place % 8
    return [bytes(hash) for hash in copy]
