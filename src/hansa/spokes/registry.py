"""Which spokes there are: everything that declares an entry point of the group ``hansa.spokes``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from hansa.kernel.plugins import SPOKES, Plugins, discover
from hansa.spokes.manifest import Manifest
from hansa.spokes.port import Spoke

__all__ = ["all_spokes", "faults", "find_spoke", "known_of", "record_of"]


def _accept(thing: Any) -> Spoke:
    """The plugin as a spoke.

    Raises:
        TypeError: it has no manifest, or cannot open anything.
    """
    if not isinstance(getattr(thing, "manifest", None), Manifest):
        raise TypeError("it has no manifest")
    method = "reach" if thing.manifest.remote else "open"
    if not callable(getattr(thing, method, None)):
        raise TypeError(f"it has no method '{method}'")
    return cast(Spoke, thing)


@cache
def _plugins() -> Plugins[Spoke]:
    return discover(SPOKES, _accept)


def all_spokes() -> list[Spoke]:
    """Every spoke that can be used, by name."""
    return list(_plugins().found.values())


def known_of(name: str) -> Mapping[str, Any]:
    """What the manifest of a spoke knows of its sources' records; nothing of a spoke that is not there."""
    found = _plugins().found.get(name)
    return {} if found is None else found.manifest.declaration


def record_of(algorithm: str) -> Mapping[str, Any]:
    """What the spoke that brings an algorithm knows of it, for the register; nothing if none brings it."""
    found = (each.manifest for each in _plugins().found.values())
    return next((each.algorithm_record for each in found if each.algorithm == algorithm), {})


def faults() -> dict[str, str]:
    """Why installed spokes cannot be used, by name."""
    return dict(_plugins().faults)


def find_spoke(name: str) -> Spoke:
    """The spoke of that name.

    Raises:
        NotFound: it is not installed, or cannot be used.
    """
    return _plugins().get(name)
