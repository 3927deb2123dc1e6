"""An instance goes into a row and comes back as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.history.row import Form, classify, from_row, to_row
from hansa.ngsild.model import VALUE_MEMBER

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc@", max_size=3), inner),
    max_leaves=6,
)
TIMES = st.sampled_from(
    [
        "2026-11-23T04:50:02.000000Z",
        "2026-11-23T04:50:02Z",
        "2026-11-23T04:50:02.5Z",
        "2026-11-23T04:50:02,250Z",
        "2026-11-23T04:50:02.123456789Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
    ]
)
REST = st.fixed_dictionaries(
    {},
    optional={
        "observedAt": TIMES,
        "createdAt": TIMES,
        "modifiedAt": TIMES,
        "deletedAt": TIMES,
        "datasetId": st.just("urn:d:1"),
        "unitCode": st.just("CEL"),
        "valueType": st.sampled_from(["DateTime", "Time", "URI"]),
        "urn:a:sub": st.just(
            [{"type": "Property", "value": 1, "observedAt": "2026-01-01T00:00:00Z"}]
        ),
    },
)


@st.composite
def instances(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(VALUE_MEMBER)))
    found = {"type": kind, "instanceId": "urn:ngsi-ld:instance:1"} | draw(REST)
    if draw(st.integers(0, 9)):
        found[VALUE_MEMBER[kind]] = draw(JSON)
    return found


@given(instances())
def test_what_goes_in_comes_out(instance: dict[str, Any]) -> None:
    row = to_row("urn:e:1", "urn:a:x", 5, dict(instance))
    again = from_row(row)
    assert again == instance
    assert repr(again.get("value")) == repr(instance.get("value")), (
        "1, 1.0 and true are not the same"
    )


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("Property", 3, (Form.INTEGER, 3.0, None, None, None)),
        ("Property", 2**60 + 1, (Form.INTEGER, float(2**60), None, None, str(2**60 + 1))),
        ("Property", True, (Form.BOOLEAN, 1.0, None, None, None)),
        ("Property", "x", (Form.TEXT, None, "x", None, None)),
        ("Property", [1, 2], (Form.OTHER, 2.0, None, None, "[1,2]")),
        ("ListProperty", ["a"], (Form.OTHER, 1.0, None, None, '["a"]')),
        ("Relationship", "urn:x:1", (Form.OTHER, None, None, None, '"urn:x:1"')),
    ],
)
def test_columns_of_values(kind: str, value: Any, expected: tuple[Any, ...]) -> None:
    assert classify(kind, value) == expected


def test_a_time_of_day_orders_and_averages() -> None:
    value = classify("Property", {"@type": "Time", "@value": "00:00:01Z"})
    assert (value.text, value.clock) == ("00:00:01Z", 1_000_000)


def test_the_moment_is_that_of_observation_or_else_of_writing() -> None:
    instance = {"type": "Property", "value": 1, "instanceId": "i"}
    assert to_row("e", "a", 7, instance).moment == 7
    seen = instance | {"observedAt": "1970-01-01T00:00:00.000003Z"}
    assert to_row("e", "a", 7, seen).moment == 3
