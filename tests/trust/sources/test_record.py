"""Records of sources: whole or refused, and red lines before all else."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest, Forbidden, HansaError
from hansa.trust.sources.record import CHAIN, UNLIMITED, checked, elements, kept_until

WHOLE: dict[str, Any] = {
    "accountable": "City of Coquimbo",
    "contact": "data@city.example",
    "lawful_basis": "none_personal",
    "purpose": ["mobility"],
    "tech": ["dtpr_api"],
    "data": ["spatial"],
    "process": ["reviewed_internally"],
    "access": ["available_to_download"],
    "storage": ["stored_locally"],
    "retention": ["data_retained"],
    "retention_period": "P1Y",
    "public_space": False,
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


DROP = [{"step": "drop", "types": ["Person"], "attributes": ["name"]}]
HERE = {"type": "Point", "coordinates": [18.29, 57.64]}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"retention_period": "a year"}, "retention_period"),
        ({"retention_period": 365}, "retention_period"),
        ({"retention_period": "PT0S"}, "retention"),
        ({"retention": ["no_data_retained"]}, "retention"),
        ({"retention": ["data_retained", "no_data_retained"]}, "retention"),
        ({"data": ["personal"], "anonymise": DROP}, "lawful_basis"),
        ({"data": ["personal"], "lawful_basis": "consent"}, "anonymise"),
        (
            {
                "data": ["personal"],
                "lawful_basis": "consent",
                "retention_period": UNLIMITED,
                "anonymise": DROP,
            },
            "retention_period",
        ),
        ({"tech": ["identifiable_rfid"]}, "data"),
        ({"anonymise": DROP, "process": ["raw_data"]}, "process"),
        ({"retention_period": "", "retention": []}, "retention_period"),
        ({"public_space": True}, "place"),
        ({"public_space": "yes"}, "public_space"),
        ({"place": HERE}, "place"),
        ({"public_space": True, "place": {"type": "Point", "coordinates": [181, 0]}}, "place"),
        ({"public_space": True, "place": {"type": "Point", "coordinates": [True, 0]}}, "place"),
        ({"public_space": True, "place": [18.29, 57.64]}, "place"),
        ({"anonymise": [{"step": "melt"}]}, "anonymise"),
        ({"lawful_basis": "because"}, "lawful_basis"),
        ({"colour": "red"}, "colour"),
        ({"purpose": ["mobility", "mobility"]}, "purpose"),
        ({"contact": "x" * 501}, "contact"),
    ],
    ids=str,
)
def test_what_does_not_go_together_is_named(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(BadRequest) as refused:
        checked(WHOLE | change)
    assert list(refused.value.extra["faults"]) == [fault]


def test_a_source_in_public_space_says_where() -> None:
    assert checked(WHOLE | {"public_space": True, "place": HERE})["place"] == HERE


def test_how_long_is_a_length_that_can_be_counted() -> None:
    at = datetime(2026, 1, 31, tzinfo=UTC)
    assert kept_until(WHOLE, at) == datetime(2027, 1, 31, tzinfo=UTC)
    assert kept_until(WHOLE | {"retention_period": "P1M"}, at) == datetime(2026, 2, 28, tzinfo=UTC)
    assert kept_until(WHOLE | {"retention_period": UNLIMITED}, at) is None
    assert kept_until(WHOLE | {"retention_period": "P9999Y"}, at) is None


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["personal", "Point", "P1D", "consent", "biometrics"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([*WHOLE, "place", "anonymise", "name", "x"]), _ANY))
def test_whatever_is_declared_is_whole_or_refused(change: dict[str, Any]) -> None:
    try:
        record = checked(WHOLE | change)
    except HansaError:
        return
    assert record.keys() >= WHOLE.keys()
    assert "biometrics" not in record["tech"]
    assert checked(record) == record
