"""Records of sources: whole or refused, and red lines before all else."""

from typing import Any

import pytest

from hansa.kernel.errors import BadRequest, Forbidden
from hansa.trust.sources.record import CHAIN, checked, elements

WHOLE: dict[str, Any] = {
    "accountable": "City of Coquimbo",
    "contact": "data@city.example",
    "lawful_basis": "none_personal",
    "purpose": ["mobility"],
    "tech": ["dtpr_api"],
    "data": ["spatial"],
    "process": ["raw_data"],
    "access": ["available_to_download"],
    "storage": ["stored_locally"],
    "retention": ["data_retained"],
}


def test_a_whole_record_is_taken() -> None:
    assert checked(WHOLE) == WHOLE


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(BadRequest) as refused:
        checked({n: v for n, v in WHOLE.items() if n != name})
    assert refused.value.extra["faults"] == {name: "is missing"}


@pytest.mark.parametrize("odd", [None, [], "x", {"tech": [1]}, {"tech": {}}, {1: 2}])
def test_what_is_no_record_is_refused(odd: object) -> None:
    with pytest.raises(BadRequest):
        checked(odd)


def test_an_unknown_element_is_refused() -> None:
    with pytest.raises(BadRequest, match="telepathy"):
        checked(WHOLE | {"tech": ["telepathy"]})


@pytest.mark.parametrize("tech", ["biometrics", "facial_characterization", "identifiable_video"])
def test_a_red_line_is_refused_even_if_the_rest_is_missing(tech: str) -> None:
    with pytest.raises(Forbidden, match="Regulation"):
        checked({"tech": [tech]})


def test_people_are_not_for_sale() -> None:
    with pytest.raises(Forbidden):
        checked(WHOLE | {"data": ["personal"], "access": ["available_for_resale"]})


def test_the_standard_counts_as_it_does() -> None:
    counts = {part: len(names) for part, names in elements().items()}
    assert set(counts) == {"accountable", *CHAIN}
    assert (counts["tech"], counts["purpose"], counts["process"]) == (51, 23, 23)
