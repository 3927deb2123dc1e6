"""The @contexts of a node: what a request names becomes a resolved :class:`Context`.

A request names a URL, an object, or a list of these; documents may name further URLs. Documents are
looked for in this order: the core @context (every version's URL means the built-in one) and the
node's own, which are never fetched; the preloaded ones; those in memory; copies on disk; the source,
through the guard of the way out. A copy that has grown old is used when its source is down.

Requests that need one URL at the same moment share one fetch. A failure is remembered for half a
minute, so that a dead source does not slow every request. What was resolved once is found again by
one look-up.

Errors (clause 5.5.6): a source that cannot be had is ``LdContextNotAvailable``, a document that is
not a @context is ``BadRequestData``.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import orjson

from hansa.hub.context_files import Copies, Document, preloaded, read_document
from hansa.hub.context_parts import Gathering
from hansa.kernel.egress import Egress, Response
from hansa.kernel.errors import BadRequest, ContextUnavailable, HansaError
from hansa.kernel.folder import Folder
from hansa.kernel.settings import Settings
from hansa.ngsild.city import CITY_PATH, city_context, city_document
from hansa.ngsild.context import CORE, Context, Source
from hansa.ngsild.core import CORE_URLS

__all__ = ["ContextRegistry"]

_LOG = logging.getLogger(__name__)

_KEPT: Final = 32_000_000  # bytes of @contexts in memory, as JSON text
_ENTRY: Final = 16_000  # what an entry weighs beside its text: at most 2,000 entries
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
_FOREVER: Final = float("inf")

K = TypeVar("K")
V = TypeVar("V")


class _Resolved(NamedTuple):
    context: Context
    good_until: float


class _Failed(NamedTuple):
    error: HansaError
    until: float


class _Recent(OrderedDict[K, V]):
    """A mapping of limited total weight that forgets what was used longest ago."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._total = 0
        self._weights: dict[K, int] = {}

    def put(self, key: K, value: V, weight: int) -> None:
        """Set `key`; an entry weighs `weight` and a little for itself."""
        self._total += weight + _ENTRY - self._weights.get(key, 0)
        self._weights[key] = weight + _ENTRY
        self[key] = value
        self.move_to_end(key)
        while self._total > self._most and len(self) > 1:
            oldest, _ = self.popitem(last=False)
            self._total -= self._weights.pop(oldest)


class ContextRegistry:
    """Resolves what requests name as their @context.

    Args:
        egress: the way out; ``None`` means that nothing is ever fetched.
        preloaded: URL to @context value.
        copies: folder for copies of what was fetched.
        default: the @context of requests that name none.
        now: the time [seconds since 1970].
    """

    def __init__(
        self,
        egress: Egress | None = None,
        *,
        preloaded: Mapping[str, Any] | None = None,
        copies: Path | None = None,
        default: Context = CORE,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.default = default
        self._egress = egress
        self._now = now
        self._copies = Copies(copies)
        self._fixed: dict[str, Any] = {CITY_PATH: city_document()["@context"]}
        self._fixed |= preloaded or {}
        self._fixed |= {url: [] for url in CORE_URLS}
        self._hosted: _Recent[str, Source] = _Recent(_KEPT)
        self._resolved: _Recent[str | bytes, _Resolved] = _Recent(_KEPT)
        self._documents: _Recent[str, Document] = _Recent(_KEPT)
        self._failures: _Recent[str, _Failed] = _Recent(_KEPT)
        self._under_way: dict[str, asyncio.Task[Document]] = {}

    @classmethod
    def for_node(cls, settings: Settings, folder: Folder) -> ContextRegistry:
        """The registry of the node in `folder`.

        Raises:
            HansaError: a preloaded @context, or the default one, cannot be had.
        """
        registry = cls(
            Egress.for_node(settings),
            preloaded=preloaded(settings.contexts, folder.root),
            copies=folder.cache / "contexts",
        )
        if settings.context not in ("city", "core"):
            registry.default = _waiting(registry, settings.context)
        elif settings.context == "city" and not settings.dev:
            registry.default = city_context()
        return registry

    async def get(self, source: Source) -> Context:
        """The resolved @context that `source` names.

        Raises:
            ContextUnavailable: a URL in it cannot be had now, or may not be fetched.
            BadRequest: it is not a @context, or is made of too many documents.
        """
        key = source if isinstance(source, str) else _key(source)
        found = self._resolved.get(key)
        if found is not None and found.good_until > self._now():
            self._resolved.move_to_end(key)
            return found.context
        gathering = Gathering(self._document)
        await gathering.add(source)
        context = Context(gathering.parts, source)
        self._resolved.put(key, _Resolved(context, gathering.good_until), len(key) + gathering.size)
        return context

    def host(self, source: Source) -> str:
        """Keep a @context that a client sent inside a body; returns its path on this node."""
        key = _key(source)
        path = f"/contexts/{hashlib.sha256(key).hexdigest()[:32]}.jsonld"
        self._hosted.put(path, source, len(key))
        return path

    def document(self, path: str) -> dict[str, Any] | None:
        """The JSON-LD document that this node serves at `path`, or ``None``."""
        if path in self._hosted:
            return {"@context": self._hosted[path]}
        return {"@context": self._fixed[path]} if path in self._fixed else None

    async def _document(self, url: str) -> Document:
        if url in self._fixed:
            return Document(url, self._fixed[url], 0.0, _FOREVER, 0)
        if url in self._hosted:
            return Document(url, self._hosted[url], 0.0, _FOREVER, 0)
        known = self._documents.get(url)
        if known is not None and known.good_until > self._now():
            self._documents.move_to_end(url)
            return known
        failed = self._failures.get(url)
        if failed is not None and failed.until > self._now():
            raise type(failed.error)(failed.error.subject, failed.error.fact, failed.error.remedy)
        return await self._shared(url)

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


def _key(source: Any) -> bytes:
    try:
        return orjson.dumps(source, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        raise BadRequest("@context", "is nested too deeply or is not JSON", "flatten it") from None


def _good_for(answer: Response) -> float:
    """Seconds for which the source says that its document is good."""
    control = answer.headers.get("cache-control", "").lower()
    found = _MAX_AGE.search(control)
    if "no-store" in control or "no-cache" in control:
        return _SHORTEST
    return min(max(float(found[1]), _SHORTEST), _LONGEST) if found else _FRESH


def _waiting(registry: ContextRegistry, source: str) -> Context:
    """Resolve `source` in a loop of its own, whether or not this thread runs one."""
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(asyncio.run, registry.get(source)).result()
