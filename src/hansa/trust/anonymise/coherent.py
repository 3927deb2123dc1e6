"""Whether declared steps fit together: each can do what it says, and none undoes or belies another. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from hansa.ngsild.model import NGSI_LD
from hansa.trust.anonymise.kinds import (
    Count,
    Drop,
    Keep,
    Place,
    Pseudonymise,
    Step,
    Suppress,
    Time,
)
from hansa.trust.anonymise.personal import local_name, table
from hansa.trust.anonymise.steps import Steps

__all__ = ["incoherent"]

_PLACES: Final = frozenset(NGSI_LD + n for n in ("location", "observationSpace", "operationSpace"))
_ALLOWED: Final = {Drop: {"scope"}, Time: {"observedAt"}, Pseudonymise: {"id"}}
"""What each step may name beside attributes."""

_SPECIAL: Final = frozenset({"id", "scope", "observedAt"})


def incoherent(steps: Steps) -> dict[str, str]:
    """What is wrong, by the place where it stands."""
    return dict(_faults(steps))


def _faults(steps: Steps) -> Iterator[tuple[str, str]]:
    counts = [step for step in steps.steps if isinstance(step, Count)]
    yield from _order(steps.steps)
    for number, step in enumerate(steps.steps, 1):
        yield from ((f"step {number}", fault) for fault in _step_faults(step))
        if isinstance(step, Suppress | Count):
            yield from _groups(number, step, steps.steps)
    yield from _twice(steps.steps)
    if steps.needs_key and steps.rotate is None:
        yield "rotate", "is missing: say how long a key of pseudonyms lasts, such as P1D"
    if steps.rotate is not None and not steps.needs_key:
        yield "rotate", "is given, and no step makes pseudonyms"
    if steps.window is not None and not steps.needs_groups:
        yield "window", "is given, and no step looks at groups"
    if counts and steps.budget is None:
        yield "budget", "is missing: counts cost"
    if steps.budget is not None:
        if any(step.epsilon > steps.budget.epsilon for step in counts):
            yield "budget, epsilon", "is less than one count costs"
        if any(s.among is None or s.noise == "gaussian" for s in counts) and not steps.budget.delta:
            yield (
                "budget, delta",
                "is missing: a count without 'among' or with noise 'gaussian' needs it",
            )
    if any(step.among is None and step.noise == "gaussian" for step in counts):
        yield "among", "is missing: noise 'gaussian' is for groups that are known beforehand"
    if steps.rotate and steps.window and steps.rotate % steps.window:
        yield "rotate", "is no whole number of windows: one person would have two pseudonyms in one"
    if "id" in steps.quasi:
        yield "quasi", "names the identifier, which nobody else has"
    gone = {name for step in steps.steps if isinstance(step, Drop) for name in step.attributes}
    for part, names in (("quasi", steps.quasi), ("sensitive", steps.sensitive)):
        if dropped := gone & set(names):
            yield part, f"names what is dropped: {local_name(min(dropped))}"
    if both := set(steps.quasi) & set(steps.sensitive):
        yield "sensitive", f"names what 'quasi' does: {local_name(min(both))}"
    if steps.sensitive and not steps.quasi:
        yield "quasi", "is missing: l and t are measured over it"


def _order(steps: tuple[Step, ...]) -> Iterator[tuple[str, str]]:
    """Values change first, then groups are judged, then what is left is counted."""
    ranks = [2 if isinstance(s, Count) else 1 if isinstance(s, Suppress) else 0 for s in steps]
    for number, (before, rank) in enumerate(pairwise(ranks), 2):
        if rank < before:
            yield (
                f"step {number}",
                "comes too late: change values first, then suppress, then count",
            )


def _step_faults(step: Step) -> Iterator[str]:
    names: frozenset[str] = getattr(step, "attributes", frozenset())
    for name in sorted(names & _SPECIAL - _ALLOWED.get(type(step), set())):
        yield f"cannot {step.word} '{name}'"
    if isinstance(step, Time | Pseudonymise) and names & _PLACES:
        yield f"cannot {step.word} a place: generalise or drop it"
    if isinstance(step, Keep):
        for rule in table():
            if "keep" not in rule.fits and any(
                local_name(n) == local_name(rule.name) for n in names
            ):
                yield f"cannot keep '{rule.name}', which is always personal"


def _groups(
    number: int, step: Suppress | Count, steps: tuple[Step, ...]
) -> Iterator[tuple[str, str]]:
    if "id" in step.by or _SPECIAL & set(step.by):
        yield f"step {number}, by", "names what is no attribute"
    if step.per != "id" and step.per in _SPECIAL:
        yield f"step {number}, per", "names what is no attribute"
    for other in steps:
        if not isinstance(other, Drop | Pseudonymise) or not _meet(other, step):
            continue
        if gone := other.attributes & set(step.by):
            name = local_name(min(gone))
            yield f"step {number}, by", f"names '{name}', which no group can be made by any more"
        if isinstance(other, Drop) and step.per in other.attributes:
            yield f"step {number}, per", f"names '{local_name(step.per)}', which is dropped"


def _twice(steps: tuple[Step, ...]) -> Iterator[tuple[str, str]]:
    """One attribute is changed by one step alone; otherwise what a step says would depend on another."""
    changing = [
        (n, s) for n, s in enumerate(steps, 1) if isinstance(s, Drop | Time | Place | Pseudonymise)
    ]
    for at, (number, step) in enumerate(changing):
        for _, earlier in changing[:at]:
            if _meet(step, earlier) and (both := step.attributes & earlier.attributes):
                name = local_name(min(both))
                yield f"step {number}", f"changes '{name}', which an earlier step changes"
    counted = [(n, s) for n, s in enumerate(steps, 1) if isinstance(s, Count)]
    for at, (number, count) in enumerate(counted):
        if any(_meet(count, earlier) for _, earlier in counted[:at]):
            yield f"step {number}", "counts what an earlier step counts: nothing is left"


def _meet(one: Step, other: Step) -> bool:
    """Whether an entity can be concerned by both."""
    return one.types is None or other.types is None or bool(one.types & other.types)
