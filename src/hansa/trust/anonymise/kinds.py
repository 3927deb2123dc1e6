"""The kinds of steps, as values. What they do is in :mod:`.changes` and :mod:`.groups`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from hansa.trust.anonymise.cells import Shown
from hansa.trust.anonymise.periods import Period

__all__ = ["BudgetTerms", "Count", "Drop", "Keep", "Place", "Pseudonymise", "Step", "Suppress"]
__all__ += ["Time"]


@dataclass(frozen=True, slots=True)
class _Step:
    types: frozenset[str] | None
    """The types (IRIs) that the step is for; ``None``: all."""

    def is_for(self, entity: Mapping[str, Any]) -> bool:
        """Whether the step is for this entity."""
        return self.types is None or not self.types.isdisjoint(entity["type"])


@dataclass(frozen=True, slots=True)
class Drop(_Step):
    """Attributes that are left out, also where they stand on other attributes or within a value."""

    word: ClassVar = "drop"
    attributes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Time(_Step):
    """Times that become the beginning of their period; ``observedAt`` means that of every attribute."""

    word: ClassVar = "time"
    attributes: frozenset[str]
    period: Period


@dataclass(frozen=True, slots=True)
class Place(_Step):
    """Places that become their cell of H3."""

    word: ClassVar = "place"
    attributes: frozenset[str]
    resolution: int
    shown: Shown = "centre"


@dataclass(frozen=True, slots=True)
class Pseudonymise(_Step):
    """Values that become pseudonyms under a key that lasts for a while; ``id`` means the entity's own."""

    word: ClassVar = "pseudonymise"
    attributes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Keep(_Step):
    """Attributes that could be about people and here are not, with the reason, which is public."""

    word: ClassVar = "keep"
    attributes: frozenset[str]
    because: str


@dataclass(frozen=True, slots=True)
class Suppress(_Step):
    """Groups, by the values of some attributes, that show fewer than `k` are withheld.

    ``per`` names what makes one of those: the entity itself (``id``), or the value of an attribute.
    """

    word: ClassVar = "suppress"
    k: int
    by: tuple[str, ...]
    per: str = "id"


@dataclass(frozen=True, slots=True)
class Count(_Step):
    """Instead of entities, their number by the values of some attributes goes on, with noise.

    Attributes:
        by: the attributes; none: all are counted together.
        epsilon: what each window's counts cost.
        among: for each attribute in `by` the only values that are counted (as JSON); without, those that occur,
            and small counts are then left out.
        per: what is counted once at most: the entity itself (``id``), or the value of an attribute.
        noise: of which kind; Gaussian noise needs a δ, and groups that are known beforehand.
    """

    word: ClassVar = "count"
    by: tuple[str, ...]
    epsilon: float
    among: tuple[tuple[str, ...], ...] | None = None
    per: str = "id"
    noise: Literal["laplace", "gaussian"] = "laplace"


Step = Drop | Time | Place | Pseudonymise | Keep | Suppress | Count


@dataclass(frozen=True, slots=True)
class BudgetTerms:
    """How much may ever be told of a source by noisy counts: ε and δ, and when they begin anew."""

    epsilon: float
    delta: float = 0.0
    renews: Literal["never", "month", "year"] = "never"
