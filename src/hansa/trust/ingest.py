"""What stands between a source and a store. No record, no data.

In this order:

1. the source is declared, and not withdrawn; else nothing of it is taken in, and the refusal says what is missing and
   how to declare it;
2. its *passage* lets entities through: the steps that its record declares run on them in memory, before anything of
   them reaches a disk, a log line or a back-up;
3. what comes out is stored, past the store's screen (:mod:`.redlines`), which nobody gets round.

A node for experiments (``--dev``) takes in what nobody declared; the screen stands there too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from hansa.kernel.errors import UndeclaredSource
from hansa.ngsild.model import Entity
from hansa.store.port import Reader
from hansa.trust.log.recorder import Recorder
from hansa.trust.principals import LOCAL
from hansa.trust.sources.register import SourceRegister
from hansa.trust.vault import Record

__all__ = ["Ingest", "OpenPassage", "Passage"]


class Passage(Protocol):
    """The way of one source's entities through its declared steps, for one import, or one live job."""

    @property
    def hides(self) -> bool:
        """Whether reports and logs may say nothing of what single entities hold, nor of the source's records."""

    def __call__(self, entities: Sequence[Entity]) -> Sequence[Entity]:
        """What of these, and of what was held back before, may be stored now. Entities are in the internal form.

        Raises:
            HansaError: the steps cannot be done; nothing of these entities may be stored.
        """

    def all_of(self, entities: Sequence[Entity]) -> Sequence[Entity]:
        """What may be stored of entities that are all there are now, as of a fleet; raises the same."""

    def rest(self) -> Sequence[Entity]:
        """At the end: what of all that was held back may be stored."""

    def renamed(self, ids: Sequence[str]) -> Sequence[str]:
        """Identifiers as the source has them, as they stand in the store."""

    def said(self) -> list[str]:
        """What was not stored so far, and why: sentences that tell of no single entity."""

    def told(self, fault: Exception | str) -> str:
        """What reports and logs may say of something that went wrong with a record or an entity."""


OpenPassage = Callable[[Record, bool], "Passage | None"]
"""Makes the passage of a source by its record, live or for one import; ``None``: its entities go through as they are."""


class Ingest:
    """The door that every source comes in by.

    Args:
        dev: whether undeclared sources come in as well.
    """

    def __init__(self, sources: SourceRegister, recorder: Recorder, *, dev: bool = False) -> None:
        self._sources, self._recorder, self._dev = sources, recorder, dev
        self._refused: set[str] = set()
        self.passage: OpenPassage = lambda record, live: None
        """What makes passages."""
        self.reader_of: Callable[[str], Reader] | None = None
        """What gives an algorithm of the register the reader of its record; set by the node."""

    def admit(self, source: str, adapter: str = "", *, live: bool = False) -> Passage | None:
        """Let a source begin (an import, a live job): its passage.

        Args:
            source: its name in the register.
            adapter: the kind of source, for the command that a refusal names.
            live: whether it goes on, as a live job does.

        Raises:
            UndeclaredSource: it has no record, or its record was withdrawn; logged, once until it has.
            BadRequest, MissingExtra, Unavailable: its steps cannot be done.
        """
        record = self.check(source, adapter)
        return None if record is None else self.passage(record, live)

    def check(self, source: str, adapter: str = "") -> Record | None:
        """The record of a source that may give data, ``None`` if it needs none; raises as :meth:`admit`."""
        if self._dev and self._sources.find(source) is None:
            return None
        try:
            record = self._sources.in_use(source, adapter)
        except UndeclaredSource:
            if source not in self._refused:
                self._refused.add(source)
                self._recorder.refused(LOCAL, (f"source:{source[:100]}",), "source.undeclared")
            raise
        self._refused.discard(source)
        return record
