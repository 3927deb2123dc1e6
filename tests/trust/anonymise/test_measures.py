"""k, l and t against tables that were worked out by hand, in the literature and here."""

from __future__ import annotations

from collections.abc import Hashable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.trust.anonymise.measures import Measured, Row, measure

# The 3-diverse table of inpatients of Li, Li and Venkatasubramanian, "t-Closeness: Privacy Beyond k-Anonymity and
# l-Diversity" (2007, doi:10.1109/ICDE.2007.367856), tables 3 and 4: salaries in thousands, and diseases.
SALARIES = [3, 4, 5, 6, 11, 8, 7, 9, 10]
DISEASES = [
    "gastric ulcer",
    "gastritis",
    "stomach cancer",
    "gastritis",
    "flu",
    "bronchitis",
    "bronchitis",
    "pneumonia",
    "stomach cancer",
]
CLASSES = [("476**", "2*")] * 3 + [("4790*", ">=40")] * 3 + [("476**", "3*")] * 3

# The 4-anonymous table of Machanavajjhala et al., "l-Diversity" (2007, doi:10.1145/1217299.1217302), figure 2.
PATIENTS = (
    [(("130**", "<30"), (d,)) for d in ("heart", "heart", "viral", "viral")]
    + [(("1485*", ">=40"), (d,)) for d in ("cancer", "heart", "viral", "viral")]
    + [(("130**", "3*"), (d,)) for d in ("cancer", "cancer", "cancer", "cancer")]
)


def rows(*columns: list[Hashable]) -> list[Row]:
    return list(zip(CLASSES, zip(*columns, strict=True), strict=True))


def test_the_salaries_of_the_paper_on_t_closeness() -> None:
    """Its section 4 works out 0.375 for {3k, 4k, 5k} and 0.167 for {6k, 8k, 11k}."""
    found = measure(rows(SALARIES))
    assert (found.rows, found.classes, found.k, found.l) == (9, 3, 3, (3,))
    assert found.t == pytest.approx((0.375,))
    middle = [r for r in rows(SALARIES) if r[0] == ("4790*", ">=40")]
    rest = [(("all",), r[1]) for r in rows(SALARIES) if r not in middle]
    assert measure([(("middle",), r[1]) for r in middle] + rest).t[0] == pytest.approx(1 / 6)


def test_diseases_with_equal_distances() -> None:
    """By hand: of the first class, each 1/3; of all, 1/9, 2/9 and 2/9: half of 2/9+1/9+1/9 and of the other 4/9."""
    assert measure(rows(DISEASES)).t == pytest.approx((4 / 9,))


def test_the_patients_of_the_paper_on_l_diversity() -> None:
    found = measure(PATIENTS)
    assert (found.k, found.l) == (4, (1,)), "four who all have cancer hide nobody"
    assert found.t[0] == pytest.approx(1 - 5 / 12)


def test_no_rows() -> None:
    assert measure([]) == Measured(0, 0, 0)


def test_without_what_is_sensitive() -> None:
    assert measure([((1,), ()), ((1,), ()), ((2,), ())]) == Measured(3, 2, 1)


def test_one_value_is_as_close_as_can_be_and_as_little_diverse() -> None:
    found = measure([((n,), ("x",)) for n in (1, 1, 2, 2)])
    assert (found.k, found.l, found.t) == (2, (1,), (0.0,))


TABLES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=30)


@given(TABLES)
def test_bounds(table: list[tuple[int, int]]) -> None:
    found = measure([((q,), (s, f"x{s}")) for q, s in table])
    assert 1 <= found.k <= len(table)
    assert all(1 <= each <= found.k or each <= 5 for each in found.l)
    assert all(0 <= each <= 1 for each in found.t)
    assert found.t[0] <= found.t[1] + 1e-12, "the order of values can only bring them nearer"


@given(TABLES)
def test_coarser_classes_are_never_smaller(table: list[tuple[int, int]]) -> None:
    fine = measure([((q,), (s,)) for q, s in table])
    coarse = measure([((q // 2,), (s,)) for q, s in table])
    assert coarse.k >= fine.k
    assert coarse.l >= fine.l
    assert coarse.t[0] <= fine.t[0] + 1e-12
