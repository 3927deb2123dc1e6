"""A reader that is held for long: it asks the gate anew each time it is used, so that it follows the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from hansa.ngsild.model import LOCATION
from hansa.ngsild.query import Query, Seen
from hansa.store.history import Cut, Line, Source
from hansa.store.port import Change, Feature, Page, Reader, Shape

__all__ = ["LastingReader"]


class LastingReader:
    """Implements :class:`~hansa.store.port.Reader` by the reader that `ask` gives at the moment."""

    def __init__(self, ask: Callable[[], Reader]) -> None:
        self._ask = ask

    def get(self, id: str) -> bytes | None:
        """As in the port."""
        return self._ask().get(id)

    def query(self, query: Query) -> Page:
        """As in the port."""
        return self._ask().query(query)

    def matching(self, queries: Sequence[Query]) -> Iterator[tuple[int, bytes]]:
        """As in the port."""
        return self._ask().matching(queries)

    def scan(self) -> Iterator[bytes]:
        """As in the port."""
        return self._ask().scan()

    def shapes(self, seen: Seen | None = None) -> list[Shape]:
        """As in the port."""
        return self._ask().shapes(seen)

    def features(
        self,
        types: Sequence[str],
        box: tuple[float, float, float, float],
        values: Sequence[str] = (),
        attribute: str = LOCATION,
        limit: int = 1_000_000,
        without: Sequence[str] = (),
        seen: Seen | None = None,
    ) -> list[Feature]:
        """As in the port."""
        return self._ask().features(types, box, values, attribute, limit, without, seen)

    def changes(self, after: int, limit: int = 1000) -> list[Change]:
        """As in the port."""
        return self._ask().changes(after, limit)

    def history(
        self, id: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[Change]:
        """As in the port."""
        return self._ask().history(id, since=since, until=until)

    def past(self) -> AbstractContextManager[Source]:
        """As in the port."""
        return self._ask().past()

    def cut(self, before: int, most: int = 100_000) -> Cut:
        """As in the port."""
        return self._ask().cut(before, most)

    def past_of(self, cut: Cut) -> AbstractContextManager[Source]:
        """As in the port."""
        return self._ask().past_of(cut)

    def lines_of(self, cut: Cut) -> AbstractContextManager[Iterator[list[Line]]]:
        """As in the port."""
        return self._ask().lines_of(cut)

    def last_change(self) -> int:
        """As in the port."""
        return self._ask().last_change()

    def watch(self, listener: Callable[[int], None]) -> Callable[[], None]:
        """As in the port."""
        return self._ask().watch(listener)

    def record(self, kind: str, id: str) -> bytes | None:
        """As in the port."""
        return self._ask().record(kind, id)

    def records(self, kind: str) -> list[bytes]:
        """As in the port."""
        return self._ask().records(kind)
