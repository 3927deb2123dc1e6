"""A registration as the node works with it, parsed from its record once (clauses 5.2.8 to 5.2.10, 5.2.34)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import re2

from hansa.hub.registrations.operations import DEFAULT, expanded
from hansa.ngsild.query import And, Or, TypeFilter
from hansa.ngsild.temporal import parse_duration

__all__ = ["EntityInfo", "Info", "Mode", "Registration", "Source", "parsed"]

Mode = Literal["inclusive", "exclusive", "redirect", "auxiliary"]

_API: Final = "/ngsi-ld/v1"
_MONTH: Final = 30 * 86_400.0  # seconds; a duration given in months is a wish, not a deadline
_STEERING: Final = frozenset({"accept", "contenttype", "jsonldcontext", "ngsildconformance"})
_LONGEST: Final = 366 * 86_400.0


@dataclass(frozen=True, slots=True)
class EntityInfo:
    """Entities by type, and by identifier or a pattern of it (clause 5.2.8)."""

    types: frozenset[str]
    id: str | None = None
    pattern: str | None = None
    _compiled: Any = field(default=None, compare=False, repr=False)

    def takes_id(self, id: str) -> bool:
        """Whether an entity of that identifier may be meant."""
        if self.id is not None:
            return self.id == id
        if self.pattern is None:
            return True
        compiled = self._compiled if self._compiled is not None else re2.compile(self.pattern)
        return bool(compiled.search(id))

    def takes_types(self, types: TypeFilter | frozenset[str] | None) -> bool:
        """Whether entities of `types` (a selection, or those of one entity; None: any) may be meant."""
        if types is None or not self.types:
            return True
        if isinstance(types, frozenset):
            return not self.types.isdisjoint(types)
        if isinstance(types, And | Or):
            return any(self.takes_types(part) for part in types.parts)
        return types.name in self.types


@dataclass(frozen=True, slots=True)
class Info:
    """Entities and attributes that a source may have (clause 5.2.10). Without entities: of any."""

    entities: tuple[EntityInfo, ...] = ()
    attributes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Source:
    """How a context source is to be contacted (clauses 4.3.6.5, 4.3.6.6 and 5.2.34).

    Attributes:
        base: address of its API, without a final slash.
        tenant: the tenant there; None is its default one.
        headers: what is conveyed with each request, by lower-case name.
        accept, content_type: media types that it wants; None when it does not say.
        context: address of the @context in which it is spoken to; None is that of the request.
        version: the version of NGSI-LD that payloads are to conform to.
        timeout: seconds after which it counts as failed; None is the node's own limit.
        cooldown: seconds after a failure in which it is left alone.
        cache: seconds for which an answer is good.
        local_only: whether it is asked for what it holds itself alone.
    """

    base: str
    tenant: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    accept: str | None = None
    content_type: str | None = None
    context: str | None = None
    version: tuple[int, int] | None = None
    timeout: float | None = None
    cooldown: float = 0.0
    cache: float = 0.0
    local_only: bool = False


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration. ``record`` is the document it was parsed from."""

    id: str
    mode: Mode
    operations: frozenset[str]
    infos: tuple[Info, ...]
    source: Source
    datasets: frozenset[str] = frozenset()
    scopes: tuple[str, ...] = ()
    alias: str | None = None
    expires_at: str | None = None
    temporal: bool = False
    record: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_proxy(self) -> bool:
        """Whether what is registered may not be held here (clause 4.3.6.3)."""
        return self.mode in ("exclusive", "redirect")


def parsed(record: Mapping[str, Any]) -> Registration:
    """The registration in a record, which has been checked before (see :mod:`.reading`)."""
    return Registration(
        id=record["id"],
        mode=record.get("mode", "inclusive"),
        operations=expanded(record.get("operations", DEFAULT)),
        infos=tuple(_info(info) for info in record["information"]),
        source=_source(record),
        datasets=frozenset(record.get("datasetId", ())),
        scopes=tuple(record.get("scope", ())),
        alias=record.get("contextSourceAlias"),
        expires_at=record.get("expiresAt"),
        temporal="observationInterval" in record or "managementInterval" in record,
        record=record,
    )


def _info(info: Mapping[str, Any]) -> Info:
    names = [*info.get("propertyNames", ()), *info.get("relationshipNames", ())]
    return Info(tuple(_entity(e) for e in info.get("entities", ())), frozenset(names))


def _entity(info: Mapping[str, Any]) -> EntityInfo:
    pattern = None if "id" in info else info.get("idPattern")
    compiled = re2.compile(pattern) if pattern is not None else None
    return EntityInfo(frozenset(info["type"]), info.get("id"), pattern, compiled)


def _source(record: Mapping[str, Any]) -> Source:
    pairs = {pair["key"].lower(): pair["value"] for pair in record.get("contextSourceInfo", ())}
    management = record.get("management", {})
    base = record["endpoint"].rstrip("/")
    conformance = pairs.get("ngsildconformance", "")
    major, _, minor = conformance.partition(".")
    return Source(
        base=base if base.endswith(_API) else base + _API,
        tenant=record.get("tenant"),
        headers={k: v for k, v in pairs.items() if k not in _STEERING},
        accept=pairs.get("accept"),
        content_type=pairs.get("contenttype"),
        context=pairs.get("jsonldcontext"),
        version=(int(major), int(minor)) if conformance else None,
        timeout=_seconds(management, "timeout") or None,
        cooldown=_seconds(management, "cooldown"),
        cache=_cache(management.get("cacheDuration")),
        local_only=management.get("localOnly", record.get("localOnly")) is True,
    )


def _seconds(management: Mapping[str, Any], member: str) -> float:
    return min(float(management.get(member, 0)) / 1000, _LONGEST)


def _cache(text: str | None) -> float:
    if text is None:
        return 0.0
    duration = parse_duration(text, "cacheDuration")
    return min(duration.months * _MONTH + duration.exact.total_seconds(), _LONGEST)
