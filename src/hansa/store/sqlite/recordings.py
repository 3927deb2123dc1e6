"""Writing history: instances added, replaced and removed one by one (clauses 5.6.11 to 5.6.16).

An instance that is still in a row of the change feed is changed like any other: the row is first taken
apart, which makes each of its instances a row of its own under the same identifier, and is history no
longer. An instance in the archive is brought back in the same way, and noted as erased there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Any, Final

import apsw
import orjson

from hansa.kernel.clock import from_micros, iso
from hansa.kernel.errors import HansaError, NotFound
from hansa.ngsild.model import Entity, Instance
from hansa.store.history import Added, Recording, Removed, Replaced, Selection, Source
from hansa.store.port import Outcome, Screen, Written
from hansa.store.sqlite import evolutions
from hansa.store.sqlite.past import OWN
from hansa.store.sqlite.unfold import FeedRow, row_of, unfold
from hansa.store.values import moment

__all__ = ["Gathered", "Recorder", "Work"]

_INSERT: Final = (
    "INSERT INTO instance (entity, attribute, observed, dataset, written, origin, body)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_COPY: Final = _INSERT.replace("INSERT", "INSERT OR IGNORE", 1)
_SAME: Final = (
    "SELECT number, body FROM instance WHERE entity = ? AND attribute = ? AND observed = ?"
    " AND dataset IS ? AND origin IS NULL"
)
_UPDATE: Final = (
    "UPDATE instance SET observed = ?, dataset = ?, written = ?, body = ? WHERE number = ?"
)
_BODY: Final = "SELECT body FROM instance WHERE number = ?"
_BY_ORIGIN: Final = "SELECT number FROM instance WHERE origin = ? AND entity = ? AND attribute = ?"
_BY_NUMBER: Final = (
    "SELECT number FROM instance WHERE number = ? AND entity = ? AND attribute = ?"
    " AND origin IS NULL"
)
_KNOWN: Final = "SELECT types FROM evolution WHERE entity = ?"
_LIVING: Final = "SELECT signature -> '$[0]' FROM entity JOIN shape ON shape.id = entity.shape WHERE entity.id = ?"
_TYPES: Final = (
    "INSERT INTO evolution VALUES (?1, ?2, ?3, ?3, NULL)"
    " ON CONFLICT (entity) DO UPDATE SET types = excluded.types, modified = excluded.modified"
)
_FEED: Final = "SELECT seq, at, attributes, aside FROM change WHERE entity = ? AND keep = 1"
_REWRITTEN: Final = (
    "INSERT INTO counter VALUES ('rewritten', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1"
)


class Recorder:
    """Applies recordings in the transaction that is open.

    Args:
        connection: of the writer.
        at: the time of writing [microseconds].
        archive: the past that is not in the tail.
        screen: what is shown everything before it is written.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        at: int,
        archive: Source | None,
        screen: Screen | None = None,
    ) -> None:
        self._connection, self._at, self._archive = connection, at, archive
        self._screen = screen
        self._now = iso(from_micros(at))
        self._rewrites = False
        self._known: dict[str, tuple[list[str], bool, bool]] = {}
        """What :meth:`_entity` found of the entities met so far."""
        self._heads: dict[str, tuple[str, str, str]] = {}
        """Rows of evolutions to be stored."""
        self._new: dict[Any, list[Any]] = {}
        """Rows of new instances to be stored, by attribute, time and dataset where they have a time."""

    def apply(self, recordings: Sequence[Recording]) -> list[Outcome]:
        """Apply recordings in order; each is refused on its own. To be followed by :meth:`finish`."""
        return [self._apply(each) for each in recordings]

    def finish(self) -> None:
        """Store what is still in hand."""
        self._store_new()
        self._connection.executemany(_TYPES, self._heads.values())
        self._heads.clear()
        if self._rewrites:
            self._connection.execute(_REWRITTEN)
            self._rewrites = False

    def _apply(self, recording: Recording) -> Outcome:
        try:
            if isinstance(recording, Added):
                return self._add(recording)
            self.finish()
            self._known.clear()
            if evolutions.head(self._connection, recording.entity) is None and not self._archived(
                recording.entity
            ):
                raise _no_past(recording.entity)
            self._rewrites = True
            if isinstance(recording, Replaced):
                return self._replace(recording)
            return self._remove(recording)
        except HansaError as refusal:
            return refusal

    # -- adding ------------------------------------------------------------------------------------

    def _add(self, new: Added) -> Written:
        known, living, exists = self._entity(new.entity)
        types = list(dict.fromkeys([*known, *new.types]))
        is_same = exists and len(types) == len(known)
        self._show(new.entity, types, new.attributes, new.passed, is_same)
        created = not exists and not self._archived(new.entity)
        if created and not new.create:
            raise _no_past(new.entity)
        if len(types) > len(known) or not living:
            self._known[new.entity] = types, living, True
            text = orjson.dumps(types).decode()
            self._heads[new.entity] = new.entity, text, self._now
        for name, instances in new.attributes.items():
            for instance in instances:
                if new.frozen:
                    self._freeze(new.entity, name, instance)
                else:
                    self._put(new.entity, name, instance)
        return Written(0, created=created, deleted=False)

    def _show(
        self,
        id: str,
        types: list[str],
        attributes: dict[str, list[Instance]],
        passed: bool,
        exists: bool,
    ) -> None:
        """Show the screen what is to be written; it raises what refuses it."""
        if self._screen is not None:
            before: Entity | None = {"id": id, "type": types} if exists else None
            self._screen({"id": id, "type": types, **attributes}, before, passed)

    def _entity(self, id: str) -> tuple[list[str], bool, bool]:
        """The types of an entity, whether it lives in the present, and whether it is known at all."""
        found = self._known.get(id)
        if found is None:
            living = self._types(_LIVING, id)
            known = self._types(_KNOWN, id)
            types = list(dict.fromkeys([*(known or ()), *(living or ())]))
            lives = living is not None
            found = self._known[id] = types, lives, lives or known is not None
        return found

    def _types(self, statement: str, id: str) -> list[str] | None:
        text = self._connection.execute(statement, (id,)).get
        return None if text is None else list(orjson.loads(text))

    def _put(self, entity: str, name: str, instance: Instance) -> None:
        """Take a new instance in hand, or put it in the place of the one it repeats."""
        observed, dataset = moment(instance.get("observedAt")), instance.get("datasetId")
        body = {**instance, "createdAt": self._now, "modifiedAt": self._now}
        place: Any = len(self._new) if observed is None else (entity, name, observed, dataset)
        if observed is not None and place not in self._new:
            for number, text in self._rows(_SAME, *place):
                self._rewrites = True
                body["createdAt"] = orjson.loads(text)["createdAt"]
                self._update(number, observed, dataset, body)
                return
        row = [entity, name, observed, dataset, self._at, None, orjson.dumps(body).decode()]
        self._new[place] = row

    def _freeze(self, entity: str, name: str, instance: Instance) -> None:
        """Store a copy of another store's instance, unless it is here already."""
        times = (moment(instance.get(each)) for each in ("modifiedAt", "deletedAt", "createdAt"))
        written = next((time for time in times if time is not None), self._at)
        body = {k: v for k, v in instance.items() if k != "instanceId"}
        observed, dataset = moment(instance.get("observedAt")), instance.get("datasetId")
        origin = f"{instance['instanceId']}:frozen"
        row = [entity, name, observed, dataset, written, origin, orjson.dumps(body).decode()]
        self._connection.execute(_COPY, row)

    def _store_new(self) -> None:
        if self._new:
            self._connection.executemany(_INSERT, self._new.values())
            self._new.clear()

    def _update(
        self, number: int, observed: int | None, dataset: str | None, body: Instance
    ) -> None:
        text = orjson.dumps(body).decode()
        self._connection.execute(_UPDATE, (observed, dataset, self._at, text, number))

    # -- changing ----------------------------------------------------------------------------------

    def _replace(self, new: Replaced) -> Written:
        types = self._entity(new.entity)[0]
        self._show(new.entity, types, {new.attribute: [new.instance]}, new.passed, True)
        number = self._find(new.entity, new.attribute, new.instance_id)
        text: Any = self._connection.execute(_BODY, (number,)).get
        old = orjson.loads(text)
        body = {k: v for k, v in new.instance.items() if k != "instanceId"}
        if "createdAt" in old:
            body["createdAt"] = old["createdAt"]
        body["modifiedAt"] = self._now
        self._update(number, moment(body.get("observedAt")), body.get("datasetId"), body)
        return Written(0, created=False, deleted=False)

    def _remove(self, old: Removed) -> Written:
        if old.attribute is None:
            self._remove_all(old.entity)
        elif old.instance_id is not None:
            number = self._find(old.entity, old.attribute, old.instance_id)
            self._connection.execute("DELETE FROM instance WHERE number = ?", (number,))
        else:
            self._remove_attribute(old.entity, old.attribute, old)
        return Written(0, created=False, deleted=True)

    def _remove_all(self, entity: str) -> None:
        for statement in (
            "DELETE FROM instance WHERE entity = ?",
            "DELETE FROM evolution WHERE entity = ?",
            "UPDATE change SET keep = 0 WHERE entity = ? AND keep = 1",
        ):
            self._connection.execute(statement, (entity,))
        self._erase(Selection((entity,)))
        self._erase_sums(entity, f"*{entity}")

    def _remove_attribute(self, entity: str, name: str, old: Removed) -> None:
        for row in map(FeedRow._make, self._rows(_FEED, entity)):
            if any(found == name for found, _ in unfold(row)):
                self._take_apart(entity, row)
        condition = "entity = ? AND attribute = ?"
        values: tuple[Any, ...] = (entity, name)
        if not old.all:
            condition, values = condition + " AND dataset IS ?", (*values, old.dataset)
        self._connection.execute(f"DELETE FROM instance WHERE {condition}", values)
        removed = self._connection.changes()
        datasets = None if old.all else frozenset({old.dataset or "@none"})
        removed += self._erase(Selection((entity,), frozenset({name}), datasets))
        which = "" if old.all else f" {old.dataset or ''}"
        self._erase_sums(entity, f"*{entity} {name}{which}")
        if not removed:
            which = "" if old.all else f" in dataset {old.dataset or '@none'}"
            raise NotFound(
                f"attribute {name} of {entity}",
                f"has no history{which}",
                "check name and datasetId",
            )

    # -- finding -----------------------------------------------------------------------------------

    def _find(self, entity: str, attribute: str, id: str) -> int:
        """The number of an instance that is, or now becomes, a row of its own."""
        seq = row_of(id)
        if seq is not None:
            for row in self._rows(_FEED + " AND seq = ?", entity, seq):
                self._take_apart(entity, FeedRow(*row))
        number = self._row_number(entity, attribute, id)
        if number is None and self._bring_back(entity, attribute, id):
            number = self._row_number(entity, attribute, id)
        if number is None:
            raise NotFound(
                f"instance {id[:120]} of attribute {attribute}",
                f"is not in the history of {entity}",
                "check the name of the attribute and the instanceId",
            )
        return number

    def _row_number(self, entity: str, attribute: str, id: str) -> int | None:
        found: int | None = self._connection.execute(_BY_ORIGIN, (id, entity, attribute)).get
        own = id.removeprefix(OWN)
        if found is None and own != id and own.isascii() and own.isdigit() and len(own) < 19:
            found = self._connection.execute(_BY_NUMBER, (int(own), entity, attribute)).get
        return found

    def _rows(self, statement: str, *values: Any) -> list[Any]:
        return self._connection.execute(statement, values).fetchall()

    def _take_apart(self, entity: str, row: FeedRow) -> None:
        self._connection.executemany(
            _INSERT, [_loose(entity, name, each, row.at) for name, each in unfold(row)]
        )
        self._connection.execute("UPDATE change SET keep = 0 WHERE seq = ?", (row.seq,))

    # -- the archive -------------------------------------------------------------------------------

    def _archived(self, entity: str) -> bool:
        return self._archive is not None and self._archive.head(entity) is not None

    def _old(self, wanted: Selection) -> Iterator[Any]:
        if self._archive is not None:
            yield from self._archive.series(wanted)

    def _bring_back(self, entity: str, attribute: str, id: str) -> bool:
        gone = evolutions.erased(self._connection, (entity,))
        wanted = Selection((entity,), frozenset({attribute}), instance=id, without=gone)
        rows = [
            _loose(entity, attribute, each.instance, each.written) for each in self._old(wanted)
        ]
        self._connection.executemany(_INSERT, rows)
        self._erase(wanted)
        return bool(rows)

    def _erase(self, wanted: Selection) -> int:
        gone = [(each.entity, each.instance["instanceId"]) for each in self._old(wanted)]
        self._connection.executemany("INSERT OR IGNORE INTO erased VALUES (?, ?)", gone)
        return len(gone)

    def _erase_sums(self, entity: str, mark: str) -> None:
        """Hide the sums that the archive keeps where the instances are gone already."""
        if self._archive is not None:
            self._connection.execute("INSERT OR IGNORE INTO erased VALUES (?, ?)", (entity, mark))


def _no_past(entity: str) -> NotFound:
    return NotFound(f"entity {entity}", "has no history here", "check the id, or create it first")


def _loose(entity: str, name: str, instance: Instance, written: int) -> tuple[Any, ...]:
    """The row of an instance that keeps the identifier it has."""
    body = {k: v for k, v in instance.items() if k != "instanceId"}
    observed = moment(body.get("observedAt"))
    text = orjson.dumps(body).decode()
    return entity, name, observed, body.get("datasetId"), written, instance["instanceId"], text


Work = Callable[[apsw.Connection, Sequence[Sequence[Recording]]], list[list[Outcome]]]


class Gathered:
    """Recordings that wait for the writer, so that all who wait share one commit.

    `start` queues work for the writer; `work` applies the recordings of several requests.
    """

    def __init__(
        self, start: Callable[[Callable[[apsw.Connection], Any]], Future[Any]], work: Work
    ) -> None:
        self._start, self._work = start, work
        self._waiting: deque[tuple[Sequence[Recording], Future[list[Outcome]]]] = deque()
        self._lock = Lock()

    def put(self, recordings: Sequence[Recording]) -> Future[list[Outcome]]:
        """Queue recordings; the future resolves when they are durable."""
        future: Future[list[Outcome]] = Future()
        with self._lock:
            self._waiting.append((recordings, future))
            first = len(self._waiting) == 1
        if first:
            self._begin()
        return future

    def _begin(self) -> None:
        taken: list[tuple[Sequence[Recording], Future[list[Outcome]]]] = []

        def work(connection: apsw.Connection) -> list[list[Outcome]]:
            with self._lock:
                taken.extend(self._waiting)
                self._waiting.clear()
            return self._work(connection, [recordings for recordings, _ in taken])

        def done(finished: Future[Any]) -> None:
            error = finished.exception()
            for position, (_, future) in enumerate(taken):
                if error is not None:
                    future.set_exception(error)
                else:
                    future.set_result(finished.result()[position])

        try:
            self._start(work).add_done_callback(done)
        except HansaError as error:
            with self._lock:
                waiting, self._waiting = self._waiting, deque()
            for _, future in waiting:
                future.set_exception(error)
