"""Reads are counted by type, kind and day; no person is kept, and few readers are not shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from hansa.kernel.clock import Clock
from hansa.kernel.errors import Forbidden, Unavailable
from hansa.kernel.settings import Settings
from hansa.ngsild.query import Or, Query, TypeName
from hansa.node import Node
from hansa.trust.principals import LOCAL, PUBLIC, Principal
from hansa.trust.reads import ALL_TYPES, Reads, shown
from hansa.trust.vault import Vault

T = "https://example.org/Tree"
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    made = Vault(tmp_path / "trust" / "vault.sqlite", Clock.set_to(NOON))
    yield made
    made.close()


def staff(number: int) -> Principal:
    return Principal(f"anna.torres.{number}", "staff", frozenset({"planner"}))


def test_reads_are_counted_by_type_kind_and_day(vault: Vault) -> None:
    reads = Reads(vault, Clock.set_to(NOON))
    for _ in range(7):
        reads.note(PUBLIC, (T,))
    reads.note(PUBLIC, ("other",))
    reads.flush()
    reads.note(PUBLIC, (T,))
    (day,) = reads.days()
    assert day["day"] == "2026-11-25"
    assert day["reads"]["public"] == {T: [8, 0], "other": [1, 0]}
    assert vault.all("reads")[0]["reads"]["public"][T] == [7, 0]


def test_a_day_ends_and_the_next_begins(vault: Vault) -> None:
    before = Reads(vault, Clock.set_to(NOON))
    before.note(PUBLIC, (T,))
    before.flush()
    after = Reads(vault, Clock.set_to(NOON + timedelta(days=1)))
    after.note(PUBLIC, (T,))
    assert [day["day"] for day in after.days()] == ["2026-11-26", "2026-11-25"]
    turning = Reads(
        vault, Clock.set_to(NOON.replace(hour=23, minute=59, second=59, microsecond=900_000))
    )
    turning.note(PUBLIC, ("late",))
    assert turning._day == "2026-11-25"


def test_few_people_are_not_shown_and_nobody_is_kept(vault: Vault) -> None:
    reads = Reads(vault, Clock.set_to(NOON))
    for _ in range(50):
        reads.note(staff(1), (T,))
    (cell,) = shown(reads.days()[0])
    assert cell.reads is None
    for number in range(5):
        reads.note(staff(number), (T,))
    reads.flush()
    (cell,) = shown(reads.days()[0])
    assert cell.reads == 55
    assert b"anna" not in orjson.dumps(vault.all("reads"))


def test_what_was_few_before_and_after_a_start_stays_hidden(vault: Vault) -> None:
    for numbers in ((1, 2, 3), (4, 5, 6)):
        reads = Reads(vault, Clock.set_to(NOON))
        for number in numbers:
            reads.note(staff(number), (T,))
        reads.flush()
    (cell,) = shown(Reads(vault, Clock.set_to(NOON)).days()[0])
    assert cell.reads is None


def test_the_public_and_machines_are_shown_by_their_own_rules(vault: Vault) -> None:
    reads = Reads(vault, Clock.set_to(NOON))
    for _ in range(4):
        reads.note(PUBLIC, (T,))
    reads.note(Principal("algorithm:x", "service"), (T,))
    public, service = shown(reads.days()[0])
    assert (public.kind, public.reads) == ("public", None)
    assert (service.kind, service.reads) == ("service", 1)


def test_refusals_are_counted_by_their_reason(vault: Vault) -> None:
    reads = Reads(vault, Clock.set_to(NOON))
    for _ in range(3):
        reads.refused("source.not-allowed")
    reads.flush()
    reads.refused("source.not-allowed")
    assert reads.days()[0]["refused"] == {"source.not-allowed": 4}


def test_hostile_types_do_not_fill_the_memory(vault: Vault) -> None:
    reads = Reads(vault, Clock.set_to(NOON))
    for number in range(3_000):
        reads.note(PUBLIC, (f"type-{number}",))
    found = reads.days()[0]["reads"]["public"]
    assert len(found) <= 2_001
    assert found[ALL_TYPES][0] == 1_000


def test_a_vault_that_fails_loses_no_read_and_no_count(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = Reads(vault, Clock.set_to(NOON))
    reads.note(PUBLIC, (T,))

    def fail(*_: object) -> None:
        raise Unavailable("the vault", "is full")

    with monkeypatch.context() as broken:
        broken.setattr(vault, "edit", fail)
        with pytest.raises(Unavailable):
            reads.flush()
    reads.flush()
    assert reads.days()[0]["reads"]["public"][T] == [1, 0]


def test_the_gate_counts_what_it_lets_through(tmp_path: Path) -> None:
    node = Node.open(tmp_path / "node", Settings(city="Reads"))
    reader = node.gate.reader(PUBLIC)
    reader.query(Query(types=Or((TypeName(T), TypeName("other"))), limit=1))
    reader.query(Query(limit=1))
    reader.features([T], (0, 0, 1, 1))
    list(reader.matching([Query(types=TypeName(T))]))
    assert reader.get("urn:none") is None
    assert reader.last_change() >= 0
    node.gate.reader(LOCAL).query(Query(types=TypeName(T), limit=1))
    with pytest.raises(Forbidden):
        node.gate.writer(Principal("ben", "staff"))
    (day,) = node.trust.reads.days()
    assert day["reads"] == {"public": {T: [3, 0], "other": [1, 0], ALL_TYPES: [1, 0]}}
    assert sum(day["refused"].values()) == 1
    node.close()
    again = Vault(tmp_path / "node" / "trust" / "vault.sqlite", Clock())
    assert again.all("reads")[0]["reads"]["public"][T] == [3, 0]
    again.close()
