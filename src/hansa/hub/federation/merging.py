"""One entity from what several sources know of it (clauses 4.5.5.2, 4.5.5.3, 4.3.6.2 and 5.7.1.4).

Instances of an attribute are told apart by their datasetId. Of two with the same one, the more recent
stands: by observedAt where both have it, else by modifiedAt; otherwise the one that came first (this
node's before those of its sources). An instance that has expired never stands. Auxiliary sources only
add attributes that are not there.

An ``expiresAt`` of the entity stays only when every version has one, and is then the latest; before
that it is handed down to the attributes of the version that carries it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from hansa.hub.expiry import alive
from hansa.kernel.clock import micros
from hansa.ngsild.model import Entity, Instance, attributes
from hansa.ngsild.temporal import read_moment

__all__ = ["merged"]

_TIMES: Final = frozenset({"createdAt", "modifiedAt", "expiresAt"})


def merged(
    versions: Iterable[Entity], auxiliary: Iterable[Entity] = (), now: str = ""
) -> Entity | None:
    """The entity that `versions` of it make together; None when nothing of it is left.

    The order of `versions` decides where nothing else does; the arguments are not changed.
    """
    present = [v for version in versions if (v := alive(version, now) if now else version)]
    extra = [v for version in auxiliary if (v := alive(version, now) if now else version)]
    if not present:
        present, extra = extra[:1], extra[1:]
        if not present:
            return None
    whole = present[0] if len(present) == 1 else _joined(present, now)
    for version in extra:
        missing = {name: value for name, value in attributes(version) if name not in whole}
        if missing:
            whole = {**whole, **missing}
    return whole


def _joined(versions: list[Entity], now: str) -> Entity:
    every = [version.get("expiresAt") for version in versions]
    if any(every) and not all(every):
        versions = [_handed_down(version) for version in versions]
        if now:
            versions = [v for version in versions if (v := alive(version, now))]
    whole: Entity = {"id": versions[0]["id"]}
    for member in ("type", "scope"):
        values = [name for version in versions for name in version.get(member, ())]
        if values:
            whole[member] = list(dict.fromkeys(values))
    for member, pick in (("createdAt", min), ("modifiedAt", max)):
        times = [version[member] for version in versions if member in version]
        if times:
            whole[member] = pick(times)
    if all(every):
        whole["expiresAt"] = max(str(time) for time in every)
    for version in versions:
        for name, instances in attributes(version):
            whole[name] = _together(whole[name], instances) if name in whole else instances
    return whole


def _together(present: list[Instance], incoming: list[Instance]) -> list[Instance]:
    result = list(present)
    for instance in incoming:
        dataset = instance.get("datasetId")
        index = next((n for n, i in enumerate(result) if i.get("datasetId") == dataset), None)
        if index is None:
            result.insert(len(result) if dataset is not None else 0, instance)
        elif _is_newer(instance, result[index]):
            result[index] = instance
    return result


def _is_newer(instance: Instance, present: Instance) -> bool:
    for member in ("observedAt", "modifiedAt"):
        ours, theirs = _moment(present.get(member)), _moment(instance.get(member))
        if ours is not None and theirs is not None and ours != theirs:
            return theirs > ours
        if (ours is None) is not (theirs is None):
            return ours is None
    return False


def _moment(text: Any) -> int | None:
    try:
        found = read_moment(text) if isinstance(text, str) else None
        return micros(found) if found is not None else None  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return None


def _handed_down(version: Entity) -> Entity:
    """A version whose own expiry has become that of its attributes (4.5.5.2)."""
    expiry = version.get("expiresAt")
    if expiry is None:
        return version
    changed = {k: v for k, v in version.items() if k != "expiresAt"}
    for name, instances in attributes(version):
        changed[name] = [
            {**i, "expiresAt": min(i.get("expiresAt", expiry), expiry)} for i in instances
        ]
    return changed
