"""Segments answer like the plain list of their instances, however they are cut."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa.history import sums
from hansa.history.archive import View
from hansa.history.build import build, new_name, spill
from hansa.history.question import table_of
from hansa.history.row import to_row
from hansa.kernel.clock import from_micros, iso
from hansa.ngsild.temporal import Duration
from hansa.ngsild.temporal_periods import Periods
from hansa.ngsild.temporal_tally import METHODS
from hansa.store.history import Bucket, Heads, Moment, Selection, Span, order_of
from hansa.store.merged import Merged
from hansa.store.sums import ends_of_each, sum_up

HOUR = 3_600_000_000
BASE = 1_767_225_600_000_000  # 2026-01-01
ENTITIES = ("urn:e:1", "urn:e:2", "urn:e:3")


@dataclass
class Plain:
    """The oracle: instances in a list."""

    moments: list[tuple[str, str, int, dict[str, Any]]]

    def heads(self, wanted: Heads) -> Iterator[Any]:
        return iter(())

    def head(self, id: str) -> None:
        return None

    def series(self, wanted: Selection) -> Iterator[Moment]:
        found = []
        for entity, attribute, written, instance in self.moments:
            text = instance.get(wanted.property)
            time = None if text is None else micros_of(text)
            if (
                entity in wanted.entities
                and wanted.wants(attribute, instance.get("datasetId"))
                and wanted.holds(time)
                and wanted.instance in {None, instance["instanceId"]}
                and instance["instanceId"] not in wanted.without
            ):
                found.append(Moment(entity, attribute, time, written, instance))
        ordered = iter(sorted(found, key=order_of))
        return ends_of_each(ordered, wanted)

    def spans(self, wanted: Selection) -> Iterator[Span]:
        found: dict[tuple[str, str], list[int | None]] = {}
        for moment in self.series(replace(wanted, last=None, first=None)):
            found.setdefault(moment[:2], []).append(moment.time)
        for place, times in sorted(found.items()):
            known = [time for time in times if time is not None]
            yield Span(*place, len(times), min(known, default=None), max(known, default=None))

    def tallies(
        self, wanted: Selection, periods: Periods, *, distinct: bool = False
    ) -> Iterator[Bucket]:
        return sum_up(self.series(wanted), periods, distinct=distinct)


def micros_of(text: str) -> int:
    from hansa.kernel.clock import micros
    from hansa.ngsild.temporal import parse_datetime

    return micros(parse_datetime(text))


VALUES = st.one_of(
    st.integers(-1000, 1000),
    st.integers(-8000, 8000).map(lambda n: n / 8),
    st.booleans(),
    st.sampled_from(["", "a", "b", "Ω", "ab"]),
    st.lists(st.integers(0, 3), max_size=3),
    st.sampled_from([{"a": 1, "b": [2]}, {"b": [2], "a": 1}]),
    st.sampled_from(["00:00:01Z", "23:59:59.5Z"]).map(lambda t: {"@type": "Time", "@value": t}),
    st.just({"@type": "DateTime", "@value": "2026-01-01T00:00:00Z"}),
)


@st.composite
def moments(draw: st.DrawFn) -> list[tuple[str, str, int, dict[str, Any]]]:
    found = []
    dense = draw(st.booleans())
    for number in range(draw(st.integers(0, 40))):
        written = BASE + draw(st.integers(0, 50)) * HOUR
        kind = draw(st.sampled_from(["Property"] * 5 + ["Relationship"]))
        member = "object" if kind == "Relationship" else "value"
        value = draw(st.sampled_from(["urn:x:1", "urn:x:2"]) if member == "object" else VALUES)
        instance: dict[str, Any] = {"type": kind, member: value}
        instance |= {
            "createdAt": iso(from_micros(written)),
            "modifiedAt": iso(from_micros(written)),
        }
        if draw(st.integers(0, 9)):
            minutes = draw(st.integers(0, 90 if dense else 5_000))
            instance["observedAt"] = iso(from_micros(BASE + minutes * 60_000_000))
        if not draw(st.integers(0, 4)):
            instance["datasetId"] = "urn:d:1"
        instance["instanceId"] = f"urn:i:{number}"
        attribute = draw(st.sampled_from(["urn:a:x", "urn:a:y"]))
        found.append((draw(st.sampled_from(ENTITIES)), attribute, written, instance))
    return found


SELECTIONS = st.builds(
    Selection,
    entities=st.sampled_from([ENTITIES, ENTITIES[:1], (ENTITIES[2], ENTITIES[0]), ("urn:e:0",)]),
    attributes=st.sampled_from([None, frozenset({"urn:a:x"})]),
    datasets=st.sampled_from([None, frozenset({"@none"}), frozenset({"@none", "urn:d:1"})]),
    property=st.sampled_from(["observedAt", "observedAt", "createdAt", "deletedAt"]),
    since=st.none() | st.integers(0, 60).map(lambda n: BASE + n * HOUR // 2),
    until=st.none() | st.integers(0, 90).map(lambda n: BASE + n * HOUR // 2),
    timed=st.booleans(),
    last=st.none() | st.integers(1, 5),
    first=st.none() | st.integers(1, 5),
    instance=st.none() | st.just("urn:i:1"),
    without=st.sampled_from([frozenset(), frozenset({"urn:i:0", "urn:i:2"})]),
)
DURATIONS = st.sampled_from(
    [
        Duration(),
        Duration(exact=timedelta(hours=1)),
        Duration(exact=timedelta(days=1)),
        Duration(exact=timedelta(minutes=7)),
        Duration(months=1),
        Duration(months=2),
        Duration(months=1, exact=timedelta(hours=1)),
    ]
)


def archived(folder: Path, parts: list[list[tuple[str, str, int, dict[str, Any]]]]) -> View:
    segments = []
    for number, part in enumerate(parts):
        draft = folder / f"{number}.part"
        spill((to_row(*each[:3], dict(each[3])) for each in part), draft)
        segment = build(folder, new_name(), table_of([draft]))
        assert (segment is None) == (not part)
        if segment is not None:
            assert segment.rows == len(part)
            segments.append(segment)
    return View(folder, segments)


def alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-6)
    return bool(one == other)


def compare(one: Iterator[Bucket], other: Iterator[Bucket]) -> None:
    """All methods of all buckets give the same."""
    answered, expected = list(one), list(other)
    assert [bucket[:4] for bucket in answered] == [bucket[:4] for bucket in expected]
    for mine, his in zip(answered, expected, strict=True):
        for name, method in METHODS.items():
            assert alike(method(mine.tally), method(his.tally)), (name, mine, his)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    moments(),
    SELECTIONS,
    DURATIONS,
    st.integers(0, 40),
    st.integers(1, 3),
    st.booleans(),
    st.booleans(),
)
def test_answers_are_the_same_for_any_cut(
    found: list[tuple[str, str, int, dict[str, Any]]],
    wanted: Selection,
    duration: Duration,
    tail: int,
    parts: int,
    distinct: bool,
    sparse: bool,
) -> None:
    plain = Plain(found)
    if wanted.last is not None:
        wanted = replace(wanted, first=None)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sums, "_WORTH", 1 if sparse else 4)
        old = found[tail:]
        cut = [old[n::parts] for n in range(parts)]
        both = Merged([Plain(found[:tail]), archived(Path(folder), cut)])
        assert list(both.series(wanted)) == list(plain.series(wanted))
        assert list(both.spans(wanted)) == list(plain.spans(wanted))
        origin = BASE if wanted.since is None else wanted.since
        if wanted.since is None:
            wanted = replace(wanted, since=BASE)
        periods = Periods(origin, duration)
        compare(
            both.tallies(wanted, periods, distinct=distinct),
            plain.tallies(wanted, periods, distinct=distinct),
        )


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.integers(0, 100), VALUES), min_size=2, max_size=30),
    st.integers(-3, 3),
    DURATIONS.filter(lambda each: each != Duration(exact=timedelta(minutes=7))),
)
def test_sums_by_hour_answer_like_the_instances(
    values: list[tuple[int, Any]], offset: int, duration: Duration
) -> None:
    found = [
        (
            "urn:e:1",
            "urn:a:x",
            number,
            {
                "type": "Property",
                "value": value,
                "observedAt": iso(from_micros(BASE + quarters * HOUR // 4)),
                "instanceId": f"urn:i:{number}",
            },
        )
        for number, (quarters, value) in enumerate(values)
    ]
    origin = BASE + offset * HOUR
    wanted = Selection(("urn:e:1",), since=origin, until=BASE + 20 * HOUR, timed=True)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sums, "_WORTH", 1)
        archive = archived(Path(folder), [found])
        patch.setattr(sums, "_ask_instances", None)  # so the sums must be enough
        periods = Periods(origin, duration, BASE + 20 * HOUR)
        compare(archive.tallies(wanted, periods), Plain(found).tallies(wanted, periods))
        assert list(archive.spans(wanted)) == list(Plain(found).spans(wanted))
