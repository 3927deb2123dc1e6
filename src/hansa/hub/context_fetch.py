"""@context documents from elsewhere: in memory, as copies on disk, or from their source.

Requests that need one URL at the same moment share one fetch. A failure is remembered for half a
minute, so that a dead source does not slow every request. A copy that has grown old is used when its
source is down.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

from hansa.hub.context_files import Copies, Document, read_document
from hansa.hub.own_contexts import check_source
from hansa.hub.recent import Recent
from hansa.kernel.egress import Egress, Response
from hansa.kernel.errors import ContextUnavailable, HansaError

__all__ = ["Fetched"]

_LOG = logging.getLogger(__name__)

_KEPT: Final = 32_000_000  # bytes of documents in memory, as JSON text: at most 2,000
_FETCHES: Final = 64  # fetches at the same time
_MAX_BYTES: Final = 5_000_000
_TIMEOUT: Final = 10.0  # seconds
_FAILURE: Final = 30.0  # seconds for which a failure is not tried again
_FRESH: Final = (
    86_400.0  # seconds for which a fetched document is good when its source says nothing
)
_SHORTEST, _LONGEST = 60.0, 30 * 86_400.0  # bounds on what a source may say about that
_ACCEPT: Final = "application/ld+json, application/json;q=0.9, */*;q=0.1"
_MAX_AGE: Final = re.compile(r"max-age=(\d{1,9})")


class _Failed(NamedTuple):
    error: HansaError
    until: float


class Fetched:
    """The documents behind URLs.

    Args:
        egress: the way out; ``None`` means that nothing is ever fetched.
        copies: copies of what was fetched.
        now: the time [seconds since 1970].
    """

    def __init__(self, egress: Egress | None, copies: Copies, now: Callable[[], float]) -> None:
        self._egress = egress
        self._copies = copies
        self._now = now
        self._documents: Recent[str, Document] = Recent(_KEPT)
        self._failures: Recent[str, _Failed] = Recent(_KEPT)
        self._under_way: dict[str, asyncio.Task[Document]] = {}

    async def get(self, url: str) -> Document:
        """The document at `url`.

        Raises:
            ContextUnavailable: it cannot be had now, or may not be fetched.
            BadRequest: it is no @context.
        """
        known = self._documents.get(url)
        if known is not None and known.good_until > self._now():
            self._documents.move_to_end(url)
            return known
        failed = self._failures.get(url)
        if failed is not None and failed.until > self._now():
            raise type(failed.error)(failed.error.subject, failed.error.fact, failed.error.remedy)
        return await self._shared(url)

    async def known(self) -> list[Document]:
        """What is in memory or on disk."""
        found = {document.url: document for document in await asyncio.to_thread(self._copies.known)}
        return list({**found, **self._documents}.values())

    async def forget(self, url: str) -> None:
        """Drop the document at `url` from memory and disk."""
        await asyncio.to_thread(self._copies.remove, url)
        self._documents.drop(url)
        self._failures.drop(url)

    async def reload(self, url: str) -> None:
        """Fetch the document at `url` again, and keep it in place of the old one.

        Raises:
            HansaError: it cannot be had, or is no @context; the old one stays.
        """
        document = await self._fetch(url)
        check_source(document.context, base=url)
        await asyncio.to_thread(self._copies.save, document)
        self._documents.put(url, document, document.size)

    async def _shared(self, url: str) -> Document:
        """One fetch for everyone who wants `url` now; it goes on when one of them leaves."""
        task = self._under_way.get(url)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            if len(self._under_way) >= _FETCHES:
                raise ContextUnavailable(
                    f"@context {url[:200]}", "too many others are being fetched", "try again soon"
                )
            task = asyncio.create_task(self._obtain(url))
            self._under_way[url] = task
            task.add_done_callback(lambda done: self._settle(url, done))
        return await asyncio.shield(task)

    def _settle(self, url: str, done: asyncio.Task[Document]) -> None:
        if self._under_way.get(url) is done:
            del self._under_way[url]
        error = None if done.cancelled() else done.exception()
        if isinstance(error, HansaError):
            self._failures.put(url, _Failed(error, self._now() + _FAILURE), 0)

    async def _obtain(self, url: str) -> Document:
        kept = await asyncio.to_thread(self._copies.load, url)
        if kept is None or kept.good_until <= self._now():
            try:
                kept = await self._fetch(url)
                await asyncio.to_thread(self._copies.save, kept)
            except ContextUnavailable as fault:
                if kept is None:
                    raise
                _LOG.warning("@context %s: %s; its copy is used", url, fault.fact)
                kept = replace(kept, good_until=self._now() + _SHORTEST)
        self._documents.put(url, kept, kept.size)
        return kept

    async def _fetch(self, url: str) -> Document:
        subject = f"@context {url[:200]}"
        if self._egress is None or not url.startswith(("http://", "https://")):
            raise ContextUnavailable(
                subject, "cannot be fetched by this node", "preload it, or name an http(s) URL"
            )
        try:
            answer = await self._egress.fetch(
                url, accept=_ACCEPT, max_bytes=_MAX_BYTES, timeout=_TIMEOUT
            )
        except HansaError as fault:
            raise ContextUnavailable(
                subject, fault.fact, "check the address, or have the node preload it"
            ) from None
        context = read_document(answer.content, subject)
        now = self._now()
        return Document(url, context, now, now + _good_for(answer), len(answer.content))


def _good_for(answer: Response) -> float:
    """Seconds for which the source says that its document is good."""
    control = answer.headers.get("cache-control", "").lower()
    found = _MAX_AGE.search(control)
    if "no-store" in control or "no-cache" in control:
        return _SHORTEST
    return min(max(float(found[1]), _SHORTEST), _LONGEST) if found else _FRESH
