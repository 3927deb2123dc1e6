"""What a row of the change feed does not tell of itself, so that it is a piece of history on its own.

A row holds the attributes that changed as they became. To read it as history without the rows before
it (which may be in an archive), three more things are needed, and noted beside it in JSON:

``gone``: instances that were removed, as [attribute, dataset, kind]; ``kept``: instances that stand in a
changed attribute but are what they were, as [attribute, dataset]; ``scope``: the scopes, where they
changed. Most rows need none of it and have no note.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from hansa.ngsild.model import Entity, Instance, attributes

__all__ = ["aside"]


def aside(old: Entity | None, new: Entity | None, changed: Mapping[str, Any]) -> str | None:
    """The note beside the row that tells that `old` became `new` by what is in `changed`."""
    note: dict[str, Any] = {}
    before = {} if old is None else old
    after = {} if new is None else new
    if old is not None:
        told = ((n, []) for n, _ in attributes(old)) if new is None else changed.items()
        _compare(before, told, note)
    if before.get("scope") != after.get("scope"):
        note["scope"] = after.get("scope", [])
    return orjson.dumps(note).decode() if note else None


def _compare(old: Entity, changed: Any, note: dict[str, Any]) -> None:
    for name, now in changed:
        then: list[Instance] = old.get(name, [])
        if len(then) == len(now) == 1 and then[0].get("datasetId") == now[0].get("datasetId"):
            continue
        present = {instance.get("datasetId"): instance for instance in now}
        for instance in then:
            dataset = instance.get("datasetId")
            if dataset not in present:
                note.setdefault("gone", []).append([name, dataset, instance["type"]])
            elif orjson.dumps(present[dataset]) == orjson.dumps(instance):
                note.setdefault("kept", []).append([name, dataset])
