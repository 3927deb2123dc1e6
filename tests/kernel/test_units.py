"""Units: symbols and conversion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest
from hansa.kernel.units import convert, find_unit, symbol, units

codes = st.sampled_from(sorted(units()))


@pytest.mark.parametrize(
    ("code", "expected"),
    [("KMH", "km/h"), ("CEL", "°C"), ("GQ", "µg/m³"), ("P1", "%"), ("2N", "dB"), ("C62", "")],
)
def test_symbols(code: str, expected: str) -> None:
    assert symbol(code) == expected


def test_an_unknown_code_stands_for_itself() -> None:
    assert symbol("ZZZ") == "ZZZ"


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (36, "KMH", "MTS", 10),
        (1, "KNT", "KMH", 1.852),
        (0, "CEL", "KEL", 273.15),
        (100, "CEL", "FAH", 212),
        (-40, "FAH", "CEL", -40),
        (1, "KWH", "3B", 3.6),
        (1013.25, "A97", "ATM", 1),
        (1, "HAR", "MTK", 10_000),
        (25, "GQ", "GP", 0.025),
        (1, "H67", "H66", 8766),
        (50, "P1", "C62", 0.5),
        (1, "4L", "A99", 8e6),
        (1, "MQS", "MQH", 3600),
        (1, "P72", "P73", 1000),
        (7, "ZZZ", "ZZZ", None),
    ],
)
def test_conversions(value: float, source: str, target: str, expected: float | None) -> None:
    if expected is None:
        with pytest.raises(BadRequest, match="is not known here"):
            convert(value, source, target)
    else:
        assert convert(value, source, target) == pytest.approx(expected, rel=1e-9)


def test_dimensions_do_not_mix() -> None:
    with pytest.raises(BadRequest, match="metre is a length, second a time"):
        convert(1, "MTR", "SEC")


def test_a_result_that_is_no_number_is_refused() -> None:
    with pytest.raises(BadRequest, match="not a finite number"):
        convert(1e308, "KMT", "C45")


@given(codes, codes, st.floats(-1e6, 1e6))
def test_there_and_back_is_the_identity(source: str, target: str, value: float) -> None:
    if find_unit(source).dimension == find_unit(target).dimension:
        back = convert(convert(value, source, target), target, source)
        assert back == pytest.approx(value, rel=1e-9, abs=1e-9)


def test_every_dimension_has_sound_units() -> None:
    for unit in units().values():
        assert unit.factor > 0
        assert unit.name
        assert unit.dimension
    assert len(units()) > 150
