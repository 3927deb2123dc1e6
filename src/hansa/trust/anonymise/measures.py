"""How well people are hidden in a table: k-anonymity, l-diversity, t-closeness. Pure.

A *class* is the rows that look alike in the quasi-identifiers. k is the size of the smallest (Sweeney 2002,
doi:10.1142/S0218488502001648); l the fewest different sensitive values in one (distinct l-diversity, Machanavajjhala et al.
2007, doi:10.1145/1217299.1217302); t the largest distance between the values in one and in the whole table (Li et al. 2007,
doi:10.1109/ICDE.2007.367856): by the order of the values where all are numbers, otherwise with equal distances.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Measured", "classes", "k_anonymity", "l_diversity", "measure", "t_closeness"]

Row = tuple[Sequence[Hashable], Sequence[Hashable]]
"""The quasi-identifiers of a row, and its sensitive values."""

V = TypeVar("V", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found.

    Attributes:
        rows: how many there were.
        classes: how many groups that look alike.
        k: the size of the smallest; 0 without rows.
        l, t: for each sensitive attribute, in order.
    """

    rows: int
    classes: int
    k: int
    l: tuple[int, ...] = ()  # noqa: E741 - as the literature calls it
    t: tuple[float, ...] = ()


def measure(rows: Iterable[Row]) -> Measured:
    """k, l and t of a table."""
    table = list(rows)
    found = classes(quasi for quasi, _ in table)
    if not table:
        return Measured(0, 0, 0)
    columns = list(zip(*(sensitive for _, sensitive in table), strict=True))
    return Measured(
        len(table),
        len(found),
        k_anonymity(found),
        tuple(l_diversity(found, column) for column in columns),
        tuple(t_closeness(found, column) for column in columns),
    )


def classes(rows: Iterable[Sequence[Hashable]]) -> list[list[int]]:
    """The numbers of the rows that look alike."""
    found: dict[tuple[Hashable, ...], list[int]] = {}
    for number, row in enumerate(rows):
        found.setdefault(tuple(row), []).append(number)
    return list(found.values())


def k_anonymity(found: Sequence[Sequence[int]]) -> int:
    """The size of the smallest class."""
    return min(map(len, found), default=0)


def l_diversity(found: Sequence[Sequence[int]], column: Sequence[Hashable]) -> int:
    """The fewest different values in a class."""
    return min((len({column[row] for row in rows}) for rows in found), default=0)


def t_closeness(found: Sequence[Sequence[int]], column: Sequence[Hashable]) -> float:
    """The largest earth mover's distance of a class from the whole table, from 0 to 1."""
    total = Counter(column)
    if len(total) < 2:
        return 0.0
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in total):
        order = sorted(total)  # type: ignore[type-var]
        return max(_by_order(Counter(column[row] for row in rows), total, order) for rows in found)
    return max(_equal(Counter(column[row] for row in rows), total) for rows in found)


def _by_order(there: Counter[V], total: Counter[V], order: Sequence[V]) -> float:
    """What must be moved how far, between neighbours in the order."""
    mine, all_rows = there.total(), total.total()
    carried = moved = 0.0
    for value in order:
        carried += there[value] / mine - total[value] / all_rows
        moved += abs(carried)
    return moved / (len(order) - 1)


def _equal(there: Counter[V], total: Counter[V]) -> float:
    """What must be moved, every way being as long."""
    mine, all_rows = there.total(), total.total()
    return sum(abs(there[value] / mine - total[value] / all_rows) for value in total) / 2
