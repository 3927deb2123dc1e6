"""What the coverage-led fuzzer feeds to the parsers: its first inputs are taken or refused, never anything else."""

from __future__ import annotations

import pytest

from benchmarks.fuzz.parsers import _SEEDS, _refusable, _targets


@pytest.mark.parametrize("number", range(len(_SEEDS)))
def test_the_first_inputs_are_understood(number: int) -> None:
    target = _targets()[_SEEDS[number][0]]
    _refusable(target, _SEEDS[number][1:])
    for cut in range(len(_SEEDS[number])):
        _refusable(target, _SEEDS[number][1 : cut + 1])


def test_every_parser_has_an_input_to_begin_with() -> None:
    assert [seed[0] for seed in _SEEDS] == list(range(len(_targets())))


def test_another_fault_is_one() -> None:
    def defect(_: object) -> None:
        int("x")

    with pytest.raises(ValueError, match="invalid literal"):
        _refusable(defect, b"")
