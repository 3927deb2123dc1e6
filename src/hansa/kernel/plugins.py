"""The road by which parts come in: entry points of an installed package.

What Hansa brings and what others install are found the same way, by the group of their entry point
(``hansa.spokes`` for sources of data), so that nothing built in has a privilege. A plugin that cannot
be loaded is reported by name with its package and the reason, and the others work on: one bad package
never stops a node. Where two packages offer one name, the one of Hansa itself wins and the other is
reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, Generic, TypeVar

from hansa.kernel.errors import NotFound

__all__ = ["SPOKES", "Plugins", "discover"]

SPOKES: Final = "hansa.spokes"
"""The group of adapters to sources of data."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plugins(Generic[T]):
    """What was found in one group.

    Attributes:
        found: name to plugin, in order of the names.
        faults: name to why it cannot be used, one sentence.
    """

    group: str
    found: dict[str, T] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> T:
        """The plugin of that name.

        Raises:
            NotFound: it is not installed, or cannot be used; says which, and what there is.
        """
        if name in self.found:
            return self.found[name]
        raise NotFound(
            f"plugin '{name}' ({self.group})",
            self.faults.get(name, "is not installed"),
            f"there are: {', '.join(self.found) or 'none'}",
        )


def discover(
    group: str,
    accept: Callable[[Any], T],
    *,
    installed: Callable[..., Iterable[EntryPoint]] = entry_points,
) -> Plugins[T]:
    """Load every plugin of `group`.

    Args:
        group: of the entry points.
        accept: returns the plugin as its users see it; raises where it is not what it should be.
        installed: where entry points come from.
    """
    plugins: Plugins[T] = Plugins(group)
    for point in sorted(installed(group=group), key=_order):
        name = point.name
        if name in plugins.found:
            plugins.faults[f"{name} ({_package(point)})"] = "another package has this name already"
            continue
        try:
            plugins.found[name] = accept(point.load())
        except Exception as fault:  # whatever a foreign package does wrong is its own fault
            reason = f"{type(fault).__name__}: {fault}"
            plugins.faults[name] = (
                f"{_package(point)} cannot be loaded from {point.value}: {reason}"
            )
    return plugins


def _package(point: EntryPoint) -> str:
    return "an unnamed package" if point.dist is None else f"package {point.dist.name}"


def _order(point: EntryPoint) -> tuple[str, bool, str]:
    package = _package(point)
    return point.name, package != "package hansa", package
