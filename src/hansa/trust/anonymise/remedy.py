"""What to add to a source's record when something personal has no step: the mildest step that fits, as TOML. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from hansa.trust.anonymise.personal import PLACE, table

__all__ = ["missing_steps"]


def missing_steps(names: Iterable[str], *, has_steps: bool) -> str:
    """A sentence for the names of rules that nothing is declared for.

    Args:
        has_steps: whether the record declares steps already, so that these go among them.
    """
    found = sorted(set(names))
    if not found:
        return "something personal has no step"
    told = ", ".join("the place" if name == PLACE else f"'{name}'" for name in found)
    steps = ", ".join(_steps(found))
    where = f"Add to 'anonymise' in the source's record: {steps}"
    if not has_steps:
        where = f"Add to the source's record: anonymise = [{steps}]"
    return f"{told} {'has' if len(found) == 1 else 'have'} no step. {where}"


def _steps(names: list[str]) -> list[str]:
    fits = {rule.name: rule.fits for rule in table()}
    dropped = [n for n in names if n != PLACE and "drop" in fits.get(n, ())]
    found = []
    if dropped:
        listed = ", ".join(f'"{name}"' for name in dropped)
        found.append(f'{{step = "drop", attributes = [{listed}]}}')
    if PLACE in names:
        found.append('{step = "place", attributes = ["location"], resolution = 8}')
    if any(n != PLACE and n not in dropped for n in names):
        listed = ", ".join(f'"{n}"' for n in names if n != PLACE and n not in dropped)
        found.append(f'{{step = "pseudonymise", attributes = [{listed}], rotate = "P1D"}}')
    return found
