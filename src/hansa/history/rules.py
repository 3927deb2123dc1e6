"""Rules of retention: how long history is kept in full, how long as sums, and then no more.

A rule is a record of kind ``retention``. It is for a type, an attribute, both or everything; of the
rules that fit an instance the closest one applies: type and attribute, then attribute, then type, then
everything; among equals the first by name. History that no rule is for is kept for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from hansa.kernel.clock import micros
from hansa.kernel.errors import BadRequest
from hansa.ngsild.temporal import Duration, parse_duration
from hansa.store.port import Edited, Reader, Store, Write

__all__ = ["KIND", "SUMS", "Rule", "put_rule", "remove_rule", "rules_of"]

KIND: Final = "retention"
"""The kind of the records that hold rules."""

SUMS: Final = {"PT1H": 3_600_000_000, "P1D": 86_400_000_000}
"""The lengths of periods that old history can be summed up by, in microseconds."""

_SHORTEST: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Types and attributes are IRIs, durations are ISO 8601.

    Attributes:
        name: of the rule.
        keep: how long instances are kept as they are.
        type, attribute: what it is for; None: any.
        sums: after that, the period by which they are summed up; None: they go.
        sums_keep: how old sums become; None: they stay for ever.
    """

    name: str
    keep: str
    type: str | None = None
    attribute: str | None = None
    sums: str | None = None
    sums_keep: str | None = None

    def checked(self) -> Rule:
        """The rule.

        Raises:
            BadRequest: it says something that cannot be.
        """
        subject = f"retention rule '{self.name}'"
        keep = parse_duration(self.keep, f"{subject}: keep")
        if not keep.months and keep.exact < _SHORTEST:
            raise BadRequest(subject, f"keeps only {self.keep}", "keep at least P1D")
        if self.sums is not None and self.sums not in SUMS:
            raise BadRequest(subject, f"cannot sum up by {self.sums}", "use PT1H or P1D")
        if self.sums_keep is not None:
            if self.sums is None:
                raise BadRequest(subject, "keeps sums, but makes none", "say by which period")
            parse_duration(self.sums_keep, f"{subject}: sums_keep")
            if self.sums_before(_SOME_DAY) > self.before(_SOME_DAY):
                fact = f"keeps sums for {self.sums_keep}, less than the instances"
                raise BadRequest(subject, fact, "count both from the present")
        return self

    def before(self, now: datetime) -> int:
        """Instances older than this [microseconds] are not kept; the beginning of a period of sums."""
        return _ago(now, self.keep, SUMS[self.sums or "P1D"])

    def sums_before(self, now: datetime) -> int:
        """Sums older than this are not kept."""
        if self.sums is None:
            return self.before(now)
        return _ago(now, self.sums_keep, SUMS[self.sums]) if self.sums_keep else _NEVER

    @property
    def closeness(self) -> tuple[bool, bool, str]:
        """The order in which rules are tried."""
        return self.attribute is None, self.type is None, self.name


_SOME_DAY: Final = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
_NEVER: Final = -(1 << 62)


def _ago(now: datetime, text: str, bucket: int) -> int:
    """The instant that lies a duration before `now`, and begins a bucket."""
    duration = parse_duration(text)
    months = now.year * 12 + now.month - 1 - duration.months
    try:
        moved = Duration(months - 12).after(now.replace(year=1, month=1)) - duration.exact
    except (OverflowError, ValueError):
        return _NEVER
    at = micros(moved)
    return at - at % bucket


def rules_of(store: Reader) -> list[Rule]:
    """The rules of a tenant, in the order in which they are tried."""
    found = []
    for record in store.records(KIND):
        fields: dict[str, Any] = orjson.loads(record)
        fields["name"] = fields.pop("id")
        found.append(Rule(**fields))
    return sorted(found, key=lambda rule: rule.closeness)


def put_rule(store: Store, rule: Rule) -> None:
    """Keep a rule; one of the same name is replaced.

    Raises:
        BadRequest: it says something that cannot be.
    """
    fields = asdict(rule.checked())
    document = {"id": fields.pop("name"), **fields}
    store.write_records(KIND, [Write(rule.name, lambda _: Edited(document))]).result()


def remove_rule(store: Store, name: str) -> bool:
    """Forget a rule; whether there was one."""
    known = any(rule.name == name for rule in rules_of(store))
    store.write_records(KIND, [Write(name, lambda old: Edited(None))]).result()
    return known


def named(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """Rules as plain data."""
    return [asdict(rule) for rule in rules]
