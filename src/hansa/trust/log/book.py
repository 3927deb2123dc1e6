"""The log of a node: acts go in, durable before anyone is answered; signed checkpoints come out.

One thread writes. It takes all acts that wait, seals them, keeps what opens them, appends the entries with one
fsync, and only then tells those who wait. At most once a second it signs the tree as it stands.
Readings, of which there are many, go the way of :mod:`.readings`.

A checkpoint is a promise that the log only grows. So nothing is signed while the log is *held*: after a
backup was restored, or when a witness knows a larger tree than we do, entries may have been published
that are not here, and signing on would make a fork. A held log takes entries in; only signing waits, until
the operator says how to go on (:mod:`.resume`).
"""

from __future__ import annotations

import queue
import secrets
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final, Literal

from hansa.kernel.clock import Clock
from hansa.kernel.errors import HansaError, Unavailable
from hansa.kernel.folder import sync
from hansa.trust.log.commitments import Entry, Event, Opening, Openings, Side, sealed
from hansa.trust.log.files import LogDamaged, LogFiles
from hansa.trust.log.keys import Keys, put, suggested_origin
from hansa.trust.log.notes import Checkpoint, Note, NoteFault, Signature
from hansa.trust.log.readings import Readings
from hansa.trust.log.tiles import Tile

__all__ = ["CHECKPOINTS", "HELD", "LogBook", "Numbered"]

_MOST_AT_ONCE: Final = 2_000
_EVERY: Final = 1.0
"""Seconds between two checkpoints."""
_STALE: Final = 60.0
"""Seconds after which a checkpoint is shown although no witness has cosigned it yet."""
_CHECKPOINT: Final = "checkpoint"
_COSIGNED: Final = "cosigned"
_LOOK: Final = "look"
CHECKPOINTS: Final = frozenset({_CHECKPOINT, _COSIGNED})
HELD: Final = "held"
"""The file that says why nothing is signed."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """An entry and its place in the log."""

    index: int
    entry: Entry


class LogBook:
    """The log in a folder.

    Args:
        root: where it lives; made if it is not there.
        clock: the node's time.
        base_url: the node's address, from which a new log takes its name.
        openings: where what opens the commitments is kept; without one nothing can be opened.
        witnessed: whether witnesses are asked for cosignatures: nothing is signed before they were asked
            what they know (:meth:`release`), and a checkpoint is first shown with their signatures.

    Raises:
        LogDamaged: what was signed is not what is on disk.
        Unavailable: the disk refused, or a key is lost.
    """

    def __init__(
        self,
        root: Path,
        clock: Clock,
        *,
        base_url: str = "",
        openings: Openings | None = None,
        witnessed: bool = False,
    ) -> None:
        self.root = root
        self.openings = openings
        self._clock = clock
        self._witnessed = witnessed
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(
                "the log of the gate",
                f"its folder cannot be made ({error.strerror})",
                "give your user the right to write there",
            ) from error
        self.keys = Keys.of(root, suggested_origin(base_url, secrets.token_bytes(6)))
        self._latest = self._kept(_CHECKPOINT)
        self._cosigned = self._kept(_COSIGNED)
        head = None if self._latest is None else Checkpoint.parse(self._latest.text)
        self._signed = 0 if head is None else head.size
        self._signed_at = 0.0
        self._held = _text(root / HELD)
        self._unasked = witnessed
        self._files = LogFiles(root, head)
        self._waiting: queue.SimpleQueue[_Asked | Literal["look"] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._signing = threading.Lock()
        self._closed = False
        if self._is_ahead():
            self._tell_thread(_LOOK)
        self.readings = Readings(root, clock, self.submit)
        """What was read and is not entered yet."""
        self.readings.recover()

    # -- what goes in -----------------------------------------------------------------------------

    def submit(self, event: Event) -> Future[int]:
        """Have an act logged; the future resolves to its index when it is durable.

        Raises, in the future:
            Unavailable: it could not be kept, so what it is about must not happen.
        """
        asked = _Asked(event, Future())
        self._tell_thread(asked)
        return asked.future

    def _tell_thread(self, what: _Asked | Literal["look"]) -> None:
        """Give the thread something to do; it is started by the first."""
        with self._starting:
            if self._closed:
                raise Unavailable("the log of the gate", "is closed", "start the node again")
            self._waiting.put(what)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="log", daemon=True)
                self._thread.start()

    def record(self, event: Event) -> int:
        """Have an act logged and wait until it is durable; its index.

        Raises:
            Unavailable: it could not be kept, so what it is about must not happen.
        """
        return self.submit(event).result()

    def adopt(self, entries: Sequence[bytes]) -> None:
        """Take in entries of an earlier volume; only while nobody else logs.

        Raises:
            Unavailable: the disk refused.
        """
        if entries:
            self._files.append(entries)

    def close(self) -> None:
        """Log what waits, sign the tree as it stands, and let go of the files."""
        self.readings.close()
        with self._starting:
            if self._closed:
                return
            self._closed = True
            if self._thread is not None:
                self._waiting.put(None)
        if self._thread is not None:
            self._thread.join()
        with suppress(HansaError):
            self.sign()
        self._files.close()

    # -- what comes out ---------------------------------------------------------------------------

    @property
    def origin(self) -> str:
        """The name under which the log is known."""
        return self.keys.origin

    @property
    def size(self) -> int:
        """How many entries are kept, signed or not yet."""
        return self._files.size

    @property
    def latest(self) -> Note | None:
        """The newest checkpoint that was signed."""
        return self._latest

    @property
    def shown(self) -> Note | None:
        """The checkpoint for everyone: with witnesses, that which they have cosigned, unless it is old."""
        if self._cosigned is None or self._latest is None:
            return self._latest
        newer = (
            Checkpoint.parse(self._latest.text).size > Checkpoint.parse(self._cosigned.text).size
        )
        is_old = monotonic() - self._signed_at > _STALE
        return self._latest if newer and (is_old or not self._witnessed) else self._cosigned

    @property
    def shown_size(self) -> int:
        """How many entries the checkpoint for everyone covers."""
        note = self.shown
        return 0 if note is None else Checkpoint.parse(note.text).size

    @property
    def held(self) -> str:
        """Why nothing is signed; "" when all is well."""
        return self._held

    def tile(self, tile: Tile) -> bytes | None:
        """A tile or bundle of the tree that everyone sees."""
        return self._files.tile(tile, self.shown_size)

    def node(self, height: int, index: int) -> bytes:
        """The hash of a perfect subtree."""
        return self._files.node(height, index)

    def entries(self, start: int, end: int) -> list[Numbered]:
        """The entries ``[start, end)``, as far as they are there."""
        end = min(end, self.size)
        found = self._files.entries(start, end) if start < end else []
        return [Numbered(index, Entry.parse(each)) for index, each in enumerate(found, start)]

    def raw(self, start: int, end: int) -> list[bytes]:
        """The bytes of the entries ``[start, end)``."""
        return self._files.entries(start, end)

    def about(self, side: Side, value: str) -> list[tuple[Numbered, Opening]]:
        """The entries about one principal or thing, as far as they were not erased, in their order."""
        with suppress(HansaError):  # what is there is shown also while nothing can be added
            self.readings.settle()
        found: list[tuple[Numbered, Opening]] = []
        for opening in [] if self.openings is None else self.openings.about(side, value):
            for numbered in self.entries(opening.index, opening.index + 1):
                if opening.opens(numbered.entry):
                    found.append((numbered, opening))
        return found

    # -- checkpoints ------------------------------------------------------------------------------

    def sign(self) -> Note | None:
        """Sign the tree as it stands, if it has grown; the newest checkpoint.

        Raises:
            Unavailable: the disk refused; nothing was published.
        """
        with self._signing:
            if self._held or self._unasked:
                return self._latest
            edge = self._files.edge()
            if self._latest is not None and edge.size <= self._signed:
                return self._latest
            text = Checkpoint(self.origin, edge.size, edge.root()).text
            note = Note(text, (self.keys.log.sign(text),))
            self._files.sync()
            self._put(_CHECKPOINT, note)
            self._latest, self._signed, self._signed_at = note, edge.size, monotonic()
            return note

    def cosigned(self, text: str, signatures: Iterable[Signature]) -> None:
        """Take the cosignatures of witnesses on a checkpoint of ours into it.

        Raises:
            Unavailable: the disk refused.
        """
        with self._signing:
            for note in (self._latest, self._cosigned):
                if note is not None and note.text == text:
                    self._cosigned = note.signed(*signatures)
                    self._put(_COSIGNED, self._cosigned)
                    return

    def hold(self, why: str) -> None:
        """Sign nothing from now on.

        Raises:
            Unavailable: the disk refused.
        """
        with self._signing:
            put(self.root / HELD, f"{why}\n".encode())
            self._held = why

    def unhold(self) -> None:
        """Sign again (see :mod:`.resume`, which says when that may be).

        Raises:
            Unavailable: the disk refused.
        """
        with self._signing:
            try:
                (self.root / HELD).unlink(missing_ok=True)
                sync(self.root)
            except OSError as error:
                raise Unavailable("the log", f"stays held ({error.strerror})") from error
            self._held = ""

    def release(self) -> None:
        """Sign from now on: the witnesses were asked whether they know more than is here."""
        if self._unasked:
            self._unasked = False
            self._tell_thread(_LOOK)

    def _put(self, name: str, note: Note) -> None:
        try:
            put(self.root / name, note.to_bytes())
        except OSError as error:
            raise Unavailable(
                "the checkpoint of the log",
                f"cannot be written ({error.strerror})",
                "make room on the disk",
            ) from error

    def _kept(self, name: str) -> Note | None:
        """A checkpoint that was signed before; it must be ours."""
        try:
            note = Note.parse((self.root / name).read_bytes())
            Checkpoint.parse(note.text)
            if not self.keys.log.verifier.verify(note):
                raise NoteFault("it is not signed with the log's key")
        except FileNotFoundError:
            return None
        except (OSError, NoteFault) as error:
            raise LogDamaged(
                f"the {name} of the log",
                f"cannot be used ({error})",
                "restore the newest backup (hansa restore)",
            ) from error
        return note

    # -- the thread that writes -------------------------------------------------------------------

    def _work(self) -> None:
        due = monotonic()
        is_open = True
        while is_open:
            unsigned = self._is_ahead()
            group, is_open = self._group(max(0.0, due - monotonic()) if unsigned else None)
            if group:
                self._write(group)
            if self._is_ahead() and monotonic() >= due:
                with suppress(HansaError):  # it is tried again, and doctor says what is wrong
                    self.sign()
                due = monotonic() + _EVERY

    def _is_ahead(self) -> bool:
        return self.size > self._signed and not self._held and not self._unasked

    def _group(self, patience: float | None) -> tuple[list[_Asked], bool]:
        """What waits, up to the most that is written at once; and whether more may come."""
        group: list[_Asked] = []
        try:
            asked = self._waiting.get(timeout=patience)
            while asked is not None:
                if asked == _LOOK:
                    return group, True
                group.append(asked)
                if len(group) == _MOST_AT_ONCE:
                    return group, True
                asked = self._waiting.get_nowait()
        except queue.Empty:
            return group, True
        return group, False

    def _write(self, group: Sequence[_Asked]) -> None:
        now = self._clock.now()
        try:
            pairs = [
                sealed(asked.event, index, now) for index, asked in enumerate(group, self.size)
            ]
            if self.openings is not None:
                self.openings.keep([opening for _, some in pairs for opening in some])
            first = self._files.append([entry.to_bytes() for entry, _ in pairs])
        except Exception as error:  # whatever it is, those who wait must hear of it
            for asked in group:
                _tell(asked.future.set_exception, error)
            return
        for index, asked in enumerate(group, first):
            _tell(asked.future.set_result, index)


@dataclass(frozen=True, slots=True)
class _Asked:
    event: Event
    future: Future[int]


def _tell(say: Callable[[Any], None], what: Any) -> None:
    """Tell one who waits; who has gone away meanwhile does not mind."""
    with suppress(Exception):
        say(what)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
