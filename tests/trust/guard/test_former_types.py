"""An identifier that stood for something else before: its past is judged by what it was then, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from hansa.hub import entities
from hansa.ngsild.query import Outside, Portion, Seen, TypeName
from hansa.store.history import Selection
from hansa.store.sqlite import open_store
from hansa.trust.guard.reader import GuardedReader
from hansa.trust.guard.sieve import Sieve
from hansa.trust.guard.witness import Notes
from hansa.trust.principals import PUBLIC

TREE, METER = "https://x/Tree", "https://x/Meter"
HEIGHT, VALUE = "https://x/height", "https://x/value"
ID = "urn:x:1"
NO_TREES = Outside(Portion(types=TypeName(TREE)))


@pytest.mark.parametrize(
    ("seen", "left"),
    [
        (Seen(), {HEIGHT, VALUE}),
        (Seen(attributes={HEIGHT: NO_TREES}), {VALUE}),
        (Seen(entities=NO_TREES), set()),
        (Seen(entities=Portion(types=TypeName(METER))), set()),
    ],
    ids=["all", "without heights of trees", "without trees", "meters alone"],
)
def test_the_past_is_that_of_what_it_was(tmp_path: Path, seen: Seen, left: set[str]) -> None:
    store = open_store(tmp_path / "s.sqlite")
    now = "2026-04-15T12:00:00.000000Z"
    tree = {"id": ID, "type": [TREE], HEIGHT: [{"type": "Property", "value": 88.3}]}
    meter = {"id": ID, "type": [METER], VALUE: [{"type": "Property", "value": 1}]}
    for write in (
        entities.create(tree, now),
        entities.delete(ID, now),
        entities.create(meter, now),
    ):
        store.write([write]).result(10)
    guarded = GuardedReader(store, Sieve(seen), Notes(None, PUBLIC, [], Sieve(seen)))
    with guarded.past() as past:
        told = past.series(Selection((ID,), property="modifiedAt"))
        assert {each.attribute for each in told} == left
        assert (past.head(ID) is not None) is bool(left)
    store.close()
