"""Columns made of many instances at once are those that each one would have by itself."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa.history.columns import spill_lines
from hansa.history.engine import ask
from hansa.history.row import TIMES, Row, from_row, to_row
from hansa.ngsild.model import VALUE_MEMBER

WRITTEN = 1_795_000_000_000_000
PLAIN = {"type": "Property", "value": 1.5, "observedAt": "2026-01-01T00:00:00.5Z"}

_times = st.sampled_from(
    [
        "2026-11-25T00:00:00Z",
        "2026-11-25T23:59:59.999999Z",
        "1969-12-31T23:59:59.5Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2026-02-30T00:00:00Z",
        "2026-11-25T24:00:00Z",
        "2026-11-25T00:00:60Z",
        "2026-11-25T00:00:00,25Z",
        "2026-11-25T00:00:00.1234567Z",
        "2026-11-25",
        "12:00:00Z",
        "no time",
    ]
)
_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts
    | st.just("12:00:00Z")
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_texts, inner, max_size=2),
    max_leaves=4,
)


_stamps = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(
    lambda t: f"{t.isoformat()}Z"
)
_nearly_plain = st.fixed_dictionaries(
    {"type": st.just("Property"), "value": _scalars},
    optional=dict.fromkeys(TIMES, _stamps)
    | {"unitCode": st.just("GQ"), "datasetId": st.just("urn:d:1")},
) | st.fixed_dictionaries(
    {"type": st.just("GeoProperty"), "value": _values}, optional={"observedAt": _stamps}
)


@st.composite
def _instances(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.booleans()):
        return draw(_nearly_plain)
    kind = draw(st.sampled_from([*VALUE_MEMBER, "Property", "Property"]))
    found: dict[str, Any] = {"type": kind}
    if draw(st.integers(0, 9)):
        found[VALUE_MEMBER[kind]] = draw(_values)
    for name in TIMES:
        if draw(st.booleans()):
            found[name] = draw(_times)
    more = {
        "unitCode": _scalars,
        "datasetId": st.just("urn:d:1"),
        "valueType": st.just("Time"),
        "x": _values,
    }
    for name, strategy in more.items():
        if not draw(st.integers(0, 3)):
            found[name] = draw(strategy)
    return found


def _rows(folder: Path, instances: list[dict[str, Any]]) -> list[Row]:
    lines = [
        ("urn:e", "urn:a", WRITTEN, f"urn:i:{number}", orjson.dumps(each).decode())
        for number, each in enumerate(instances)
    ]
    source, drafts = spill_lines([lines[:3], [], lines[3:]], folder, "x")
    found = ask(f"SELECT {', '.join(Row._fields)} FROM {source}")
    rows = sorted((Row(*each) for each in found), key=lambda row: int(row.instance[6:]))
    for draft in drafts:
        draft.unlink(missing_ok=True)
    return rows


@given(st.lists(_instances(), min_size=1, max_size=30))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_many_at_once_are_as_one_by_one(tmp_path: Path, instances: list[dict[str, Any]]) -> None:
    rows = _rows(tmp_path, instances)
    assert len(rows) == len(instances)
    for number, (row, instance) in enumerate(zip(rows, instances, strict=True)):
        named = {**instance, "instanceId": f"urn:i:{number}"}
        expected = to_row("urn:e", "urn:a", WRITTEN, named)
        assert orjson.loads(row.rest) == orjson.loads(expected.rest)
        same = row._replace(rest="", json=None), expected._replace(rest="", json=None)
        assert same[0] == same[1], instance
        assert from_row(row) == from_row(expected) == named


@pytest.mark.parametrize(
    "instance",
    [
        PLAIN,
        PLAIN | {"value": 7, "unitCode": "GQ", "datasetId": "urn:d:1"},
        PLAIN | {"value": -(2**53)},
        PLAIN | {"value": True, "createdAt": "2026-01-01T00:00:00.000001Z"},
        PLAIN | {"value": 'it\'s "quoted" \\ and ü'},
        {"type": "Property", "value": "urn:ngsi-ld:null", "deletedAt": "2026-01-01T00:00:00Z"},
        {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1.5, -2]}},
        {"type": "Relationship", "object": "urn:x:1"},
    ],
)
def test_the_ordinary_is_read_by_the_engine(tmp_path: Path, instance: dict[str, Any]) -> None:
    line = ("urn:e", "urn:a", WRITTEN, "urn:i:0", orjson.dumps(instance).decode())
    _, drafts = spill_lines([[line]], tmp_path, "x")
    assert [draft.name for draft in drafts if draft.suffix == ".part" and "rows" in draft.name]
    rows = drafts[1]
    [(left,)] = ask(f"SELECT count(body) FROM read_parquet('{rows}')")
    assert left == 0


def test_nothing_makes_no_rows(tmp_path: Path) -> None:
    assert spill_lines([[]], tmp_path, "x")[0] == ""
