"""Checks that are cut short for the common case decide as the whole check does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest
from hansa.ngsild.geojson import check_geojson, from_geojson
from hansa.ngsild.values import check_name

NUMBERS = st.one_of(st.integers(-200, 200), st.floats(), st.booleans(), st.none(), st.text())
GEOMETRIES = st.fixed_dictionaries(
    {"type": st.sampled_from(["Point", "MultiPoint", "LineString", "Circle"])},
    optional={
        "coordinates": st.one_of(
            st.lists(NUMBERS, max_size=4), st.lists(st.lists(NUMBERS, max_size=3)), NUMBERS
        )
    },
)


def refusal(check: Callable[[Any], object], value: Any) -> str | None:
    """What `check` says against `value`."""
    try:
        check(value)
    except BadRequest as error:
        return error.sentence
    return None


@given(GEOMETRIES)
def test_a_geometry_is_refused_unbuilt_as_it_is_when_built(value: dict[str, Any]) -> None:
    assert refusal(check_geojson, value) == refusal(from_geojson, value)


@given(st.one_of(st.text(max_size=8), st.sampled_from(["id", "type", "a:b", "name", "x" * 300])))
def test_a_name_is_judged_the_same_again(name: str) -> None:
    assert refusal(check_name, name) == refusal(check_name, name)
