"""The steps that a source declares, and what they make of its entities before any is written. Pure.

Entities are in the internal form, names as IRIs. What is personal by its name must meet a step that fits
(:mod:`.personal`). Steps that change values come first, in their order; a value that was hidden must then stand nowhere
else in the entity. Groups that are too small are withheld; what is to be counted is given back as exact numbers, for noise
to be put on them. What fails is withheld, never written as it came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from hansa.kernel.errors import InternalError
from hansa.ngsild.model import Entity
from hansa.trust.anonymise import changes
from hansa.trust.anonymise.account import Account
from hansa.trust.anonymise.groups import Tally, tally, too_small
from hansa.trust.anonymise.kinds import (
    BudgetTerms,
    Count,
    Drop,
    Keep,
    Place,
    Pseudonymise,
    Step,
    Suppress,
    Time,
)
from hansa.trust.anonymise.personal import Rules, lacking, rules_for
from hansa.trust.anonymise.pseudonyms import Key

__all__ = ["Steps"]

_MOST_PLANS = 1024


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be done with entities of the same types."""

    changing: tuple[Step, ...]
    covered: dict[str, frozenset[str]]
    is_counted: bool
    rules: Rules
    needs_key: bool


@dataclass(frozen=True, slots=True)
class Steps:
    """What a source declares; made by :func:`hansa.trust.anonymise.declare.parse`. Without any, what is personal is refused.

    Attributes:
        steps: in order.
        rotate: how long a key of pseudonyms lasts; ``None`` where none is needed.
        window: how long entities of a live source are held, in memory, for their groups to grow.
        quasi: attributes by which somebody could be found: k, l and t are measured over them.
        sensitive: attributes that must not be learnt about somebody: for l and t.
        budget: what noisy counts may cost; ``None``: there are none.
    """

    steps: tuple[Step, ...] = ()
    rotate: timedelta | None = None
    window: timedelta | None = None
    quasi: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    budget: BudgetTerms | None = None
    _plans: dict[tuple[str, ...], _Plan] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def hides(self) -> bool:
        """Whether any step changes, withholds or counts: messages about single entities then name no value."""
        return any(not isinstance(step, Keep) for step in self.steps)

    @property
    def needs_groups(self) -> bool:
        """Whether an entity can be judged only together with the others of its window."""
        return any(isinstance(step, Suppress | Count) for step in self.steps)

    @property
    def needs_key(self) -> bool:
        """Whether a step makes pseudonyms."""
        return any(isinstance(step, Pseudonymise) for step in self.steps)

    def apply(
        self, entities: Iterable[Entity], key: Key | None = None
    ) -> tuple[list[Entity], Account]:
        """What may be written of the entities of one window, and what was done.

        Args:
            entities: in the internal form; they are not changed.
            key: what pseudonyms are made with, where a step makes some.
        """
        passed, account, _ = self.apply_counting(entities, key)
        return passed, account

    def apply_counting(
        self, entities: Iterable[Entity], key: Key | None = None
    ) -> tuple[list[Entity], Account, list[Tally]]:
        """The same, with the exact numbers that noise is to be put on."""
        account = Account()
        ready = [
            made for entity in entities if (made := self.change(entity, key, account)) is not None
        ]
        passed, tallies = self.judge(ready, account)
        return passed, account, tallies

    def change(
        self, entity: Entity, key: Key | None, account: Account, *, anew: bool = True
    ) -> Entity | None:
        """One entity after the steps that change values; ``None`` if it is withheld. `anew` as for :func:`.lacking`."""
        account.read += 1
        plan = self._plan(tuple(entity["type"]))
        if not plan.is_counted and (bare := lacking(entity, plan.rules, plan.covered, anew=anew)):
            account.withheld["personal"] += 1
            account.why.update(bare)
            return None
        if not plan.changing:
            return entity
        if key is None and plan.needs_key:
            raise InternalError("pseudonyms", "there is no key to make them with")
        hidden: set[str] = set()
        made = entity
        for step in plan.changing:
            made = _changed(made, step, key, hidden, account)
        if hidden and changes.shows(made, hidden):
            account.withheld["shows"] += 1
            return None
        return made

    def lacking(self, entity: Entity, *, anew: bool = True) -> list[str]:
        """The names of the rules about what is personal that an entity breaks; `anew` as for :func:`.lacking`."""
        plan = self._plan(tuple(entity["type"]))
        return lacking(entity, plan.rules, plan.covered, anew=anew)

    def judge(
        self, entities: Sequence[Entity], account: Account
    ) -> tuple[list[Entity], list[Tally]]:
        """Of the changed entities of one window, those that may be written; and exact numbers of the others."""
        left = list(entities)
        tallies: list[Tally] = []
        for step in self.steps:
            if isinstance(step, Suppress):
                concerned = [entity for entity in left if step.is_for(entity)]
                small = too_small(concerned, step.k, step.by, step.per)
                before = len(left)
                left = [each for each in left if each["id"] not in small or not step.is_for(each)]
                if before > len(left):
                    account.withheld["small"] += before - len(left)
            elif isinstance(step, Count):
                concerned = [entity for entity in left if step.is_for(entity)]
                left = [entity for entity in left if not step.is_for(entity)]
                if concerned:
                    account.withheld["counted"] += len(concerned)
                tallies.append(tally(step, concerned))
        account.passed += len(left)
        return left, tallies

    def _plan(self, types: tuple[str, ...]) -> _Plan:
        found = self._plans.get(types)
        if found is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            found = self._plans[types] = self._made_plan(types)
        return found

    def _made_plan(self, types: tuple[str, ...]) -> _Plan:
        mine = [step for step in self.steps if step.types is None or step.types & set(types)]
        covered: dict[str, set[str]] = {}
        changing: list[Step] = []
        for step in mine:
            if isinstance(step, Drop | Time | Place | Pseudonymise | Keep):
                for name in step.attributes:
                    covered.setdefault(name, set()).add(step.word)
                if not isinstance(step, Keep):
                    changing.append(step)
        return _Plan(
            tuple(changing),
            {name: frozenset(words) for name, words in covered.items()},
            any(isinstance(step, Count) for step in mine),
            rules_for(types),
            any(isinstance(step, Pseudonymise) for step in changing),
        )


def _changed(
    entity: Entity, step: Step, key: Key | None, hidden: set[str], account: Account
) -> Entity:
    match step:
        case Drop():
            return changes.dropped(entity, step.attributes, hidden, account)
        case Time():
            return changes.timed(entity, step.attributes, step.period, account)
        case Place():
            return changes.placed(entity, step.attributes, step.resolution, step.shown, account)
        case Pseudonymise() if key is not None:
            return changes.renamed(entity, step.attributes, key, hidden, account)
    return entity
