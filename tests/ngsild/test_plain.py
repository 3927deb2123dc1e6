"""What is read in one pass is what the general reading gives."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.errors import HansaError
from hansa.ngsild import merge
from hansa.ngsild.context import Context
from hansa.ngsild.expand import Rules, expand_fragment
from hansa.ngsild.model import NULL
from hansa.ngsild.plain import plain_instance

NOW = "2026-11-24T23:00:00.000000Z"
NAMES = (
    "speed",
    "location",
    "unitCode",
    "observedAt",
    "json",
    "lang",
    "previousValue",
    "datasetId",
)
TEACHER = {
    "speed": {"type": "Property", "value": 1, "accuracy": {"type": "Property", "value": 2}},
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1.5, 2.5]}},
    "json": {"type": "Property", "value": 1},
    "lang": {"type": "Property", "value": 1},
}
"""Teaches a context the names that :data:`NAMES` draws from, as far as they can be learnt."""

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-200, 200)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "a", NULL, "urn:x:1", "2026-11-23T08:30:00Z", "2026-13-23T08:30:00Z"])
)
POSITIONS = st.lists(st.floats(-200, 200) | st.integers(-90, 90), min_size=1, max_size=4)
GEOMETRIES = st.fixed_dictionaries(
    {"type": st.sampled_from(["Point", "Line", "MultiPoint"]), "coordinates": POSITIONS},
    optional={"bbox": SCALARS},
)
VALUES = SCALARS | GEOMETRIES | st.lists(SCALARS, max_size=2)
KINDS = st.sampled_from(["Property", "Relationship", "GeoProperty", "JsonProperty", "Thing"])


def instances(inner: Any) -> Any:
    """Objects that look more or less like attribute instances."""
    return st.fixed_dictionaries(
        {"type": KINDS},
        optional={
            "value": VALUES,
            "object": VALUES,
            "unitCode": SCALARS,
            "observedAt": SCALARS,
            "datasetId": SCALARS,
            "accuracy": inner,
            "speed": inner,
            "@type": SCALARS,
        },
    )


ATTRIBUTES = st.recursive(SCALARS | instances(SCALARS), instances, max_leaves=4)


def outcome(payload: Any, rules: Rules) -> Any:
    """What a payload is read as, or the words of its refusal."""
    try:
        return repr(expand_fragment(payload, rules))
    except HansaError as error:
        return str(error)


@given(st.dictionaries(st.sampled_from(NAMES), ATTRIBUTES, max_size=3), st.booleans())
def test_a_context_that_knows_the_names_changes_nothing(payload: Any, nulls: bool) -> None:
    taught = Context()
    for name, value in TEACHER.items():
        outcome({name: value}, Rules(taught))
    assert outcome(payload, Rules(taught, nulls=nulls)) == outcome(
        payload, Rules(Context(), nulls=nulls)
    )


def test_common_attributes_take_one_pass() -> None:
    known = {"accuracy": "urn:a:accuracy"}
    for value in (
        {"type": "Property", "value": 3.5, "unitCode": "CEL", "observedAt": "2026-11-23T08:30:00Z"},
        {"type": "Property", "value": "text", "accuracy": {"type": "Property", "value": 0.5}},
        {"type": "Relationship", "object": "urn:ngsi-ld:Device:1"},
        {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [-71.3, -29.9]}},
    ):
        assert plain_instance(value, known) is not None


@given(st.dictionaries(st.sampled_from(NAMES), ATTRIBUTES, max_size=3), st.booleans())
def test_what_is_read_as_born_is_what_is_created(payload: Any, taught: bool) -> None:
    context = Context()
    if taught:
        for name, value in TEACHER.items():
            outcome({name: value}, Rules(context))
    whole = {"id": "urn:x:1", "type": "Thing"} | payload
    try:
        plain = merge.create(expand_fragment(whole, Rules(context)), NOW)
    except HansaError:
        return
    born = merge.newborn(expand_fragment(whole, Rules(context, born=NOW)), NOW)
    assert born == plain
    assert list(born)[:4] == ["id", "type", "createdAt", "modifiedAt"]
