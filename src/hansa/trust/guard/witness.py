"""What is put down about a reading: which entities, of what not everybody may see.

A reader hands in what it is about to give away. What everybody may see is not put down; of the rest the log
holds the identifiers, and the answer goes out once they are written down.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final, Protocol

import orjson

from hansa.ngsild.model import Entity
from hansa.trust.guard.sieve import Sieve
from hansa.trust.principals import Principal

__all__ = ["Log", "Notes"]

_MOST_RULES: Final = 50


class Log(Protocol):
    """The part of the log that readings need; see :class:`~hansa.trust.log.recorder.Recorder`."""

    def read(
        self, who: Principal, what: Sequence[str], rules: Sequence[str], reason: str = "by-rule"
    ) -> None:
        """Log that restricted data were read; raises if that could not be written down."""


class Notes:
    """Puts down what one principal reads.

    Args:
        log: where; ``None``: nowhere.
        who: who reads.
        rules: the rules under which.
        public: what everybody may see.
    """

    def __init__(
        self, log: Log | None, who: Principal, rules: Sequence[str], public: Sieve
    ) -> None:
        self._log, self._who, self._public = log, who, public
        self._rules = tuple(rules[:_MOST_RULES])

    @property
    def is_idle(self) -> bool:
        """Whether nothing is put down: there is no log, or everybody may see everything."""
        return self._log is None or self._public.is_whole

    def is_restricted(self, entity: Entity, shown: Entity) -> bool:
        """Whether not everybody may see all that is `shown` of an entity."""
        if self.is_idle:
            return False
        left = self._public.shown(entity)
        return left is None or (left is not entity and not left.keys() >= shown.keys())

    def is_restricted_raw(self, raw: bytes, shown: bytes) -> bool:
        """The same of a serialised entity."""
        if self.is_idle or self._public.is_open(raw):
            return False
        there = self._public.knows_raw(raw)
        if there is False:
            return True
        entity = orjson.loads(raw)
        if there is None and not self._public.has(entity):
            return True
        hidden = self._public.hidden(entity)
        return bool(hidden) and (shown is raw or not orjson.loads(shown).keys().isdisjoint(hidden))

    def is_public(self, types: Collection[str], id: str) -> bool:
        """Whether everybody may see whatever there is of an entity that is gone."""
        return self._log is None or (
            self._public.knows(types, id) is True and self._public.seen.all_attributes
        )

    def entities(self, ids: Iterable[str]) -> None:
        """Put down the reading of entities."""
        self._put(list(dict.fromkeys(ids)), "by-rule")

    def kinds(self, names: Iterable[str]) -> None:
        """Put down that something was learned of entities of these types, or of all if there are none."""
        self._put([f"type:{name}" for name in names] or ["type:*"], "by-rule.asked")

    def hides_some(self, names: Iterable[str], types: Collection[str]) -> bool:
        """Whether some of these attributes, or some entities of these types, are not for everybody."""
        if self.is_idle:
            return False
        certain = bool(types) and all(map(self._public.sure_of, types))
        return not certain or self._public.hides_some(list(names))

    def _put(self, what: list[str], reason: str) -> None:
        if what and self._log is not None and not self._public.is_whole:
            self._log.read(self._who, what, self._rules, reason)
