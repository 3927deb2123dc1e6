"""Numbers with noise: differentially private counts by OpenDP's mechanisms, each with what it costs and how far off it may be.

Two tables are neighbours if one has one individual more than the other; an individual is in one group at most. Counts of
groups that are known beforehand get noise each, empty ones too (Laplace: ε alone; Gaussian: ε and δ). Of groups that are
found in the data only those above a threshold are told, so that a group of one does not show by being there (ε and δ).

ε is counted in millionths and δ in billionths of a billionth, as whole numbers, so that sums are exact. What OpenDP's own
map says that a release costs is never more than what is charged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import orjson

from hansa.kernel.errors import InternalError, MissingExtra
from hansa.trust.anonymise.groups import Group

__all__ = [
    "DELTA_UNIT",
    "EPSILON_UNIT",
    "Cost",
    "Kind",
    "Noise",
    "composed",
    "make_noise",
    "needed",
]

EPSILON_UNIT: Final = 1e-6
DELTA_UNIT: Final = 1e-18
Kind = Literal["laplace", "gaussian", "threshold"]
_MISSES: Final = 0.05


@dataclass(frozen=True, slots=True)
class Cost:
    """What a release costs, in whole units."""

    epsilon: int
    delta: int = 0

    @classmethod
    def of(cls, epsilon: float, delta: float = 0.0) -> Cost:
        """The cost that is at least as high."""
        return cls(math.ceil(epsilon / EPSILON_UNIT - 1e-6), math.ceil(delta / DELTA_UNIT - 1e-6))

    @property
    def numbers(self) -> tuple[float, float]:
        """ε and δ."""
        return self.epsilon / 1_000_000, self.delta * DELTA_UNIT

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.epsilon + other.epsilon, self.delta + other.delta)

    def within(self, limit: Cost) -> bool:
        """Whether a limit allows it."""
        return self.epsilon <= limit.epsilon and self.delta <= limit.delta


@dataclass(frozen=True, slots=True)
class Noise:
    """A mechanism, ready to be used once.

    Attributes:
        cost: what is charged.
        certified: ε and δ by OpenDP's map: at most the cost.
        accuracy: with 95 % probability a count is off by no more than this.
        threshold: counts below it are not told; 0: all are.
    """

    kind: Kind
    cost: Cost
    certified: tuple[float, float]
    scale: float
    accuracy: float
    threshold: int
    _measurement: Any

    def on(self, counts: Mapping[Group, int]) -> dict[Group, int]:
        """The counts with noise. To be charged *before* it is called."""
        if self.kind == "threshold":
            named = {orjson.dumps(group).decode(): number for group, number in counts.items()}
            told = self._measurement(named) if named else {}
            return {tuple(orjson.loads(name)): int(told[name]) for name in sorted(told)}
        noisy = self._measurement(list(counts.values())) if counts else []
        return dict(zip(counts, map(int, noisy), strict=True))


@lru_cache(maxsize=1)
def needed() -> Any:
    """OpenDP.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import opendp.prelude as dp
    except ImportError as fault:
        raise MissingExtra("counting with noise", "opendp", "privacy") from fault
    dp.enable_features("contrib", "honest-but-curious")
    return dp


def make_noise(kind: Kind, cost: Cost) -> Noise:
    """The mechanism of a kind that costs this much, and not more.

    Raises:
        MissingExtra: OpenDP is not installed.
    """
    if kind == "laplace":
        return _laplace(cost)
    if cost.delta <= 0:
        raise InternalError(f"noise of the kind '{kind}'", "needs a delta")
    return _gaussian(cost) if kind == "gaussian" else _threshold(cost)


def _laplace(cost: Cost) -> Noise:
    dp = needed()
    space = dp.vector_domain(dp.atom_domain(T=int)), dp.l1_distance(T=int)
    scale, found = _enough(
        lambda scale: dp.m.make_laplace(*space, scale=scale),
        lambda made: (made.map(1), 0.0),
        1 / cost.numbers[0],
        cost,
    )
    off = dp.discrete_laplacian_scale_to_accuracy(scale, _MISSES)
    return Noise("laplace", cost, (found.map(1), 0.0), scale, off, 0, found)


def _gaussian(cost: Cost) -> Noise:
    dp = needed()
    space = dp.vector_domain(dp.atom_domain(T=int)), dp.l2_distance(T=float)
    epsilon, delta = cost.numbers

    def made(scale: float) -> Any:
        return dp.c.make_fix_delta(
            dp.c.make_zCDP_to_approxDP(dp.m.make_gaussian(*space, scale=scale)), delta
        )

    begin = dp.binary_search_param(made, d_in=1.0, d_out=(epsilon, delta))
    scale, found = _enough(made, lambda each: each.map(1.0), begin, cost)
    off = dp.discrete_gaussian_scale_to_accuracy(scale, _MISSES)
    return Noise("gaussian", cost, found.map(1.0), scale, off, 0, found)


def _threshold(cost: Cost) -> Noise:
    dp = needed()
    space = (
        dp.map_domain(dp.atom_domain(T=str), dp.atom_domain(T=int)),
        dp.l01inf_distance(dp.absolute_distance(T=int)),
    )
    epsilon, delta = cost.numbers

    def made(scale: float, threshold: int) -> Any:
        return dp.m.make_laplace_threshold(*space, scale=scale, threshold=threshold)

    def costs(each: Any) -> tuple[float, float]:
        found: tuple[float, float] = each.map((1, 1, 1))
        return found

    scale, _ = _enough(
        lambda scale: made(scale, 1 << 30), lambda m: (costs(m)[0], 0.0), 1 / epsilon, cost
    )
    low, high = 1, 2
    while costs(made(scale, high))[1] > delta:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if costs(made(scale, middle))[1] <= delta else (middle, high)
    found = made(scale, high)
    off = dp.discrete_laplacian_scale_to_accuracy(scale, _MISSES)
    return Noise("threshold", cost, costs(found), scale, off, high, found)


def _enough(
    made: Callable[[float], Any],
    costs: Callable[[Any], tuple[float, float]],
    scale: float,
    cost: Cost,
) -> tuple[float, Any]:
    """The least scale from `scale` on whose cost, rounding included, is within the limit."""
    epsilon, delta = cost.numbers
    for _ in range(200):
        found = made(scale)
        costs_epsilon, costs_delta = costs(found)
        if costs_epsilon <= epsilon and costs_delta <= delta:
            return scale, found
        scale *= 1 + 1e-12
    raise InternalError("the scale of the noise", "was not found")


def composed(before: tuple[float, float], more: tuple[float, float]) -> tuple[float, float]:
    """What two releases cost together, by OpenDP's own composition: for comparison with our sums."""
    dp = needed()

    def release(cost: tuple[float, float]) -> Any:
        return dp.m.make_user_measurement(
            dp.atom_domain(T=bool),
            dp.discrete_distance(),
            dp.approximate(dp.max_divergence()),
            lambda _: 0,
            lambda _: cost,
            TO="i32",
        )

    found: tuple[float, float] = dp.c.make_composition([release(before), release(more)]).map(1)
    return found
