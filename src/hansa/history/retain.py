"""Retention: old instances become sums, and old sums go, as the rules say (see :mod:`.rules`).

Only the archive is looked at: what is recent is kept anyway. Segments with something to go are written
again without it, and the sums that take its place become segments of their own (*summaries*); both are
listed in one transaction, so a crash leaves either the old or the new state. Instances without observedAt
count by when they were written, and leave no sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from hansa.history import sums
from hansa.history.archive import ParquetArchive
from hansa.history.build import build, new_name, summarise
from hansa.history.compact import Progress, retire
from hansa.history.dropped import remember
from hansa.history.engine import ask
from hansa.history.question import table_of
from hansa.history.rules import SUMS, Rule
from hansa.history.segment import Segment
from hansa.ngsild.query import TypeName
from hansa.store.history import Heads
from hansa.store.port import Reader, Store

__all__ = ["Effect", "foresee", "retain"]

_FOREVER: Final = -(1 << 62)


@dataclass(slots=True)
class Effect:
    """What a rule does, or would do now: instances that become sums, that go, and old sums that go."""

    rule: str
    summed: int = 0
    gone: int = 0
    sums_gone: int = 0


@dataclass(frozen=True, slots=True)
class _Terms:
    """The rules as expressions of SQL on a row of a segment, with their parameters."""

    number: str
    before: str
    sums_before: str
    values: dict[str, Any] = field(default_factory=dict)


def foresee(
    store: Reader, archive: ParquetArchive, rules: Sequence[Rule], now: datetime
) -> list[Effect]:
    """What :func:`retain` would do, in the order of the rules."""
    effects = [Effect(rule.name) for rule in rules]
    if rules:
        terms = _terms(store, rules, now)
        for segment in archive.segments(store):
            _count(archive, segment, terms, effects)
    return effects


def retain(
    store: Store,
    archive: ParquetArchive,
    rules: Sequence[Rule],
    now: datetime,
    progress: Progress = lambda done, whole: None,
) -> list[Effect]:
    """Apply the rules to the archive; what they did.

    Raises:
        Unavailable: the disk is full, or a file is damaged; segments that were done stay done.
    """
    effects = [Effect(rule.name) for rule in rules]
    if not rules:
        return effects
    terms = _terms(store, rules, now)
    segments = archive.segments(store)
    for done, segment in enumerate(segments, 1):
        if _count(archive, segment, terms, effects):
            made = (_old_sums if segment.summary else _old_instances)(
                archive, segment, rules, terms
            )
            store.relist([segment.name], [each.to_dict() for each in made])
            retire(archive.folder, [segment])
        progress(done, len(segments))
    remember(store, effects, now)
    return effects


def _terms(store: Reader, rules: Sequence[Rule], now: datetime) -> _Terms:
    values: dict[str, Any] = {}
    number, before, sums_before = "CASE", "CASE rule_", "CASE rule_"
    with store.past() as past:
        for place, rule in enumerate(rules):
            fits = ["true"]
            if rule.attribute is not None:
                fits.append(f"attribute = $attribute{place}")
                values[f"attribute{place}"] = rule.attribute
            if rule.type is not None:
                fits.append(f"entity IN (SELECT unnest($entities{place}))")
                heads = past.heads(Heads(types=TypeName(rule.type)))
                values[f"entities{place}"] = [head.id for head in heads]
            number += f" WHEN {' AND '.join(fits)} THEN {place}"
            before += f" WHEN {place} THEN {rule.before(now)}"
            sums_before += f" WHEN {place} THEN {rule.sums_before(now)}"
    end = f" ELSE {_FOREVER} END"
    return _Terms(f"{number} END", before + end, sums_before + end, values)


def _judged(archive: ParquetArchive, segment: Segment, terms: _Terms) -> str:
    """The rows of a segment with what the rules say: rule_, old_ (to go), lost_ (and leaves no sum)."""
    summary = segment.summary
    folder = archive.folder
    rows = sums.named_in(folder, [segment]) if summary else table_of([segment.instances(folder)])
    time = "start" if summary else "moment"
    old = terms.sums_before if summary else terms.before
    lost = "true" if summary else f"observed IS NULL OR observed < {terms.sums_before}"
    kept_sums = "true" if summary else f"{terms.before} <> {terms.sums_before}"
    return (
        f"(SELECT *, {time} < {old} AS old_, {time} < {old} AND ({lost} OR NOT ({kept_sums})) AS lost_"
        f" FROM (SELECT *, {terms.number} AS rule_ FROM {rows}))"
    )


def _count(archive: ParquetArchive, segment: Segment, terms: _Terms, effects: list[Effect]) -> bool:
    """Add what the rules do to a segment to their effects; whether they do anything."""
    amount = "total" if segment.summary else "1"
    rows = ask(
        f"SELECT rule_, coalesce(sum({amount}) FILTER (lost_), 0)::BIGINT,"
        f" coalesce(sum({amount}) FILTER (NOT lost_), 0)::BIGINT"
        f" FROM {_judged(archive, segment, terms)} WHERE old_ GROUP BY rule_",
        terms.values,
    )
    touched = False
    for number, lost, summed in rows:
        touched = True
        if segment.summary:
            effects[number].sums_gone += lost
        else:
            effects[number].gone += lost
            effects[number].summed += summed
    return touched


def _old_instances(
    archive: ParquetArchive, segment: Segment, rules: Sequence[Rule], terms: _Terms
) -> list[Segment]:
    """What takes the place of a segment of instances."""
    judged = _judged(archive, segment, terms)
    kept = build(archive.folder, new_name(), judged, where="NOT old_", values=terms.values)
    made = [] if kept is None else [kept]
    for name, bucket in SUMS.items():
        numbers = [str(place) for place, rule in enumerate(rules) if rule.sums == name]
        if not numbers:
            continue
        source = (
            f"(SELECT * FROM {judged} WHERE old_ AND NOT lost_ AND rule_ IN ({', '.join(numbers)}))"
        )
        query = sums.by_bucket(source, bucket)
        summary = summarise(archive.folder, new_name(), query, bucket, terms.values)
        made += [] if summary is None else [summary]
    return made


def _old_sums(
    archive: ParquetArchive, segment: Segment, rules: Sequence[Rule], terms: _Terms
) -> list[Segment]:
    """What takes the place of a summary."""
    query = (
        f"SELECT * EXCLUDE (rule_, old_, lost_) FROM {_judged(archive, segment, terms)}"
        " WHERE NOT old_ ORDER BY entity, attribute, dataset, start"
    )
    kept = summarise(archive.folder, new_name(), query, segment.bucket, terms.values)
    return [] if kept is None else [kept]
