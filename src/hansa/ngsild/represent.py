"""From the internal form to what a client reads: normalized, concise, simplified, GeoJSON.

ETSI GS CIM 009: clauses 4.5.1 to 4.5.5, 4.5.16 and 4.5.17; the projections are those of 4.21 and
4.5.5, the choice of a language that of 4.15. What is read back by :mod:`hansa.ngsild.expand` gives the
same entity again for the normalized and the concise form, which are lossless.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from hansa.ngsild.context import CORE, Context
from hansa.ngsild.fallback import Version, conform
from hansa.ngsild.geojson import GEOMETRY_TYPES
from hansa.ngsild.model import (
    INSTANCE_MEMBERS,
    LOCATION,
    VALUE_MEMBER,
    Entity,
    Instance,
    attributes,
    declared_kind,
)

__all__ = ["Form", "View", "feature", "feature_collection", "is_empty", "represent"]

Form = Literal["normalized", "concise", "simplified"]

_TIMES = frozenset({"createdAt", "modifiedAt", "deletedAt", "expiresAt"})
_NAMES = frozenset({"vocab", "previousVocab", "objectType", "valueType", "entityTypeSealed"})
_VALUE_MEMBERS = frozenset(VALUE_MEMBER.values())


@dataclass(frozen=True, slots=True)
class View:
    """What of an entity is shown, and how.

    Attributes:
        context: compacts the names.
        form: which representation.
        times: whether createdAt, modifiedAt and expiresAt are shown (``sysAttrs``, clause 6.3.11).
        language: preferred natural language, or None to show whole language maps.
        pick: only these members (IRIs; "id", "type", "scope"); None shows all.
        omit: not these members.
        version: the version of NGSI-LD to conform to; None is the current one.
        datasets: only attribute instances of these datasetIds ("@none" is the default instance).
    """

    context: Context = CORE
    form: Form = "normalized"
    times: bool = False
    language: str | None = None
    pick: frozenset[str] | None = None
    omit: frozenset[str] = frozenset()
    datasets: frozenset[str] | None = None
    version: Version | None = None

    def shows(self, member: str) -> bool:
        """Whether a member of an entity is among those shown."""
        return (self.pick is None or member in self.pick) and member not in self.omit

    def selected(self, instances: list[Instance]) -> list[Instance]:
        """The instances of an attribute that are shown."""
        if self.datasets is None:
            return instances
        return [i for i in instances if i.get("datasetId", "@none") in self.datasets]


def represent(entity: Entity, view: View) -> dict[str, Any]:
    """`entity` as a JSON object in the form, names and selection of `view`."""
    compact = view.context.compact
    if view.version is not None:
        entity = conform(entity, view.version, compact)
    shown: dict[str, Any] = {}
    for member, value in entity.items():
        if (view.pick is not None and member not in view.pick) or member in view.omit:
            continue
        if member == "type":
            shown["type"] = _one_or_all([compact(name) for name in value])
        elif member == "scope":
            shown["scope"] = _one_or_all(value)
        elif not isinstance(value, list):
            if view.times or member not in _TIMES:
                shown[member] = value
        elif instances := value if view.datasets is None else view.selected(value):
            shown[compact(member)] = _attribute(instances, view)
    return shown


def feature(entity: Entity, view: View, geometry_property: str = LOCATION) -> dict[str, Any]:
    """`entity` as a GeoJSON Feature (clause 4.5.16.2) whose geometry is that GeoProperty's."""
    properties = represent(entity, view)
    id = properties.pop("id", entity["id"])
    instances = view.selected(entity.get(geometry_property, []))
    geometry = next((i["value"] for i in instances if i["type"] == "GeoProperty"), None)
    return {"id": id, "type": "Feature", "geometry": geometry, "properties": properties}


def feature_collection(features: list[dict[str, Any]]) -> dict[str, Any]:
    """Features as a GeoJSON FeatureCollection (clause 4.5.16.3)."""
    return {"type": "FeatureCollection", "features": features}


def is_empty(entity: Entity, view: View) -> bool:
    """Whether no attribute of `entity` is left to be shown."""
    return not any(
        view.shows(name) and view.selected(instances) for name, instances in attributes(entity)
    )


def _one_or_all(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _attribute(instances: list[Instance], view: View) -> Any:
    if view.form == "simplified":
        if len(instances) == 1 and "datasetId" not in instances[0]:
            return _simple(instances[0], view)
        return {"dataset": {i.get("datasetId", "@none"): _simple(i, view) for i in instances}}
    if len(instances) == 1:
        return _instance(instances[0], view)
    return [_whole(instance, view) for instance in instances]


def _simple(instance: Instance, view: View) -> Any:
    kind = instance["type"]
    value = _value(instance, view)
    if kind == "LanguageProperty" and view.language is not None:
        return _in_language(instance["languageMap"], view.language)[1]
    if kind in {"LanguageProperty", "VocabProperty", "JsonProperty"}:
        return {VALUE_MEMBER[kind]: value}
    return value


def _value(instance: Instance, view: View) -> Any:
    member = VALUE_MEMBER[instance["type"]]
    value = instance.get(member)
    return _compacted(value, view.context) if member == "vocab" else value


def _compacted(names: Any, context: Context) -> Any:
    if isinstance(names, list):
        return [context.compact(name) for name in names]
    return context.compact(names)


def _instance(instance: Instance, view: View) -> Any:
    """One instance; in the concise form a bare value where nothing is lost by that."""
    shown = _whole(instance, view)
    if view.form == "concise" and len(shown) == 1 and "value" in shown and _is_bare(shown["value"]):
        return shown["value"]
    return shown


def _whole(instance: Instance, view: View) -> dict[str, Any]:
    kind = instance["type"]
    shown: dict[str, Any] = {}
    if view.form != "concise" or not _is_inferable(instance):
        shown["type"] = kind
    for member, value in instance.items():
        if member == "type" or (member in _TIMES and not view.times):
            continue
        if member not in INSTANCE_MEMBERS:
            shown[view.context.compact(member)] = _attribute(value, view)
        elif member in _NAMES:
            shown[member] = _compacted(value, view.context)
        else:
            shown[member] = value
    if kind == "ListRelationship" and view.form == "normalized":
        shown["objectList"] = [{"object": uri} for uri in instance["objectList"]]
    if kind == "LanguageProperty" and view.language is not None:
        _reduce_language(shown, view.language)
    return shown


def _is_inferable(instance: Instance) -> bool:
    """Whether the kind of an instance is inferred from its value member (clause 4.5.2.3)."""
    is_geometry = _looks_like_geometry(instance.get("value"))
    return not (instance["type"] == "Property" and is_geometry)


def _looks_like_geometry(value: object) -> bool:
    return (
        isinstance(value, dict) and value.get("type") in GEOMETRY_TYPES and "coordinates" in value
    )


def _is_bare(value: Any) -> bool:
    """Whether a Property's value can stand alone and still be read as that value."""
    if isinstance(value, dict):
        return _looks_like_geometry(value) or (
            _VALUE_MEMBERS.isdisjoint(value) and ("type" not in value and "@type" not in value)
        )
    if isinstance(value, list):
        return not all(
            isinstance(item, dict) and (declared_kind(item) or not _VALUE_MEMBERS.isdisjoint(item))
            for item in value
        )
    return True


def _reduce_language(shown: dict[str, Any], preferred: str) -> None:
    """A LanguageProperty as a Property in one language (clause 4.15)."""
    language, text = _in_language(shown.pop("languageMap"), preferred)
    if "type" in shown:
        shown["type"] = "Property"
    shown["value"] = text
    shown["lang"] = language


def _in_language(texts: dict[str, Any], preferred: str) -> tuple[str, Any]:
    """The best language of a map for an Accept-Language-like wish, with its text."""
    lower = {tag.lower(): tag for tag in texts}
    for wish in _wishes(preferred):
        if wish == "*":
            break
        tag = lower.get(wish) or next(
            (t for low, t in lower.items() if low.startswith(wish + "-")), None
        )
        tag = tag or lower.get(wish.split("-")[0])
        if tag is not None:
            return tag, texts[tag]
    tag = next((t for t in ("@none", "en") if t in texts), next(iter(texts)))
    return tag, texts[tag]


def _wishes(preferred: str) -> list[str]:
    ranked = []
    for part in preferred.split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            ranked.append((float(weight) if weight else 1.0, tag.strip().lower()))
        except ValueError:
            ranked.append((0.0, tag.strip().lower()))
    return [tag for _, tag in sorted(ranked, key=lambda pair: -pair[0])]
