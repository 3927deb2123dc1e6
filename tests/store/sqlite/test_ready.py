"""What is made ready before a write's turn: the same rows as without, and no refusal before its time."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from hansa.kernel.errors import BadRequest, HansaError
from hansa.store.port import Edited, Entity, Write, Written
from hansa.store.sqlite import open_store
from hansa.store.sqlite.ready import ready, ready_if_sound, whole

NAME = "https://uri.etsi.org/ngsi-ld/default-context/name"
PLACE = "https://uri.etsi.org/ngsi-ld/location"


def entity(number: int, name: str = "a") -> Entity:
    where = {"type": "Point", "coordinates": [1.5, float(number % 80)]}
    return {
        "id": f"urn:ngsi-ld:T:{number}",
        "type": ["T"],
        "createdAt": "2026-01-01T00:00:00.000000Z",
        NAME: [{"type": "Property", "value": name}],
        PLACE: [{"type": "GeoProperty", "value": where}],
    }


def test_the_text_of_an_entity_is_the_entity() -> None:
    made = entity(1)
    found = ready(made)
    assert orjson.loads(whole(made, found.attributes)) == made
    assert [place.attribute for place in found.places] == [PLACE]
    bare = {"id": "urn:x:1", "type": ["T"]}
    assert orjson.loads(whole(bare, ready(bare).attributes)) == bare


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("count", [1, 7, 8, 65, 150])
def test_rows_are_the_same_with_and_without(tmp_path: Path, *, known: bool, count: int) -> None:
    store = open_store(tmp_path / "a.sqlite")
    made = [entity(number) for number in range(count)]
    writes = [Write(e["id"], lambda old, e=e: Edited(e), made=e if known else None) for e in made]
    outcomes = store.write(writes).result()
    assert [o.seq for o in outcomes if isinstance(o, Written)] == list(range(1, count + 1))
    assert [orjson.loads(text) for text in store.scan()] == made
    assert [change.attributes[NAME] for change in store.changes(0)] == [e[NAME] for e in made]
    assert len(store.features(["T"], (-180, -90, 180, 90))) == count
    store.close()


def test_what_was_readied_is_not_used_for_another_entity(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.sqlite")
    guess, real = entity(1, "guess"), entity(1, "real")
    store.write([Write(real["id"], lambda old: Edited(real), made=guess)]).result()
    stored = store.get(real["id"])
    assert stored is not None
    assert orjson.loads(stored) == real
    store.close()


def test_an_entity_that_cannot_be_written_is_refused_in_its_turn(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.sqlite")
    faulty = {"id": "urn:x:1", "type": ["T"], NAME: [{"type": "Property", "value": 1 << 70}]}
    assert ready_if_sound(faulty) is None
    good = entity(2)
    outcomes = store.write(
        [Write(e["id"], lambda old, e=e: Edited(e), made=e) for e in (faulty, good)]
    ).result()
    assert isinstance(outcomes[0], HansaError)
    assert isinstance(outcomes[0], BadRequest)
    assert isinstance(outcomes[1], Written)
    store.close()
