"""Every route stands in the table of functions, so that nobody adds one without saying who may use it."""

from __future__ import annotations

from pathlib import Path

from hansa.kernel.settings import Settings
from hansa.node import Node
from tests.security.asking import addresses
from tests.security.functions import table


def test_every_route_has_a_row_in_the_table_of_functions(tmp_path: Path) -> None:
    node = Node.open(tmp_path / "node", Settings(city="Town"))
    try:
        there = {
            (verb, each.pattern)
            for each in addresses(node)
            for verb in each.verbs
            if verb not in ("HEAD", "OPTIONS")
        }
    finally:
        node.close()
    known = table().keys()
    new = [f"{verb} {pattern}" for verb, pattern in sorted(there - known)]
    assert new == [], "say in tests/security/functions.py who may call it"
    gone = [f"{verb} {pattern}" for verb, pattern in sorted(known - there)]
    assert gone == [], "take it out of tests/security/functions.py"
