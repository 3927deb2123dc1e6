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
    ("no object", [], "are no object"),
    ("unknown part", {"steps": [], "stops": 1}, "stops is no part of it"),
    ("no list", {"steps": {}}, "steps is no list"),
    ("unknown step", {"steps": [{"step": "hide"}]}, "step 1 has no 'step' that is one of"),
    ("no names", {"steps": [{"step": "drop"}]}, "step 1, attributes is no list"),
    ("empty names", {"steps": [{"step": "drop", "attributes": []}]}, "attributes is no list"),
    ("not a name", {"steps": [{"step": "drop", "attributes": ["a\nb"]}]}, "holds what is no name"),
    ("twice", {"steps": [{"step": "drop", "attributes": ["a", "a"]}]}, "names something twice"),
    ("part of another", {"steps": [{"step": "drop", **NAMED, "k": 3}]}, "step 1, k is no part"),
    ("drop the id", {"steps": [{"step": "drop", "attributes": ["id"]}]}, "cannot drop 'id'"),
    ("bad period", {"steps": [{"step": "time", **NAMED, "period": "PT7M"}]}, "takes these numbers"),
    ("no period", {"steps": [{"step": "time", **NAMED}]}, "is no period such as"),
    (
        "time of a place",
        {"steps": [{"step": "time", "attributes": ["location"], "period": "P1D"}]},
        "cannot time a place",
    ),
    (
        "too fine",
        {"steps": [{"step": "place", "attributes": ["location"], "resolution": 11}]},
        "is no whole number from 0 to 10",
    ),
    (
        "odd form",
        {"steps": [{"step": "place", **NAMED, "resolution": 8, "as": "dot"}]},
        "is neither 'centre' nor 'cell'",
    ),
    ("no rotation", {"steps": [HIDE]}, "rotate is missing"),
    ("keys for ever", {"steps": [HIDE], "rotate": "P400D"}, "rotate is not between 60 minutes and"),
    ("keys for nothing", {"steps": [], "rotate": "P1D"}, "no step makes pseudonyms"),
    ("k of one", {"steps": [{"step": "suppress", "k": 1, "by": ["a"]}]}, "is no whole number from"),
    ("k of true", {"steps": [{"step": "suppress", "k": True, "by": ["a"]}]}, "is no whole number"),
    ("by nothing", {"steps": [{"step": "suppress", "k": 3, "by": []}]}, "step 1, by is no list"),
    (
        "by what is gone",
        {
            "steps": [
                {"step": "drop", "attributes": ["age"]},
                {"step": "suppress", "k": 3, "by": ["age"]},
            ]
        },
        "names 'age', which no group can be made by",
    ),
    (
        "groups before values",
        {
            "steps": [
                {"step": "suppress", "k": 3, "by": ["age"]},
                {"step": "drop", "attributes": ["name"]},
            ]
        },
        "step 2 comes too late",
    ),
    (
        "changed twice",
        {
            "steps": [
                {"step": "time", "attributes": ["born"], "period": "P1Y"},
                {"step": "drop", "attributes": ["born"]},
            ]
        },
        "step 2 changes 'born', which an earlier step changes",
    ),
    ("window for nothing", {"steps": [], "window": "PT1H"}, "no step looks at groups"),
    ("no budget", {"steps": [COUNT]}, "budget is missing: counts cost"),
    (
        "more than the budget",
        {"steps": [{**COUNT, "epsilon": 2}], "budget": {"epsilon": 1}},
        "is less than one count costs",
    ),
    (
        "threshold without delta",
        {
            "steps": [{"step": "count", "by": ["kind"], "epsilon": 0.1}],
            "budget": {"epsilon": 1},
        },
        "budget, delta is missing",
    ),
    ("no number", {"steps": [], "budget": {"epsilon": float("nan")}}, "is no number from"),
    ("odd renewal", {"steps": [], "budget": {"epsilon": 1, "renews": "daily"}}, "is none of"),
    (
        "among what",
        {"steps": [{**COUNT, "among": {"sort": [1]}}], "budget": {"epsilon": 1}},
        "is no object with a list of values for each",
    ),
    (
        "counted twice",
        {"steps": [COUNT, {**COUNT, "by": [], "among": {}}], "budget": {"epsilon": 1}},
        "step 2",
    ),
    ("no reason", {"steps": [{"step": "keep", "attributes": ["owner"]}]}, "is no reason of 10"),
    (
        "keep a plate",
        {"steps": [{"step": "keep", "attributes": ["licensePlate"], "because": "we want it so"}]},
        "cannot keep 'licensePlate', which is always personal",
    ),
    ("quasi id", {"quasi": ["id"]}, "names the identifier"),
    ("sensitive alone", {"sensitive": ["illness"]}, "quasi is missing"),
    ("both", {"quasi": ["a"], "sensitive": ["a"]}, "names what 'quasi' does: a"),
]


@pytest.mark.parametrize(("raw", "fault"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_what_cannot_be_is_refused(raw: Any, fault: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse(raw, city_iri)
    assert fault in refused.value.sentence


def test_all_faults_are_named_at_once() -> None:
    raw = {"steps": [{"step": "hide"}, {"step": "drop"}], "rotate": "soon"}
    with pytest.raises(BadRequest) as refused:
        parse(raw, city_iri)
    assert set(refused.value.extra["faults"]) == {"step 1", "step 2, attributes", "rotate"}


def test_nothing_declared_is_no_steps() -> None:
    assert parse(None, city_iri) == Steps()
    assert not Steps().hides


def test_names_become_iris() -> None:
    raw = {"steps": [{"step": "pseudonymise", "attributes": ["id", "owner"]}], "rotate": "P1D"}
    (step,) = parse(raw, city_iri).steps
    assert isinstance(step, Pseudonymise)
    assert step.attributes == {"id", city_iri("owner")}


def test_values_of_a_count_are_as_groups_compare_them() -> None:
    raw = {
        "steps": [
            {
                "step": "count",
                "by": ["b", "a"],
                "among": {"a": [1, 2], "b": ["x"]},
                "epsilon": 0.5,
            }
        ],
        "budget": {"epsilon": 1},
    }
    (step,) = parse(raw, city_iri).steps
    assert isinstance(step, Count)
    assert step.among == (('"x"',), ("1", "2"))


def test_places_need_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h3", None)
    cells.needed.cache_clear()
    raw = {"steps": [{"step": "place", "attributes": ["location"], "resolution": 8}]}
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
    st.dictionaries(
        st.sampled_from(["steps", "rotate", "window", "quasi", "sensitive", "budget"]),
        ANYTHING
        | st.lists(
            st.fixed_dictionaries(
                {"step": st.sampled_from(sorted(WORDS)) | ANYTHING},
                optional=dict.fromkeys([*FIELDS, "types"], ANYTHING),
            ),
            max_size=3,
        ),
    )
)
def test_whatever_is_declared_is_read_or_refused(raw: dict[str, Any]) -> None:
    try:
        assert isinstance(parse(raw, city_iri), Steps)
    except BadRequest as refused:
        assert refused.extra["faults"]
