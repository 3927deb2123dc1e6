"""Links in documents."""

from __future__ import annotations

import pytest

from hansa.kernel.errors import BadRequest
from hansa.kernel.urls import joined


def test_links_become_absolute() -> None:
    assert joined("https://example.org/a/b", "../c?d=1") == "https://example.org/c?d=1"
    assert joined("https://example.org/a/b", "http://x.org/") == "http://x.org/"


@pytest.mark.parametrize("link", ["http://[", "https://[[0,0]/", "//[::1"])
def test_what_is_no_link(link: str) -> None:
    with pytest.raises(BadRequest, match="is not a URL"):
        joined("https://example.org/", link)
