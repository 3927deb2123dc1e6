"""The one writer: a thread that commits groups of waiting writes.

While one group is being committed, the requests that arrive wait and make up the next group, so
that the cost of a durable commit is shared by all that wait for it. A group goes through in this
order: fetch the entities it touches, stage the edits in memory (:mod:`.stage`), store the rows,
commit, resolve the futures, tell the watchers. When storing fails, the group is rolled back and its
requests are tried one by one, so that none is refused because of another.

Other work on the database has a transaction of its own, unless it is small and says so: then it goes
before the writes of the next group, and shares their commit.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Thread
from typing import Any, Final, TypeVar

import apsw
import orjson

from hansa.kernel.clock import Clock, micros
from hansa.kernel.errors import Unavailable
from hansa.store.port import Outcome, Screen, Write
from hansa.store.sqlite.faults import HOPELESS, fault, faults
from hansa.store.sqlite.ready import Ready, ready_if_sound
from hansa.store.sqlite.rows import fetch, store
from hansa.store.sqlite.schema import WRITER_CACHE_KIBIBYTES, connect
from hansa.store.sqlite.stage import Marks, Stage

__all__ = ["Writer"]

_GROUP: Final = 2_000
"""Writes per commit, unless a single request has more."""

_LOG: Final = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(slots=True)
class _Request:
    writes: Sequence[Write]
    readied: Sequence[Ready | None]
    future: Future[list[Outcome]] = field(default_factory=Future)


@dataclass(slots=True)
class _Task:
    """Other work on the database that must not run beside a write.

    It has a commit of its own, or, if it ``joins``, one together with the writes beside it.
    """

    work: Callable[[apsw.Connection], Any]
    joins: bool = False
    future: Future[Any] = field(default_factory=Future)


@dataclass(slots=True)
class _Group:
    """What shares a commit."""

    tasks: list[_Task] = field(default_factory=list)
    requests: list[_Request] = field(default_factory=list)

    def parts(self) -> list[_Group]:
        """Each member as a group of its own, in order; nothing if there is only one."""
        if len(self.tasks) + len(self.requests) < 2:
            return []
        tasks = [_Group(tasks=[each]) for each in self.tasks]
        return tasks + [_Group(requests=[each]) for each in self.requests]

    def members(self) -> list[_Task | _Request]:
        """Everything that waits for the commit."""
        return [*self.tasks, *self.requests]


class Writer:
    """Owns the only connection that changes the database at `path`.

    `committed` is called with the newest change's number after each commit that made changes. While
    ``imaging`` is on, each change leaves an image in the outbox. ``screen`` sees every entity first.
    """

    def __init__(
        self, path: Path, clock: Clock, committed: Callable[[int], None], patience_ms: int
    ) -> None:
        self._path, self._clock, self._committed = path, clock, committed
        with faults(path):
            self._connection = connect(path, patience_ms=patience_ms, cache=WRITER_CACHE_KIBIBYTES)
            self.imaging = _is_imaging(self._connection)
        self.screen: Screen | None = None
        self._version: object = None
        self._marks = Marks(1, 0, {})
        self._waiting: deque[_Request | _Task] = deque()
        self._wake = Condition()
        self._closing = False
        self._thread = Thread(target=self._run, name=f"hansa-store-{path.stem}", daemon=True)
        self._thread.start()

    # -- called from any thread --------------------------------------------------------------------

    def write(self, writes: Sequence[Write]) -> Future[list[Outcome]]:
        """Queue a request."""
        request = _Request(writes, [ready_if_sound(write.made) for write in writes])
        self._queue(request)
        return request.future

    def start(self, work: Callable[[apsw.Connection], T], *, joins: bool = False) -> Future[T]:
        """Queue `work`; the future has its result once it is durable.

        It has a transaction of its own, or, if it `joins`, shares one; then it must be short and have
        no effect but on the database.
        """
        task = _Task(work, joins)
        self._queue(task)
        return task.future

    def run(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run `work` in a transaction of its own and wait for its result."""
        return self.start(work).result()

    def close(self) -> None:
        """Finish what is queued, then end the thread and close the connection."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _queue(self, item: _Request | _Task) -> None:
        with self._wake:
            if self._closing:
                raise Unavailable(
                    f"store {self._path.name}", "the store is closed", "start the node again"
                )
            self._waiting.append(item)
            if len(self._waiting) == 1:
                self._wake.notify()

    # -- the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        while (items := self._next()) is not None:
            if isinstance(items, _Task):
                self._run_task(items)
            else:
                self._commit_group(items)
        self._connection.close()

    def _next(self) -> _Group | _Task | None:
        """Wait for the next group or task; ``None`` when closed and done."""
        with self._wake:
            while not self._waiting:
                if self._closing:
                    return None
                self._wake.wait()
            group = _Group()
            size = 0
            while self._waiting and size < _GROUP:
                item = self._waiting[0]
                alone = isinstance(item, _Task) and not item.joins
                if alone and size:
                    break
                self._waiting.popleft()
                if not item.future.set_running_or_notify_cancel():
                    continue  # whoever asked has gone away
                if isinstance(item, _Request):
                    size += max(len(item.writes), 1)
                    group.requests.append(item)
                elif alone:
                    return item
                else:
                    size += 1
                    group.tasks.append(item)
            return group

    def _run_task(self, task: _Task) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            result = task.work(self._connection)
            self._connection.execute("COMMIT")
        except Exception as error:
            self._roll_back()
            task.future.set_exception(self._meaning(error))
        else:
            task.future.set_result(result)

    def _commit_group(self, group: _Group) -> None:
        try:
            answers = self._store_group(group)
        except Exception as error:
            self._roll_back()
            self._after_failure(group, error)
            return
        for member, answer in zip(group.members(), answers, strict=True):
            if isinstance(answer, Exception):
                member.future.set_exception(answer)
            else:
                member.future.set_result(answer)

    def _store_group(self, group: _Group) -> list[Any]:
        """Commit a group; for each member what came of it, or the error that it alone met."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        answers = [self._joined(task) for task in group.tasks]
        stage = None
        if group.requests:
            stage, outcomes = self._staged(group.requests)
            answers += outcomes
        if stage is None or not stage.changes:
            connection.execute("COMMIT" if group.tasks else "ROLLBACK")
            return answers
        store(connection, stage)
        connection.execute("COMMIT")
        self._marks = stage.settled()
        self._tell()
        return answers

    def _joined(self, task: _Task) -> Any:
        """The result of a task inside the transaction of a group; its own error undoes it alone."""
        try:
            with self._connection:  # a savepoint
                return task.work(self._connection)
        except Exception as error:
            if isinstance(error, HOPELESS) or not self._connection.in_transaction:
                raise
            return self._meaning(error)

    def _staged(self, requests: Sequence[_Request]) -> tuple[Stage, list[Any]]:
        """The requests worked out in memory, and the answer to each: its outcomes, or an edit's error."""
        self._notice_other_writers()
        stored = fetch(self._connection, {write.id for each in requests for write in each.writes})
        at = micros(self._clock.now())
        stage = Stage(stored, self._marks, at, imaging=self.imaging, screen=self.screen)
        answers: list[list[Outcome] | Exception] = []
        for request in requests:
            try:
                answers.append(stage.apply(request.writes, request.readied))
            except Exception as error:
                answers.append(error)
        return stage, answers

    def _notice_other_writers(self) -> None:
        """Read the numbering anew when another process has written since."""
        version = self._connection.execute("PRAGMA data_version").get
        if version != self._version:
            self._version = version
            self._marks = _read_marks(self._connection)

    def _after_failure(self, group: _Group, error: Exception) -> None:
        parts = group.parts()
        if not parts or isinstance(error, HOPELESS):
            for member in group.members():
                member.future.set_exception(self._meaning(error))
            return
        for part in parts:
            self._commit_group(part)

    def _tell(self) -> None:
        try:
            self._committed(self._marks.seq)
        except Exception:
            _LOG.exception("a watcher of store %s failed", self._path.name)

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _meaning(self, error: Exception) -> Exception:
        return fault(error, self._path) or error


def _is_imaging(connection: apsw.Connection) -> bool:
    return bool(connection.execute("SELECT value FROM counter WHERE name = 'images'").get)


def _read_marks(connection: apsw.Connection) -> Marks:
    key = connection.execute("SELECT coalesce(max(key), 0) + 1 FROM entity").get
    seq = connection.execute("SELECT value FROM counter WHERE name = 'change'").get
    shapes = {}
    for number, text in connection.execute("SELECT id, signature FROM shape"):
        types, profiles = orjson.loads(text)
        shapes[tuple(types), tuple(profiles.items())] = number
    return Marks(key, seq, shapes)
