"""The first record of a source is fetched at once, and is a record like the others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hansa.spokes.service import begun


def test_every_record_comes_once_and_in_order() -> None:
    assert list(begun(iter([1, 2, 3]))) == [1, 2, 3]
    assert list(begun(iter([]))) == []
    assert list(begun(iter([None, 1]))) == [None, 1]


def test_what_is_wrong_shows_at_once() -> None:
    def broken() -> Iterator[int]:
        raise ValueError("not a portal")
        yield 1

    with pytest.raises(ValueError, match="not a portal"):
        begun(broken())
