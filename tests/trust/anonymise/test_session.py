"""Sessions: imports as one window, live sources in windows held in memory, counts that are paid for."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from hansa.kernel.clock import Clock
from hansa.kernel.errors import BadRequest
from hansa.ngsild.city import city_iri
from hansa.trust.anonymise import session
from hansa.trust.anonymise.declare import parse
from hansa.trust.anonymise.remedy import missing_steps
from hansa.trust.anonymise.room import Anonymiser
from hansa.trust.vault import Vault

from .samples import entity, steps, value

NOON = datetime(2026, 3, 4, 12, 1, tzinfo=UTC)
SUPPRESS = {"step": "suppress", "k": 2, "by": ["age"]}
COUNT = {"step": "count", "by": ["age"], "among": {"age": [30, 40]}, "epsilon": 0.5}
HIDE = {"step": "pseudonymise", "attributes": ["id"]}


class Room:
    """A room whose clock is set by hand."""

    def __init__(self, folder: Path) -> None:
        self.vault = Vault(folder / "trust" / "vault.sqlite", Clock())
        self.made = Anonymiser(folder / "trust", self.vault, Clock.set_to(NOON))

    def later(self, by: timedelta) -> None:
        clock = Clock.set_to(NOON + by)
        for part in (self.made, self.made.keys, self.made.budget):
            part._clock = clock  # type: ignore[attr-defined]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.vault.close()


def people(*ages: int) -> list[Any]:
    return [entity(f"someone-{n}", "Thing", age=age) for n, age in enumerate(ages)]


def test_without_groups_entities_go_on_at_once(room: Room) -> None:
    running = room.made.begin("bikes", steps({"step": "drop", "attributes": ["age"]}))
    (made,) = running.take(people(30))
    assert city_iri("age") not in made
    assert running.end() == []
    assert room.made.account("bikes")["passed"] == 1


def test_an_import_is_one_window(room: Room) -> None:
    running = room.made.begin("bikes", steps(SUPPRESS))
    assert running.take(people(30, 40)) == []
    assert running.take([entity("other", "Thing", age=30)]) == []
    assert [value(each, "age") for each in running.end()] == [30, 30]
    told = room.made.account("bikes")
    assert (told["read"], told["passed"], told["withheld"]) == (3, 2, {"small": 1})
    assert running.said() == ["1 entity was not stored: too few look like them"]


def test_what_has_no_step_is_said(room: Room) -> None:
    running = room.made.begin("bikes", steps())
    assert running([entity("1", owner="Ana"), entity("2", size=1)])[0]["id"].endswith(":2")
    (said,) = running.said()
    assert said == (
        "1 entity was not stored: 'owner' has no step. "
        'Add to the source\'s record: anonymise = [{step = "drop", attributes = ["owner"]}]'
    )


def test_what_is_to_be_added_is_a_part_of_a_record() -> None:
    names = ["id", "@place", "owner", "driver"]
    said = missing_steps(names, has_steps=False)
    (line,) = said.split("record: ")[1:]
    assert [each["step"] for each in tomllib.loads(line)["anonymise"]] == [
        "drop",
        "place",
        "pseudonymise",
    ]
    assert parse(tomllib.loads(line)["anonymise"], city_iri).needs_key
    assert said.startswith("the place, 'driver', 'id', 'owner' have no step")
    assert "Add to 'anonymise' in the source's record: {" in missing_steps(["id"], has_steps=True)
    assert missing_steps([], has_steps=True) == "something personal has no step"


def test_a_live_source_needs_a_window(room: Room) -> None:
    with pytest.raises(BadRequest, match="declare no window"):
        room.made.begin("bikes", steps(SUPPRESS), live=True)


def test_windows_end_and_groups_do_not_reach_over_them(room: Room) -> None:
    running = room.made.begin("bikes", steps(SUPPRESS, window="PT15M"), live=True)
    clocked = running
    assert clocked.take(people(30, 30, 40)) == []
    assert clocked.due() == []
    clocked._clock = Clock.set_to(NOON + timedelta(minutes=15))
    assert [value(each, "age") for each in clocked.due()] == [30, 30]
    clocked.take([entity("late", "Thing", age=40)])
    clocked._clock = Clock.set_to(NOON + timedelta(minutes=30))
    assert clocked.due() == []
    assert room.made.account("bikes")["withheld"] == {"small": 2}


def test_a_fleet_is_judged_at_once(room: Room) -> None:
    declared = steps(SUPPRESS, window="PT15M")
    running = room.made.begin("bikes", declared, live=True)
    assert len(running.all_of(people(30, 30, 40))) == 2
    assert running.due() == []


def test_a_window_holds_no_more_than_it_can(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MOST", 3)
    running = room.made.begin("bikes", steps(SUPPRESS))
    running.take(people(30, 30))
    running.take(people(30, 30))
    running.end()
    assert room.made.account("bikes")["withheld"] == {"full": 1}


def test_counts_go_on_with_noise_and_are_paid_for(room: Room) -> None:
    declared = steps(COUNT, budget={"epsilon": 1.0})
    for _ in range(2):
        running = room.made.begin("bikes", declared)
        running.take(people(*[30] * 500, *[50] * 9))
        first, second = running.end()
        assert first["type"] == [city_iri("PrivateCount")]
        assert (value(first, "age"), value(second, "age")) == (30, 40)
        assert abs(value(first, "noisyCount") - 500) < 100
        assert abs(value(second, "noisyCount")) < 100
        assert value({**first[city_iri("noisyCount")][0]}, "epsilon") == 0.5
    running = room.made.begin("bikes", declared)
    running.take(people(30))
    assert running.end() == [], "the budget is spent"
    assert room.made.account("bikes")["withheld"] == {"counted": 1019, "unpaid": 1}
    shown = room.made.budget.shown("bikes")
    assert shown is not None
    assert shown["spent"]["epsilon"] == 1.0
    assert shown["latest"][0]["by"] == ["age"]


def test_groups_that_are_found_are_told_above_a_threshold(room: Room) -> None:
    declared = steps(
        {"step": "count", "types": ["Thing"], "by": ["age"], "epsilon": 1.0},
        budget={"epsilon": 1.0, "delta": 1e-4},
    )
    running = room.made.begin("bikes", declared)
    running.take(people(*[30] * 500, 41))
    (made,) = running.end()
    assert (value(made, "age"), value(made, "countedTypes")) == (30, ["Thing"])


def test_identifiers_that_went_are_found_again(room: Room) -> None:
    running = room.made.begin("bikes", steps(HIDE, rotate="P1D"), live=True)
    (made,) = running.take(people(30))
    assert running.renamed([people(30)[0]["id"]]) == [made["id"]]
    plain = room.made.begin("cars", steps(SUPPRESS, window="PT1H"), live=True)
    assert plain.renamed(["urn:x:1"]) == ["urn:x:1"]


def test_faults_tell_nothing_of_an_entity(room: Room) -> None:
    secret = BadRequest("attribute 'name'", "'Ana Lucia' is no DateTime", "write it otherwise")
    open_steps = room.made.begin("cars", steps())
    assert "Ana" in open_steps.told(secret)
    hidden = room.made.begin("bikes", steps(HIDE, rotate="P1D"))
    assert "Ana" not in hidden.told(secret)
    assert "KeyError" in hidden.told(KeyError("Ana"))
    assert "Ana" not in open_steps.told(KeyError("Ana"))


def test_nothing_raw_is_kept_by_the_room(room: Room, tmp_path: Path) -> None:
    declared = steps(HIDE, SUPPRESS, rotate="P1D")
    running = room.made.begin("bikes", declared)
    running.take([entity(f"secret-{n}", "Thing", age=771234, kind="a") for n in range(5)])
    made = running.end()
    room.vault.close()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    held = b"".join(path.read_bytes() for path in files)
    assert files
    assert len(made) == 5
    for raw in (b"secret-", b"771234"):
        assert raw not in held
    assert b"secret-" not in orjson.dumps(made)
