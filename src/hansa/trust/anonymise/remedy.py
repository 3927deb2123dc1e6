"""What to add to a source's record when something personal has no step: the first step that fits, as TOML. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hansa.trust.anonymise.personal import PLACE, table

__all__ = ["as_toml", "missing_steps", "steps_for"]


def missing_steps(names: Iterable[str], *, has_steps: bool) -> str:
    """A sentence for the names of rules that nothing is declared for.

    Args:
        has_steps: whether the record declares steps already, so that these go among them.
    """
    found = sorted(set(names))
    if not found:
        return "something personal has no step"
    told = ", ".join("the place" if name == PLACE else f"'{name}'" for name in found)
    steps = ", ".join(map(as_toml, steps_for({"location" if n == PLACE else n: n for n in found})))
    where = f"Add to 'anonymise' in the source's record: {steps}"
    if not has_steps:
        where = f"Add to the source's record: anonymise = [{steps}]"
    return f"{told} {'has' if len(found) == 1 else 'have'} no step. {where}"


def steps_for(personal: Mapping[str, str]) -> list[dict[str, Any]]:
    """Steps for attributes, by the names of the rules that hold for them: drop; for places a cell; else a pseudonym."""
    fits = {rule.name: rule.fits for rule in table()}
    dropped, placed, named = [], [], []
    for name, rule in personal.items():
        words = fits.get(rule, frozenset())
        if rule == PLACE:
            placed.append(name)
        elif "drop" in words:
            dropped.append(name)
        else:
            named.append(name)
    found: list[dict[str, Any]] = []
    if dropped:
        found.append({"step": "drop", "attributes": dropped})
    if placed:
        found.append({"step": "place", "attributes": placed, "resolution": 8})
    if named:
        found.append({"step": "pseudonymise", "attributes": named, "rotate": "P1D"})
    return found


def as_toml(value: Any) -> str:
    """A step as TOML has it, in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(n)} = {as_toml(v)}" for n, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, str):
        return _text(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _key(name: str) -> str:
    plain = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if plain else _text(name)


def _text(value: str) -> str:
    written = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in written) + '"'
