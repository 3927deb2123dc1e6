"""The DataSource entity: what an import was, for people and for the next import."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final, Literal

import orjson

from hansa.ngsild import merge
from hansa.ngsild.city import city_iri
from hansa.ngsild.expand import Rules, expand_entity
from hansa.ngsild.model import Entity, attributes
from hansa.ngsild.query import AttributePath, Compare, Or, Query, TypeName, Uri
from hansa.spokes.manifest import Manifest
from hansa.spokes.plain import json_prop, prop, put
from hansa.spokes.port import About, Plain, Task
from hansa.spokes.provenance import IMPORTED_FROM, Stamp, is_same
from hansa.spokes.report import Report
from hansa.store.port import Edited, Reader, Write

__all__ = ["Source", "Status", "entities_of"]

Status = Literal["importing", "current", "incomplete"]
"""Whether the import is going on, ended well, or broke off."""

_PAGE: Final = 5000
_SHOWN_REFUSALS: Final = 20
_ELSEWHERE: Final = frozenset({"source", "types", "notes"})
_OWN: Final = (
    "title license attribution url retrievedAt adapter adapterVersion namespace endpointURL fileName "
    "fileDigest status notes counts report options"
).split()


@dataclass(frozen=True, slots=True)
class Source:
    """Everything that the entity says, apart from how the import went."""

    stamp: Stamp
    about: About
    manifest: Manifest
    namespace: str
    options: Mapping[str, Any]
    address: str = ""

    @property
    def task(self) -> Task:
        """What a live job will work by."""
        return Task(
            self.stamp.source_id, self.namespace, self.options, self.address, self.about.facts
        )

    def write(self, status: Status, report: Report, now: str, rules: Rules) -> Write:
        """The write that brings the entity up to date; what others added to it stays."""
        fresh = expand_entity(self._plain(status, report), rules)
        own = {rules.context.expand(name) for name in _OWN}

        def edit(current: Entity | None) -> Edited:
            if current is None:
                return Edited(merge.create(fresh, now))
            if status == "importing":  # the last outcome stands until there is a new one
                beginning = {n: v for n, v in fresh.items() if n in {"id", "type", _STATUS}}
                return Edited(merge.append(current, beginning, now)[0])
            left = {n: v for n, v in current.items() if n not in own or n in fresh}
            new = {n: v for n, v in attributes(fresh) if not is_same(current.get(n), v)}
            return Edited(merge.append(left, {"type": fresh["type"], **new}, now)[0])

        return Write(self.stamp.source_id, edit)

    def _plain(self, status: Status, report: Report) -> Plain:
        about = self.about
        entity: Plain = {"id": self.stamp.source_id, "type": "DataSource"}
        put(entity, "title", about.title)
        put(entity, "license", about.license)
        put(entity, "attribution", about.attribution)
        put(entity, "url", about.url)
        put(entity, "retrievedAt", self.stamp.retrieved_at)
        put(entity, "adapter", self.manifest.name)
        put(entity, "adapterVersion", self.manifest.version)
        put(entity, "namespace", self.namespace)
        put(entity, "endpointURL", self.address)
        put(entity, "fileName", about.file)
        put(entity, "fileDigest", about.digest)
        put(entity, "status", status)
        if about.notes:
            entity["notes"] = prop(list(about.notes))
        if given := {name: self._said(name) for name, v in self.options.items() if v != ""}:
            entity["options"] = json_prop(given)
        if status != "importing":
            entity["counts"] = json_prop(dict(sorted(report.by_type.items())))
            outcome = report.to_dict(_SHOWN_REFUSALS)
            entity["report"] = json_prop({n: outcome[n] for n in outcome if n not in _ELSEWHERE})
        return entity | about.facts

    def _said(self, name: str) -> Any:
        """What everybody is told of an option: of a path of this machine, its end."""
        kinds = {option.name: option.kind for option in self.manifest.options}
        given = self.options[name]
        return PurePath(str(given)).name if kinds.get(name) == "path" else given


_STATUS: Final = city_iri("status")


def entities_of(store: Reader, source_id: str, *types: str) -> Iterator[Entity]:
    """All entities whose latest import was of this source, vanished ones included.

    Args:
        types: only entities of these types (city terms).
    """
    wanted = Compare(AttributePath((IMPORTED_FROM,)), "==", (Uri(source_id),))
    named = Or(tuple(TypeName(city_iri(type)) for type in types)) if types else None
    offset = 0
    while True:
        query = Query(types=named, q=wanted, limit=_PAGE, offset=offset)
        page = store.query(query).documents
        yield from map(orjson.loads, page)
        if len(page) < _PAGE:
            return
        offset += _PAGE
