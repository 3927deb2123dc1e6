"""What a spoke's entities pass between being read and being written: one session for each import or live source.

An import is one window: entities that need their group wait, in memory, for its end. A live source has windows of the
length that its steps declare; what waits in one is lost when the process ends, and never on disk. Beyond
:data:`MOST` waiting entities the rest is withheld. Of an entity nothing but numbers is told, in errors too: see :meth:`Session.told`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

from hansa.kernel.clock import Clock
from hansa.kernel.errors import BadRequest, Forbidden, HansaError
from hansa.ngsild.model import Entity
from hansa.trust.anonymise.account import Account
from hansa.trust.anonymise.budget import Budget
from hansa.trust.anonymise.groups import Tally
from hansa.trust.anonymise.keys import Keys
from hansa.trust.anonymise.kinds import Count, Pseudonymise
from hansa.trust.anonymise.noise import Cost, make_noise
from hansa.trust.anonymise.pseudonyms import Key
from hansa.trust.anonymise.released import question, released
from hansa.trust.anonymise.remedy import missing_steps
from hansa.trust.anonymise.steps import Steps

__all__ = ["MOST", "Session"]

MOST: Final = 500_000
"""Entities that may wait in one window."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Session:
    """The way of one source's entities through its steps. For one thread.

    Args:
        source: the source's name in the register.
        live: whether it goes on, in windows; otherwise it ends with :meth:`end`.
        note: is told the sums of each window.

    Raises:
        BadRequest: the source is live, and a step needs a window that is not declared.
        Unavailable: a key is needed, and the disk refused.
    """

    def __init__(
        self,
        source: str,
        steps: Steps,
        keys: Keys,
        budget: Budget,
        clock: Clock,
        note: Callable[[Account], None],
        *,
        live: bool,
    ) -> None:
        self.steps = steps
        self._source, self._keys, self._budget = source, keys, budget
        self._clock, self._note, self._live = clock, note, live
        if live and steps.needs_groups and steps.window is None:
            raise BadRequest(
                f"source '{source[:100]}'",
                "is live, and its steps look at groups, but declare no window",
                "say in 'suppress' or 'count' how long entities are held, such as window PT15M",
            )
        self.account = Account()
        """Sums of all that came in so far."""
        self._unnoted = Account()
        self._held: list[Entity] = []
        self._until = self._window_end()
        self._fixed = None if live else self._key()

    @property
    def hides(self) -> bool:
        """Whether reports and logs may say nothing of what single entities hold."""
        return self.steps.hides

    def __call__(self, entities: Iterable[Entity]) -> list[Entity]:
        """What of these, and of a window that is over, may be stored now."""
        return [*self.take(entities), *self.due()]

    def rest(self) -> list[Entity]:
        """What of all that was held back may be stored, at the end of an import."""
        return self.end()

    def take(self, entities: Iterable[Entity]) -> list[Entity]:
        """Entities as they were read, in the internal form; those that may be written at once."""
        key = self._key() if self._live else self._fixed
        made = self._changed(entities, key)
        if self.steps.needs_groups:
            self._hold(made)
            return []
        return self._passed(made)

    def all_of(self, entities: Iterable[Entity]) -> list[Entity]:
        """Entities that are all there are at present, as of a fleet: their groups are judged at once.

        Those that are counted wait for the end of the window all the same.
        """
        made = self._changed(entities, self._key())
        if not self.steps.needs_groups:
            return self._passed(made)
        counts = [step for step in self.steps.steps if isinstance(step, Count)]
        counted = [each for each in made if any(step.is_for(each) for step in counts)]
        ids = {each["id"] for each in counted}
        self._hold(counted)
        left, _ = self.steps.judge([each for each in made if each["id"] not in ids], self._unnoted)
        return left

    def due(self) -> list[Entity]:
        """What may be written of a window that is over; nothing before. To be asked at every beat.

        Raises:
            Unavailable: what counts cost could not be kept; they are not told then.
        """
        if self._until is None or self._clock.now() < self._until:
            self._tell()
            return []
        over, self._until = self._until, self._window_end()
        return self._released(over)

    def end(self) -> list[Entity]:
        """The rest, at the end of an import.

        Raises:
            Unavailable: what counts cost could not be kept; they are not told then.
        """
        return self._released(self._clock.now())

    def renamed(self, ids: Iterable[str]) -> list[str]:
        """Identifiers as the source has them, as they stand in the store."""
        if not any(isinstance(s, Pseudonymise) and "id" in s.attributes for s in self.steps.steps):
            return list(ids)
        key = self._key()
        return [key.uri(id) for id in ids] if key is not None else list(ids)

    def said(self) -> list[str]:
        """What was withheld of all that came in so far, and why, in sentences that tell of no single entity."""
        words = {
            "personal": missing_steps(self.account.why, has_steps=bool(self.steps.steps)),
            "shows": "a value that is hidden stands elsewhere in them",
            "small": "too few look like them",
            "full": "more came in than a window holds",
        }
        held = self.account.withheld
        found = [f"{_entities(held[r])} not stored: {words[r]}" for r in words if held[r]]
        return [*found, "counts were not told: the budget is spent"] if held["unpaid"] else found

    def told(self, fault: Exception | str) -> str:
        """What may be said of a fault with a record or an entity, in reports and logs: nothing of what it holds."""
        if not self.steps.hides and not isinstance(fault, Exception):
            return fault
        if not self.steps.hides and isinstance(fault, HansaError):
            return fault.sentence
        kind = type(fault).__name__ if isinstance(fault, Exception) else "it was refused"
        return f"{kind}; more is not shown, because the source's steps hide what it holds"

    def _changed(self, entities: Iterable[Entity], key: Key | None) -> list[Entity]:
        change, account = self.steps.change, self._unnoted
        return [m for each in entities if (m := change(each, key, account)) is not None]

    def _passed(self, made: list[Entity]) -> list[Entity]:
        self._unnoted.passed += len(made)
        return made

    def _hold(self, made: list[Entity]) -> None:
        room = max(0, MOST - len(self._held))
        self._held += made[:room]
        if len(made) > room:
            self._unnoted.withheld["full"] += len(made) - room

    def _key(self) -> Key | None:
        if not self.steps.needs_key or self.steps.rotate is None:
            return None
        return self._keys.current(self._source, self.steps.rotate)

    def _window_end(self) -> datetime | None:
        window = self.steps.window
        if not self._live or window is None:
            return None
        return _EPOCH + ((self._clock.now() - _EPOCH) // window + 1) * window

    def _released(self, at: datetime) -> list[Entity]:
        held, self._held = self._held, []
        left, tallies = self.steps.judge(held, self._unnoted)
        try:
            for tally in tallies:
                left += self._counted(tally, at)
        finally:
            self._tell()
        return left

    def _counted(self, tally: Tally, at: datetime) -> list[Entity]:
        """Counts with noise, paid for; none once the budget is spent."""
        terms, step = self.steps.budget, tally.step
        if terms is None:
            return []
        kind = step.noise if step.among is not None else "threshold"
        delta = terms.delta / 100 if kind != "laplace" else 0.0
        noise = make_noise(kind, Cost.of(step.epsilon, delta))
        try:
            self._budget.spend(
                self._source, terms, noise.cost, noise.certified, question(step, noise)
            )
        except Forbidden:
            self._unnoted.withheld["unpaid"] += 1
            return []
        return list(released(self._source, step, noise, noise.on(tally.counts), at))

    def _tell(self) -> None:
        if self._unnoted != Account():
            self.account.add(self._unnoted)
            noted, self._unnoted = self._unnoted, Account()
            self._note(noted)


def _entities(count: int) -> str:
    return "1 entity was" if count == 1 else f"{count:,} entities were"
