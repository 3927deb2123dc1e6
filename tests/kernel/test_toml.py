"""TOML of others: whatever is wrong with it is one kind of error."""

from __future__ import annotations

import pytest

from hansa.kernel.toml import TOMLDecodeError, parsed

HOSTILE = {"deep": "a = " + "[" * 3000, "long": "a = " + "9" * 5000, "none": "a = ="}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_read(name: str) -> None:
    with pytest.raises(TOMLDecodeError):
        parsed(HOSTILE[name])


def test_what_can_be_read() -> None:
    assert parsed("a = [1, 2]") == {"a": [1, 2]}
