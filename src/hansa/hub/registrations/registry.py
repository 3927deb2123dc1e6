"""The registrations of all tenants of a node: read once, kept in step with their records.

Writes go one at a time per tenant, because whether a registration is acceptable depends on the others;
reads never wait. What became of the requests to a source (``timesSent`` and its like) is counted in
memory, from the start of the node on: it is no part of the record.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from hansa.hub.registrations.book import Book, is_expired
from hansa.hub.registrations.conflicts import conflict
from hansa.hub.registrations.model import Registration, parsed
from hansa.hub.registrations.reading import RECORD, changed
from hansa.kernel.errors import AlreadyExists, BadRequest, HansaError, NotFound
from hansa.ngsild.context import Context
from hansa.store.port import Edited, Outcome, Reader, Store, Write

__all__ = ["Health", "Registry", "found"]

_LOG = logging.getLogger(__name__)

Settled = Callable[["Future[list[Outcome]]"], Awaitable[list[Outcome]]]
Watcher = Callable[[str | None, Registration | None, Registration | None], Awaitable[None]]
"""Called with a tenant, a registration as it was, and as it is; None where there is none."""


@dataclass(slots=True)
class Health:
    """What became of the requests to the source of a registration."""

    sent: int = 0
    failed: int = 0
    last_success: str | None = None
    last_failure: str | None = None
    is_failing: bool = False

    def shown(self) -> dict[str, Any]:
        """The members of Table 5.2.9-2; none before the first request."""
        if not self.sent:
            return {}
        shown: dict[str, Any] = {
            "status": "failed" if self.is_failing else "ok",
            "timesSent": self.sent,
            "timesFailed": self.failed,
        }
        if self.last_success is not None:
            shown["lastSuccess"] = self.last_success
        if self.last_failure is not None:
            shown["lastFailure"] = self.last_failure
        return shown


class Registry:
    """The registrations of a node."""

    def __init__(self) -> None:
        self._books: dict[str | None, Book] = {}
        self._locks: dict[str | None, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._health: dict[tuple[str | None, str], Health] = defaultdict(Health)
        self.watchers: list[Watcher] = []

    def book(self, tenant: str | None, store: Reader) -> Book:
        """The registrations of a tenant."""
        book = self._books.get(tenant)
        if book is None:
            book = self._books[tenant] = Book(store.records(RECORD))
        return book

    def health(self, tenant: str | None, id: str) -> Health:
        """What became of the requests for a registration."""
        return self._health[tenant, id]

    async def create(
        self, tenant: str | None, store: Store, record: dict[str, Any], now: str, settled: Settled
    ) -> None:
        """Register a context source (5.9.2).

        Raises:
            BadRequest: it has expired already.
            AlreadyExists: there is a registration with this id.
            Conflict: what it is about is held here, or belongs to another.
        """
        record = {**record, "createdAt": now, "modifiedAt": now}
        if is_expired(parsed(record), now):
            raise BadRequest(
                "member 'expiresAt' of the registration", "lies in the past", "name a later moment"
            )
        async with self._locks[tenant]:
            book = self.book(tenant, store)
            present = book.get(record["id"])
            if present is not None and present in book.all(now):
                raise AlreadyExists(
                    f"registration {record['id']}", "exists already", "change it with PATCH"
                )
            await self._check(parsed(record), book, store, now)
            await _written(store, Write(record["id"], lambda _: Edited(record)), settled)
            book.remove(record["id"])
            await self._tell(tenant, None, book.put(record))

    async def update(
        self,
        tenant: str | None,
        store: Store,
        id: str,
        payload: Any,
        context: Context,
        now: str,
        settled: Settled,
    ) -> None:
        """Update a registration (5.9.3).

        Raises:
            NotFound: there is none with this id.
            BadRequest, Conflict: it would not be acceptable afterwards.
        """
        async with self._locks[tenant]:
            book = self.book(tenant, store)
            before = found(book, id, now)
            record = changed(dict(before.record), payload, context, now)
            await self._check(parsed(record), book, store, now)
            await _written(store, Write(id, lambda _: Edited(record)), settled)
            await self._tell(tenant, before, book.put(record))

    async def delete(
        self, tenant: str | None, store: Store, id: str, now: str, settled: Settled
    ) -> None:
        """Delete a registration (5.9.4).

        Raises:
            NotFound: there is none with this id.
        """
        async with self._locks[tenant]:
            book = self.book(tenant, store)
            before = found(book, id, now)
            await _written(store, Write(id, lambda _: Edited(None)), settled)
            book.remove(id)
            self._health.pop((tenant, id), None)
            await self._tell(tenant, before, None)

    async def _check(self, new: Registration, book: Book, store: Store, now: str) -> None:
        fault = await asyncio.to_thread(conflict, new, book.all(now), store, now)
        if fault is not None:
            raise fault

    async def _tell(
        self, tenant: str | None, before: Registration | None, after: Registration | None
    ) -> None:
        for watcher in self.watchers:
            try:
                await watcher(tenant, before, after)
            except Exception:
                _LOG.exception("who watches registrations could not be told of a change")


def found(book: Book, id: str, now: str) -> Registration:
    """The registration with that identifier.

    Raises:
        NotFound: there is none, or it has expired.
    """
    registration = book.get(id)
    if registration is None or registration not in book.all(now):
        raise NotFound(f"registration {id}", "does not exist here", "check the id")
    return registration


async def _written(store: Store, write: Write, settled: Settled) -> None:
    (outcome,) = await settled(store.write_records(RECORD, [write]))
    if isinstance(outcome, HansaError):
        raise outcome
