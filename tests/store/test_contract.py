"""What every driver of the store port must do. A driver joins by a line in ``DRIVERS``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from hansa.ngsild.query import Query, TypeName
from hansa.store.port import Edited, Entity, Store, Write, Written
from hansa.store.sqlite import open_store

DRIVERS: dict[str, Callable[[Path], Store]] = {
    "sqlite": lambda folder: open_store(folder / "store.sqlite"),
}


@pytest.fixture(params=DRIVERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = DRIVERS[request.param](tmp_path)
    yield opened
    opened.close()


def entity(id: str, type: str = "urn:t:Stop", **properties: object) -> Entity:
    moment = "2026-11-23T04:50:02.000000Z"
    return {
        "id": id,
        "type": [type],
        "createdAt": moment,
        "modifiedAt": moment,
        **{f"urn:a:{n}": [{"type": "Property", "value": v}] for n, v in properties.items()},
    }


def put(new: Entity) -> Write:
    return Write(new["id"], lambda old: Edited(new))


def test_what_is_written_can_be_read(store: Store) -> None:
    one = entity("urn:x:1", name="Plaza")
    [outcome] = store.write([put(one)]).result()
    assert isinstance(outcome, Written)
    assert (outcome.seq, outcome.created, outcome.deleted) == (1, True, False)
    text = store.get("urn:x:1")
    assert text is not None
    assert orjson.loads(text) == one
    assert store.get("urn:x:2") is None


def test_a_type_selects(store: Store) -> None:
    store.write([put(entity(f"urn:x:{n}", f"urn:t:{'AB'[n % 2]}")) for n in range(10)]).result()
    page = store.query(Query(types=TypeName("urn:t:B"), limit=2, offset=1, count=True))
    assert page.total == 5
    assert [orjson.loads(d)["id"] for d in page.documents] == ["urn:x:3", "urn:x:5"]
