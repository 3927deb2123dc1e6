"""How an entity's attributes evolved: a first temporal view of the change feed (clause 5.7.3).

The history of an attribute is what the change feed holds of it: one instance each time it was written.
A window selects instances by one of their times. Without a window every instance is shown, also those
that carry no time of observation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hansa.kernel.errors import BadRequest
from hansa.ngsild.model import VALUE_MEMBER, Entity, Instance, attribute_names
from hansa.ngsild.represent import View, represent
from hansa.ngsild.temporal import TemporalFilter
from hansa.store.port import Change

__all__ = ["Evolution", "Window", "evolution", "series", "show_evolution"]

Evolution = dict[str, list[Instance]]
"""Attribute IRI to its instances, oldest first (newest first when only the last N are wanted)."""

_PLURAL = {
    "value": "values",
    "object": "objects",
    "languageMap": "languageMaps",
    "vocab": "vocabs",
    "json": "jsons",
    "valueList": "valueLists",
    "objectList": "objectLists",
}


@dataclass(frozen=True, slots=True)
class Window:
    """Which instances are wanted.

    Attributes:
        filter: a period that `property` must lie in; None for any time.
        property: the time that instances are ordered by and that compact forms show.
        last: at most this many of the newest instances of each attribute.
    """

    filter: TemporalFilter | None = None
    property: str = "observedAt"
    last: int | None = None


def evolution(changes: Iterable[Change], window: Window) -> Evolution:
    """The instances of each attribute inside `window`.

    A change holds all instances of an attribute; those that it left as they were are shown once.
    """
    found: Evolution = {}
    latest: dict[tuple[str, str | None], Instance] = {}
    for change in changes:
        for name, instances in change.attributes.items():
            seen = found.setdefault(name, [])
            for instance in instances:
                place = (name, instance.get("datasetId"))
                if latest.get(place) != instance:
                    latest[place] = instance
                    if _inside(instance, window):
                        seen.append(instance)
    if window.last is not None:
        last = window.last
        found = {name: seen[: -last - 1 : -1] for name, seen in found.items()}
    return {name: seen for name, seen in found.items() if seen}


def _inside(instance: Instance, window: Window) -> bool:
    wanted = window.filter
    if wanted is None:
        return True
    text = instance.get(wanted.attribute)
    if text is None:
        return False
    at = datetime.fromisoformat(text.replace(",", "."))
    if wanted.relation == "before":
        return at < wanted.at
    if wanted.relation == "after":
        return at > wanted.at
    return wanted.end is not None and wanted.at <= at < wanted.end


def show_evolution(
    head: Entity, seen: Evolution, view: View, window: Window, *, compact: bool = False
) -> dict[str, Any]:
    """The temporal representation of an entity (4.5.6), or the compact one with times and values (4.5.8)."""
    names = attribute_names(head)
    bare = {name: value for name, value in head.items() if name not in names}
    shown = represent(bare, view)
    for name, instances in seen.items():
        if (view.pick is not None and name not in view.pick) or name in view.omit:
            continue
        wanted = [
            i
            for i in instances
            if view.datasets is None or i.get("datasetId", "@none") in view.datasets
        ]
        if not wanted:
            continue
        term = view.context.compact(name)
        shown[term] = _pairs(wanted, view, window) if compact else _list(name, wanted, view)
    return shown


def _list(name: str, instances: list[Instance], view: View) -> list[Any]:
    whole = replace(view, form="normalized", pick=None, omit=frozenset(), datasets=None)
    return [represent({name: [i]}, whole)[view.context.compact(name)] for i in instances]


def _pairs(instances: list[Instance], view: View, window: Window) -> dict[str, Any]:
    kind = instances[0]["type"]
    member = VALUE_MEMBER[kind]
    simple = replace(view, form="simplified", pick=None, omit=frozenset(), datasets=None)
    values = []
    for instance in instances:
        if instance["type"] != kind:
            raise BadRequest(
                "the option 'temporalValues'",
                "cannot show an attribute that changed its kind",
                "ask without it",
            )
        bare = {"x:v": [{k: v for k, v in instance.items() if k != "datasetId"}]}
        value = represent(bare, simple)["x:v"]
        inner = value[member] if isinstance(value, dict) and member in value else value
        values.append([inner, instance.get(window.property, "")])
    return {"type": kind, _PLURAL[member]: values}


def series(instances: Iterable[Instance]) -> list[tuple[str, Any]]:
    """(time, value) pairs for a chart, oldest first; the time is that of observation, else of writing."""
    pairs = [
        (i.get("observedAt") or i["modifiedAt"], i.get(VALUE_MEMBER[i["type"]])) for i in instances
    ]
    return sorted(pairs, key=lambda pair: str(pair[0]))
