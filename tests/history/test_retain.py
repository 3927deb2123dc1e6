"""Rules of retention: which one applies, what becomes of old history, and what a dry run tells."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hansa.history import compact as compaction
from hansa.history.compact import compact, merge
from hansa.history.dropped import dropped
from hansa.history.retain import Effect, foresee, retain
from hansa.history.rules import Rule, put_rule, remove_rule, rules_of
from hansa.hub.temporal import Ask, find, past_of
from hansa.hub.temporal_sums import Aggregation, sums_of
from hansa.kernel.errors import BadRequest
from hansa.ngsild.query import Query, TypeName
from hansa.ngsild.temporal import Duration, parse_temporal
from hansa.ngsild.temporal_periods import Periods
from hansa.store.history import Removed
from hansa.store.sqlite import SqliteStore

from .stores import NEVER, add, archive_of, at, opened, summed, values

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
CAR, BUS = "urn:t:Car", "urn:t:Bus"
YEAR = Periods(at("2025-01-01T00:00:00Z"), Duration(months=12))
DAYS = Periods(at("2025-01-01T00:00:00Z"), Duration(exact=timedelta(days=1)))
OLD = [(f"2025-06-01T{h:02}:{m:02}:00Z", float(h)) for h in range(4) for m in (0, 20, 40)]
NEW = [("2026-11-19T00:00:00Z", 100.0)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    made = opened(tmp_path)
    add(made, "urn:x:car", CAR, speed=[*OLD, *NEW], fuel=OLD)
    add(made, "urn:x:bus", BUS, speed=OLD)
    compact(made, archive_of(made), NEVER)
    yield made
    made.close()


def effect(store: SqliteStore, *rules: Rule, now: datetime = NOW) -> list[Effect]:
    """Apply rules; the dry run must have told the same."""
    for rule in rules:
        put_rule(store, rule)
    foreseen = foresee(store, archive_of(store), rules_of(store), now)
    done = retain(store, archive_of(store), rules_of(store), now)
    assert done == foreseen
    again = foresee(store, archive_of(store), rules_of(store), now)
    assert all(each.summed == each.gone == each.sums_gone == 0 for each in again)
    return done


def test_without_rules_everything_stays(store: SqliteStore) -> None:
    assert effect(store) == []
    assert len(values(store, "urn:x:car", "speed")) == 13


def test_what_is_old_goes_and_what_is_recent_stays(store: SqliteStore) -> None:
    assert effect(store, Rule("r", "P30D", CAR)) == [Effect("r", gone=24)]
    assert values(store, "urn:x:car", "speed") == [100.0]
    assert values(store, "urn:x:car", "fuel") == []
    assert len(values(store, "urn:x:bus", "speed")) == 12


def test_what_went_is_remembered_by_rule(store: SqliteStore) -> None:
    assert dropped(store) == []
    effect(store, Rule("r", "P30D", CAR))
    effect(store)
    (found,) = dropped(store)
    assert (found["rule"], found["gone"], found["summed"]) == ("r", 24, 0)


def test_the_closest_rule_applies(store: SqliteStore) -> None:
    done = effect(
        store,
        Rule("all", "P30D"),
        Rule("cars", "P99Y", CAR),
        Rule("fuel", "P30D", None, "urn:a:fuel"),
        Rule("cars' fuel", "P99Y", CAR, "urn:a:fuel"),
    )
    assert {each.rule: each.gone for each in done} == {
        "cars' fuel": 0,
        "fuel": 0,
        "cars": 0,
        "all": 12,
    }


def test_old_instances_become_sums_and_old_sums_go(store: SqliteStore) -> None:
    before = {
        method: summed(store, "urn:x:car", "speed", YEAR, method)
        for method in ("avg", "min", "max", "sum", "sumsq", "stddev", "totalCount")
    }
    rule = Rule("r", "P30D", CAR, "urn:a:speed", "PT1H", "P2Y")
    assert effect(store, rule) == [Effect("r", summed=12)]
    assert values(store, "urn:x:car", "speed") == [100.0]
    for method, expected in before.items():
        assert summed(store, "urn:x:car", "speed", YEAR, method) == pytest.approx(expected)
    assert summed(store, "urn:x:car", "speed", YEAR, "distinctCount") == [None, 1]
    hours = Periods(at("2025-06-01T00:00:00Z"), Duration(exact=timedelta(hours=1)))
    assert summed(store, "urn:x:car", "speed", hours, "avg")[:4] == [0.0, 1.0, 2.0, 3.0]
    assert len(values(store, "urn:x:car", "fuel")) == 12
    later = effect(store, now=NOW + timedelta(days=365))
    assert later == [Effect("r", summed=1, sums_gone=12)]
    assert summed(store, "urn:x:car", "speed", YEAR, "totalCount") == [1]


def test_sums_by_day(store: SqliteStore) -> None:
    assert effect(store, Rule("r", "P30D", sums="P1D")) == [Effect("r", summed=36)]
    assert summed(store, "urn:x:bus", "speed", DAYS, "avg") == [1.5]


def test_what_is_erased_as_a_whole_has_no_sums_either(store: SqliteStore) -> None:
    effect(store, Rule("r", "P30D", sums="PT1H"))
    store.record_history(
        [Removed("urn:x:bus"), Removed("urn:x:car", "urn:a:speed", all=True)]
    ).result()
    for _ in range(2):
        assert summed(store, "urn:x:bus", "speed", YEAR, "totalCount") == []
        assert summed(store, "urn:x:car", "speed", YEAR, "totalCount") == []
        assert summed(store, "urn:x:car", "fuel", YEAR, "totalCount") == [12]
        compact(store, archive_of(store), NEVER)
    assert store.erased() == []


def test_summaries_are_merged(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "MANY", 2)
    effect(store, Rule("r", "P30D", sums="PT1H"))
    add(store, "urn:x:car", CAR, speed=[("2025-06-01T00:10:00Z", 50.0)])
    compact(store, archive_of(store), NEVER)
    effect(store)
    assert merge(store, archive_of(store)) >= 2
    assert sum(each.summary for each in archive_of(store).segments(store)) == 1
    assert summed(store, "urn:x:car", "speed", YEAR, "totalCount") == [13, 1]
    assert summed(store, "urn:x:car", "speed", YEAR, "max")[0] == 50.0


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (Rule("r", "P1X"), "is not a duration"),
        (Rule("r", "PT1H"), "keeps only PT1H"),
        (Rule("r", "P1Y", sums="P1W"), "cannot sum up by P1W"),
        (Rule("r", "P1Y", sums_keep="P2Y"), "makes none"),
        (Rule("r", "P1Y", sums="P1D", sums_keep="P1M"), "less than the instances"),
    ],
)
def test_rules_that_cannot_be(store: SqliteStore, rule: Rule, fault: str) -> None:
    with pytest.raises(BadRequest, match=fault):
        put_rule(store, rule)
    assert rules_of(store) == []


def test_rules_are_replaced_and_forgotten(store: SqliteStore) -> None:
    put_rule(store, Rule("r", "P1Y"))
    put_rule(store, Rule("r", "P2Y"))
    assert rules_of(store) == [Rule("r", "P2Y")]
    assert remove_rule(store, "r")
    assert not remove_rule(store, "r")


def test_a_month_ago_is_by_the_calendar() -> None:
    now = datetime(2026, 3, 31, 5, tzinfo=UTC)
    assert Rule("r", "P1M").before(now) == at("2026-02-28T00:00:00Z")
    assert Rule("r", "P1Y1D").before(now) == at("2025-03-30T00:00:00Z")
    assert Rule("r", "P9999Y").before(now) < at("0001-01-01T00:00:00Z")


@pytest.mark.parametrize("window", [None, "before"])
def test_what_is_known_by_sums_alone_is_summed_up_without_a_beginning(
    store: SqliteStore, window: str | None
) -> None:
    """Periods then begin where the first sum does; a query finds the entity by its sums."""
    effect(store, Rule("r", "P30D", sums="PT1H"))
    assert values(store, "urn:x:bus", "speed") == []
    before = parse_temporal(window, "2026-01-01T00:00:00Z") if window else None
    ask = Ask(bare=True, filter=before)
    wanted = Aggregation(("sum", "totalCount"), Duration())
    with store.past() as source:
        alone = past_of(source, "urn:x:bus", ask)
        assert alone is not None
        [(tally, start, _)] = sums_of(source, [alone], ask, wanted)["urn:x:bus"]["urn:a:speed"][
            None
        ]
        assert (tally.total, tally.sum, start) == (12, 18, "2025-06-01T00:00:00Z")
        found = find(source, Query(types=TypeName(BUS)), ask).entities
        assert [past.head.id for past in found] == ["urn:x:bus"]
        hours = Aggregation(("sum",), Duration(exact=timedelta(hours=1)))
        parts = sums_of(source, found, ask, hours)["urn:x:bus"]["urn:a:speed"][None]
        assert [tally.sum for tally, _, _ in parts] == [0, 3, 6, 9]
    store.record_history([Removed("urn:x:bus", "urn:a:speed", all=True)]).result()
    with store.past() as source:
        assert find(source, Query(types=TypeName(BUS)), ask).entities == []
