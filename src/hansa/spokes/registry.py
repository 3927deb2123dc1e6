"""Which spokes there are: everything that declares an entry point of the group ``hansa.spokes``."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import Final

from hansa.kernel.errors import InternalError, NotFound
from hansa.spokes.port import Spoke

__all__ = ["GROUP", "all_spokes", "find_spoke"]

GROUP: Final = "hansa.spokes"


@cache
def _discover() -> dict[str, Spoke]:
    found: dict[str, Spoke] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            spoke: Spoke = point.load()
            found[spoke.manifest.name] = spoke
        except (ImportError, AttributeError) as fault:
            raise InternalError(
                f"the spoke '{point.name}'",
                f"cannot be loaded from {point.value} ({fault})",
                "reinstall the package that brings it, or remove it",
            ) from fault
    return found


def all_spokes() -> list[Spoke]:
    """Every installed spoke, by name."""
    found = _discover()
    return [found[name] for name in sorted(found)]


def find_spoke(name: str) -> Spoke:
    """The spoke of that name.

    Raises:
        NotFound: no such spoke is installed.
    """
    found = _discover()
    if name not in found:
        raise NotFound(
            f"the spoke '{name}'", "is not installed", f"there are: {', '.join(sorted(found))}"
        )
    return found[name]
