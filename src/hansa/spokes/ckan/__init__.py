"""CKAN: the catalogue of an open-data portal, or the rows of a table in its datastore."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from hansa.kernel.errors import BadRequest
from hansa.spokes.ckan.map import dataset_entities
from hansa.spokes.ckan.read import Portal
from hansa.spokes.manifest import Manifest, load_manifest
from hansa.spokes.plain import json_prop
from hansa.spokes.port import (
    About,
    Beat,
    Fetch,
    ImportReader,
    Item,
    Options,
    Place,
    Plain,
    Refusal,
    Task,
)
from hansa.spokes.quality import Complaints, Silence
from hansa.spokes.service import begun
from hansa.spokes.table.map import RowMap
from hansa.spokes.table.mapping import load_document, make_mapping
from hansa.spokes.table.read import Row

__all__ = ["SPOKE", "CkanSpoke"]


class _Source(Protocol):
    """What is taken in: a catalogue or a table."""

    total: int | None

    def items(self) -> Iterator[Item]:
        """All there is now."""

    def state(self) -> object:
        """Something that changes when the source does; ``None`` where that is not known."""


class _Catalogue:
    """The datasets of a portal."""

    total: int | None = None

    def __init__(self, portal: Portal, options: Options, namespace: str) -> None:
        self._portal = portal
        self._wanted = str(options.get("query", "")), str(options.get("filter", ""))
        self._namespace = namespace

    def items(self) -> Iterator[Item]:
        """Datasets, each followed by its distributions."""
        for number, data in enumerate(self._portal.datasets(*self._wanted), 1):
            try:
                yield from dataset_entities(data, self._namespace, self._portal.address)
            except ValueError as fault:
                yield Refusal(Place("catalogue", element=f"dataset {number}"), str(fault))

    def state(self) -> object:
        """Not known without reading it."""
        return None


class _Datastore:
    """The rows of one table.

    Raises:
        BadRequest: the mapping is not understood, or names columns that the table lacks.
    """

    def __init__(
        self, portal: Portal, resource: str, document: dict[str, Any], label: str, namespace: str
    ) -> None:
        self._portal = portal
        self._resource = resource
        mapping = make_mapping(document, label)
        columns, self.total = portal.columns(resource)
        mapping.check_columns(columns, f"the table {resource}")
        self._map = RowMap(mapping, namespace)

    def items(self) -> Iterator[Item]:
        """An entity a row."""
        for number, record in enumerate(self._portal.rows(self._resource), 1):
            place = Place("datastore", element=f"row {number}")
            if isinstance(record, Mapping):
                yield self._map.item(Row(record, place))
            else:
                yield Refusal(place, "it is no object")

    def state(self) -> object:
        """When the table was changed, and how long it is."""
        about = self._portal.ask("resource_show", id=self._resource)
        dates = about.get("last_modified"), about.get("metadata_modified")
        return (*dates, self._portal.columns(self._resource)[1]) if any(dates) else None


class CkanSpoke:
    """Takes in a catalogue or a table, and looks at it again now and then."""

    manifest: Manifest = load_manifest(__name__)

    def reach(
        self, source: str, namespace: str, options: Options, out: Fetch, now: datetime
    ) -> CkanReading:
        """See :meth:`hansa.spokes.port.RemoteSpoke.reach`."""
        return CkanReading(Portal(source, out, str(options["header"])), namespace, options)

    def live(self, task: Task, entities: ImportReader, out: Fetch, /) -> CkanJob:
        """See :meth:`hansa.spokes.port.LiveSpoke.live`."""
        return CkanJob(task, entities, out)


class CkanReading:
    """A portal that has answered; see :class:`hansa.spokes.port.Reading`."""

    def __init__(self, portal: Portal, namespace: str, options: Options) -> None:
        self.about = About(title=f"Catalogue of {portal.host}", url=portal.address)
        if resource := str(options["resource"]):
            document, label = load_document(str(options["mapping"]))
            source: _Source = _Datastore(portal, resource, document, label, namespace)
            self.about = About(title=f"Table {resource} of {portal.host}", url=portal.address)
            self.about.facts["mapping"] = json_prop(document)
        elif options["mapping"]:
            raise BadRequest(
                "option 'mapping'", "is for the rows of a table", "name the table with --resource"
            )
        else:
            source = _Catalogue(portal, options, namespace)
        self.total: int | None = source.total
        self._items = begun(source.items())

    def items(self) -> Iterator[Item]:
        """See :meth:`hansa.spokes.port.Reading.items`."""
        yield from self._items

    def close(self) -> None:
        """Nothing is held open."""


class CkanJob:
    """See :class:`hansa.spokes.port.LiveJob`."""

    def __init__(self, task: Task, entities: ImportReader, out: Fetch) -> None:
        options = task.options
        self._task = task
        self._entities = entities
        self._portal = Portal(task.source, out, str(options.get("header", "")))
        self.interval = max(float(options.get("interval", 3600.0)), 10.0)
        self._quiet = Silence(timedelta(seconds=float(options.get("silence", 2_592_000.0))))
        self._complaints = Complaints("records were not understood")
        self._source: _Source | None = None
        self._state: object = None

    def beat(self, moment: datetime) -> Beat:
        """See :meth:`hansa.spokes.port.LiveJob.beat`."""
        source = self._source = self._source or self._open()
        state = source.state()
        notes: list[str] = []
        if state is not None and state == self._state:
            health = self._quiet.health(moment, notes)
            self._complaints.tell(moment, notes)
            return Beat(notes=notes, health=health)
        gone: list[str] = []
        self._quiet.heard(moment, state)
        self._complaints.tell(moment, notes)
        return Beat(kept=self._all(source, state, moment, gone), gone=gone, notes=notes)

    def _open(self) -> _Source:
        options = self._task.options
        if not (resource := str(options.get("resource", ""))):
            return _Catalogue(self._portal, options, self._task.namespace)
        document = self._task.facts.get("mapping", {}).get("json")
        if not isinstance(document, dict):
            raise BadRequest(self._task.source_id, "has lost its mapping", "import it again")
        return _Datastore(self._portal, resource, document, "the mapping", self._task.namespace)

    def _all(
        self, source: _Source, state: object, now: datetime, gone: list[str]
    ) -> Iterator[Plain]:
        """Everything, one after the other; at the end `gone` has what was not there."""
        known = set(self._entities.identifiers())
        present: set[str] = set()
        for item in source.items():
            if isinstance(item, Refusal):
                self._complaints.add(now, str(item))
            elif item["id"] not in present:
                present.add(item["id"])
                yield item
        if present:
            gone += sorted(known - present)
        self._state = state


SPOKE: Final = CkanSpoke()
