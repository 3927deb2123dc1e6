"""How the past of an entity is shown: as instances, as values with times, or summed up.

Clauses 4.5.6 to 4.5.8 (normalized, each attribute a list of instances), 4.5.9 (simplified: pairs of a
value and a time) and 4.5.19 (aggregated: triples of a value and the ends of a period). In the latter
two an attribute with instances in several datasets becomes a list, with an object for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from hansa.ngsild.fallback import conform
from hansa.ngsild.model import VALUE_MEMBER, Instance
from hansa.ngsild.represent import View, represent
from hansa.ngsild.temporal_tally import METHODS, Tally

__all__ = ["Sums", "conformed", "show_head", "show_instances", "show_pairs", "show_sums"]

Series = Mapping[str, Sequence[Instance]]
"""Attribute IRI (or ``scope``) to its instances, in the order in which they are shown."""

Sums = Mapping[str, Mapping[str | None, Sequence[tuple[Tally, str, str]]]]
"""Attribute IRI to dataset to tallies, each with the beginning and the end of its period."""

_PLURAL: Final = {
    "value": "values",
    "object": "objects",
    "languageMap": "languageMaps",
    "vocab": "vocabs",
    "json": "jsons",
    "valueList": "valueLists",
    "objectList": "objectLists",
}
_REFERENCES: Final = frozenset({"Relationship", "ListRelationship"})
_ANY: Final = "urn:any"
_NONE: Final[Mapping[str, str]] = {}


def show_head(head: Mapping[str, Any], view: View) -> dict[str, Any]:
    """What is not an attribute: identifier, types and, if wanted, the times of the entity."""
    return represent({k: v for k, v in head.items() if v is not None}, view)


def show_instances(series: Series, view: View) -> dict[str, Any]:
    """Every attribute as a list of its instances (clauses 4.5.7 and 4.5.8)."""
    plain = _plain(view)
    return {
        _term(name, view): [_one(instance, plain) for instance in conformed(instances, view)]
        for name, instances in series.items()
        if view.shows(name)
    }


def conformed(instances: Iterable[Instance], view: View) -> list[Instance]:
    """The instances as the version of NGSI-LD knew them that is asked for (clause 4.3.6.8)."""
    if view.version is None:
        return list(instances)
    compact = view.context.compact
    return [
        shown
        for instance in instances
        for shown in conform({"type": [], _ANY: [instance]}, view.version, compact).get(_ANY, ())
    ]


def _one(instance: Instance, view: View) -> Any:
    """One instance, on which a deletion always shows its time."""
    (shown,) = represent({_ANY: [instance]}, view).values()
    if "deletedAt" in instance and isinstance(shown, dict):
        shown["deletedAt"] = instance["deletedAt"]
    return shown


def _plain(view: View) -> View:
    return replace(view, pick=None, omit=frozenset(), datasets=None, version=None)


def _term(name: str, view: View) -> str:
    return name if name == "scope" else view.context.compact(name)


# -- values with times -----------------------------------------------------------------------------


def show_pairs(
    series: Series, view: View, property: str, emptied: Mapping[str, str] = _NONE
) -> dict[str, Any]:
    """Every attribute as pairs of its values and their times (clause 4.5.9).

    A deletion, which has no other time, is only among them if deletions are what is asked for.
    `emptied` are attributes without instances, with their kind.
    """
    simple = replace(_plain(view), form="simplified")
    shown = {}
    for name, instances in series.items():
        dated = (i for i in instances if property in i or "deletedAt" not in i)
        kept = conformed(dated, view)
        if kept and view.shows(name):
            shown[_term(name, view)] = _pairs(kept, simple, property)
        elif name in emptied and view.shows(name):
            kind = emptied[name]
            shown[_term(name, view)] = {"type": kind, _PLURAL[VALUE_MEMBER[kind]]: []}
    return shown


def _pairs(instances: Sequence[Instance], view: View, property: str) -> Any:
    found: dict[tuple[str | None, str], list[Any]] = {}
    for instance in instances:
        kind = instance["type"]
        if kind == "LanguageProperty" and view.language is not None:
            kind = "Property"  # clause 4.15: it is shown as a Property in one language
        place = instance.get("datasetId"), kind
        found.setdefault(place, []).append([_value(instance, view), instance.get(property, "")])
    shown = [
        _labelled(dataset, {"type": kind, _PLURAL[VALUE_MEMBER[kind]]: pairs})
        for (dataset, kind), pairs in found.items()
    ]
    return shown[0] if len(shown) == 1 else shown


def _value(instance: Instance, view: View) -> Any:
    bare = {k: v for k, v in instance.items() if k != "datasetId"}
    (value,) = represent({_ANY: [bare]}, view).values()
    return value


def _labelled(dataset: str | None, shown: dict[str, Any]) -> dict[str, Any]:
    return shown if dataset is None else {**shown, "datasetId": dataset}


# -- sums ------------------------------------------------------------------------------------------


def show_sums(sums: Sums, view: View, methods: Iterable[str]) -> dict[str, Any]:
    """Every attribute summed up by the methods that apply to it (clause 4.5.19)."""
    wanted = tuple(methods)
    shown = {}
    for name, by_dataset in sums.items():
        found = [
            _labelled(dataset, body)
            for dataset, tallies in by_dataset.items()
            if (body := _summed(tallies, wanted)) is not None
        ]
        if found and view.shows(name):
            shown[_term(name, view)] = found[0] if len(found) == 1 else found
    return shown


def _summed(
    tallies: Sequence[tuple[Tally, str, str]], methods: tuple[str, ...]
) -> dict[str, Any] | None:
    body: dict[str, Any] = {}
    for name in methods:
        triples = [
            [value, start, end]
            for tally, start, end in tallies
            if (value := METHODS[name](tally)) is not None
        ]
        if triples:
            body[name] = triples
    if not body:
        return None
    kind = "Relationship" if tallies[-1][0].kind in _REFERENCES else "Property"
    return {"type": kind, **body}
