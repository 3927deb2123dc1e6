"""publiccode.yml keeps to the standard, as far as it can be told without its validator."""

from __future__ import annotations

import re
from pathlib import Path

from hansa import __version__

TEXT = (Path(__file__).parents[2] / "publiccode.yml").read_text()


def test_the_required_keys() -> None:
    for key in (
        "publiccodeYmlVersion",
        "name",
        "url",
        "platforms",
        "categories",
        "developmentStatus",
        "softwareType",
        "description",
        "legal",
        "maintenance",
        "localisation",
    ):
        assert re.search(rf"(?m)^{key}:", TEXT), key


def test_the_address_is_one_or_says_that_there_is_none() -> None:
    found = re.search(r"(?m)^url: https://([^/\s]+)/\S+$", TEXT)
    assert found is not None
    assert not found.group(1).startswith("example.")


def test_lengths_and_version() -> None:
    short = re.search(r"shortDescription: (.+)", TEXT)
    assert short is not None
    assert len(short.group(1)) <= 150
    long = re.search(r"longDescription: >\n((?:      .+\n)+)", TEXT)
    assert long is not None
    assert 150 <= len(" ".join(long.group(1).split())) <= 10_000
    assert f"softwareVersion: {__version__}\n" in TEXT
