"""What may be declared, and what is refused because it could not do what it says."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest, MissingExtra
from hansa.ngsild.city import city_iri
from hansa.trust.anonymise import cells
from hansa.trust.anonymise.declare import WORDS, parse
from hansa.trust.anonymise.kinds import Count, Pseudonymise
from hansa.trust.anonymise.steps import Steps

NAMED = {"attributes": ["name"]}
HIDE = {"step": "pseudonymise", "attributes": ["id"]}
COUNT = {"step": "count", "by": ["kind"], "epsilon": 0.1, "among": {"kind": ["a", "b"]}}

BAD: list[tuple[str, Any, str]] = [
    ("no list", {"steps": []}, "are no list of up to 50"),
    ("too many", [{}] * 51, "are no list of up to 50"),
    ("unknown step", [{"step": "hide"}], "step 1 has no 'step' that is one of"),
    ("no step", [7], "step 1 has no 'step' that is one of"),
    ("no names", [{"step": "drop"}], "step 1, attributes is no list"),
    ("empty names", [{"step": "drop", "attributes": []}], "attributes is no list"),
    ("not a name", [{"step": "drop", "attributes": ["a\nb"]}], "holds what is no name"),
    ("twice", [{"step": "drop", "attributes": ["a", "a"]}], "names something twice"),
    ("part of another", [{"step": "drop", **NAMED, "k": 3}], "step 1, k is no part"),
    ("drop the id", [{"step": "drop", "attributes": ["id"]}], "cannot drop 'id'"),
    ("bad period", [{"step": "time", **NAMED, "period": "PT7M"}], "takes these numbers"),
    ("no period", [{"step": "time", **NAMED}], "is no period such as"),
    (
        "time of a place",
        [{"step": "time", "attributes": ["location"], "period": "P1D"}],
        "cannot time a place",
    ),
    (
        "too fine",
        [{"step": "place", "attributes": ["location"], "resolution": 11}],
        "is no whole number from 0 to 10",
    ),
    (
        "odd form",
        [{"step": "place", **NAMED, "resolution": 8, "as": "dot"}],
        "is neither 'centre' nor 'cell'",
    ),
    ("no rotation", [HIDE], "rotate is missing"),
    ("keys for ever", [{**HIDE, "rotate": "P400D"}], "rotate is not between 60 minutes and"),
    (
        "two rotations",
        [{**HIDE, "rotate": "P1D"}, {**HIDE, **NAMED, "rotate": "P2D"}],
        "step 2 says another 'rotate'",
    ),
    ("k of one", [{"step": "suppress", "k": 1, "by": ["a"]}], "is no whole number from"),
    ("k of true", [{"step": "suppress", "k": True, "by": ["a"]}], "is no whole number"),
    ("by nothing", [{"step": "suppress", "k": 3, "by": []}], "step 1, by is no list"),
    (
        "by what is gone",
        [{"step": "drop", "attributes": ["age"]}, {"step": "suppress", "k": 3, "by": ["age"]}],
        "names 'age', which no group can be made by",
    ),
    (
        "groups before values",
        [{"step": "suppress", "k": 3, "by": ["age"]}, {"step": "drop", "attributes": ["name"]}],
        "step 2 comes too late",
    ),
    (
        "changed twice",
        [
            {"step": "time", "attributes": ["born"], "period": "P1Y"},
            {"step": "drop", "attributes": ["born"]},
        ],
        "step 2 changes 'born', which an earlier step changes",
    ),
    (
        "keys that end within a window",
        [
            {**HIDE, "rotate": "PT1H"},
            {"step": "suppress", "k": 3, "by": ["a"], "window": "PT45M"},
        ],
        "rotate is no whole number of windows",
    ),
    ("no budget", [COUNT], "budget is missing: counts cost"),
    (
        "more than the budget",
        [{**COUNT, "epsilon": 2}, {"step": "budget", "epsilon": 1}],
        "is less than one count costs",
    ),
    (
        "threshold without delta",
        [
            {"step": "count", "by": ["kind"], "epsilon": 0.1},
            {"step": "budget", "epsilon": 1},
        ],
        "budget, delta is missing",
    ),
    (
        "unknown groups with gaussian noise",
        [
            {"step": "count", "by": ["kind"], "epsilon": 0.1, "noise": "gaussian"},
            {"step": "budget", "epsilon": 1, "delta": 1e-6},
        ],
        "among is missing",
    ),
    ("no number", [{"step": "budget", "epsilon": float("nan")}], "is no number from"),
    ("odd renewal", [{"step": "budget", "epsilon": 1, "renews": "daily"}], "is none of"),
    ("a budget of a type", [{"step": "budget", "epsilon": 1, "types": ["A"]}], "types is no part"),
    (
        "among what",
        [{**COUNT, "among": {"sort": [1]}}, {"step": "budget", "epsilon": 1}],
        "is no object with a list of values for each",
    ),
    (
        "counted twice",
        [COUNT, {"step": "count", "epsilon": 0.1}, {"step": "budget", "epsilon": 1}],
        "step 2 counts what an earlier step counts",
    ),
    ("no reason", [{"step": "keep", "attributes": ["owner"]}], "is no reason of 10"),
    (
        "keep a plate",
        [{"step": "keep", "attributes": ["licensePlate"], "because": "we want it so"}],
        "cannot keep 'licensePlate', which is always personal",
    ),
    ("quasi id", [{"step": "measure", "quasi": ["id"]}], "names the identifier"),
    ("sensitive alone", [{"step": "measure", "sensitive": ["illness"]}], "quasi is no list"),
    (
        "both",
        [{"step": "measure", "quasi": ["a"], "sensitive": ["a"]}],
        "names what 'quasi' does: a",
    ),
]


@pytest.mark.parametrize(("raw", "fault"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_what_cannot_be_is_refused(raw: Any, fault: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse(raw, city_iri)
    assert fault in refused.value.sentence


def test_all_faults_are_named_at_once() -> None:
    raw = [{"step": "hide"}, {"step": "drop"}, {"step": "budget", "epsilon": 0}]
    with pytest.raises(BadRequest) as refused:
        parse(raw, city_iri)
    assert set(refused.value.extra["faults"]) == {"step 1", "step 2, attributes", "step 3, epsilon"}


def test_nothing_declared_is_no_steps() -> None:
    assert parse(None, city_iri) == Steps()
    assert not Steps().hides


def test_names_become_iris() -> None:
    raw = [{"step": "pseudonymise", "attributes": ["id", "owner"], "rotate": "P1D"}]
    (step,) = parse(raw, city_iri).steps
    assert isinstance(step, Pseudonymise)
    assert step.attributes == {"id", city_iri("owner")}


def test_values_of_a_count_are_as_groups_compare_them() -> None:
    raw = [
        {"step": "count", "by": ["b", "a"], "among": {"a": [1, 2], "b": ["x"]}, "epsilon": 0.5},
        {"step": "budget", "epsilon": 1},
    ]
    (step,) = parse(raw, city_iri).steps
    assert isinstance(step, Count)
    assert step.among == (('"x"',), ("1", "2"))


def test_places_need_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h3", None)
    cells.needed.cache_clear()
    raw = [{"step": "place", "attributes": ["location"], "resolution": 8}]
    try:
        with pytest.raises(MissingExtra) as refused:
            parse(raw, city_iri)
    finally:
        cells.needed.cache_clear()
    assert "hansa[privacy]" in refused.value.sentence


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = sorted(set().union(*WORDS.values()))


@given(
    st.lists(
        st.fixed_dictionaries(
            {"step": st.sampled_from(sorted(WORDS)) | ANYTHING},
            optional=dict.fromkeys([*FIELDS, "types"], ANYTHING),
        ),
        max_size=3,
    )
)
def test_whatever_is_declared_is_read_or_refused(raw: list[dict[str, Any]]) -> None:
    try:
        assert isinstance(parse(raw, city_iri), Steps)
    except BadRequest as refused:
        assert refused.extra["faults"]
