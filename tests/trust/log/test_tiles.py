"""Addresses and widths of tiles, and bundles, as C2SP tlog-tiles has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.trust.log.tiles import Tile, bundle, entries_of, hashes_of, number, width


def test_the_specifications_examples() -> None:
    assert number(1_234_067) == "x001/x234/067"
    levels: dict[tuple[int, int], int] = {}
    for level in range(4):
        for index in range(300):
            levels[level, index] = width(level, index, 70_000)
    full = [sum(levels[level, i] == 256 for i in range(300)) for level in range(4)]
    partial = [[w for i in range(300) if 0 < (w := levels[level, i]) < 256] for level in range(4)]
    assert full == [273, 1, 0, 0]
    assert partial == [[112], [17], [1], []]
    assert (width(0, 0, 256), width(0, 1, 256), width(1, 0, 256)) == (256, 0, 1)
    assert width(None, 273, 70_000) == 112


@given(
    st.builds(
        Tile,
        st.one_of(st.none(), st.integers(0, 63)),
        st.integers(0, 10**12),
        st.integers(1, 256),
    )
)
def test_a_path_reads_back(tile: Tile) -> None:
    assert Tile.parse(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    ["0/0", "00/000", "64/000", "0/1000", "0/x000/000", "0/x01/000", "0/001.p/0", "0/001.p/256",
     "0/001.p/007", "0/001.p/", "0/001/", "/0/001", "0/x001/x002", "data/000", "0/000\n", "-1/000",
     "0/000.p/1/2", "entries/x001", "0/٣٣٣", "0/000.p/²"],
)  # fmt: skip
def test_what_is_no_path(path: str) -> None:
    assert Tile.parse(path) is None


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=30))
def test_a_bundle_reads_back(entries: list[bytes]) -> None:
    content = bundle(entries)
    assert list(entries_of(content)) == entries
    if entries:
        with pytest.raises(ValueError, match="middle"):
            list(entries_of(content[:-1]))


def test_what_cannot_be_a_bundle_or_a_tile() -> None:
    for entry in (b"", b"x" * 65_536):
        with pytest.raises(ValueError, match="1 to 65535 bytes"):
            bundle([entry])
    with pytest.raises(ValueError, match="32 bytes"):
        hashes_of(b"x" * 33)
