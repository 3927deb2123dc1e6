"""The @contexts of a node: what a request names becomes a resolved :class:`Context`.

A request names a URL, an object, or a list of these; documents may name further URLs. Documents are
looked for in this order: the core @context (every version's URL means the built-in one) and the
node's own, which are never fetched; the preloaded ones; those in memory; those that clients stored
(:mod:`.own_contexts`); copies on disk; the source, through the guard of the way out.

What was resolved once is found again by one look-up. How often each is of use is counted in memory.

Errors (clause 5.5.6): a source that cannot be had is ``LdContextNotAvailable``, a document that is
not a @context is ``BadRequestData``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from hansa.hub.context_fetch import Fetched
from hansa.hub.context_files import Copies, Document, preloaded
from hansa.hub.context_parts import Gathering
from hansa.hub.own_contexts import (
    Entry,
    Kind,
    check_source,
    content_key,
    derived_id,
    implicit_path,
    record_place,
)
from hansa.hub.recent import Recent
from hansa.kernel.egress import Egress
from hansa.kernel.errors import ContextUnavailable, HansaError
from hansa.kernel.folder import Folder
from hansa.kernel.settings import Settings
from hansa.ngsild.city import CITY_PATH, city_context, city_document
from hansa.ngsild.context import CORE, Context, Source
from hansa.ngsild.core import CORE_URL, CORE_URLS

__all__ = ["ContextRegistry"]

_KEPT: Final = 32_000_000  # bytes of @contexts in memory, as JSON text: at most 2,000
_FOREVER: Final = float("inf")


class _Resolved(NamedTuple):
    context: Context
    good_until: float
    urls: frozenset[str]
    usages: tuple[_Usage, ...]


class _Usage:
    """How often a document was of use since the node started, and when last."""

    __slots__ = ("hits", "used")

    def __init__(self) -> None:
        self.hits = 0
        self.used: float | None = None


class ContextRegistry:
    """Resolves what requests name as their @context.

    Args:
        egress: the way out; ``None`` means that nothing is ever fetched.
        preloaded: URL to @context value.
        copies: folder for copies of what was fetched.
        default: the @context of requests that name none.
        now: the time [seconds since 1970].
        reread: reads the preloaded @context of a URL once more.

    Attributes:
        record: finds a stored @context by tenant and identifier.
    """

    def __init__(
        self,
        egress: Egress | None = None,
        *,
        preloaded: Mapping[str, Any] | None = None,
        copies: Path | None = None,
        default: Context = CORE,
        now: Callable[[], float] = time.time,
        reread: Callable[[str], Any] | None = None,
    ) -> None:
        self.default = default
        self.record: Callable[[str | None, str], bytes | None] = _no_record
        self._now = now
        self._started = now()
        self._reread = reread
        self._fetched = Fetched(egress, Copies(copies), now)
        self._preloaded = dict(preloaded or {})
        self._unlisted: set[str] = set()
        self._fixed: dict[str, Any] = {CITY_PATH: city_document()["@context"]}
        self._fixed |= self._preloaded
        self._fixed |= {url: [] for url in CORE_URLS}
        self._usages: Recent[str, _Usage] = Recent(_KEPT)
        self._hosted: Recent[str, tuple[Source, float]] = Recent(_KEPT)
        self._resolved: Recent[str | bytes, _Resolved] = Recent(_KEPT)

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
            reread=lambda url: preloaded(settings.contexts, folder.root).get(url),
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
        key = source if isinstance(source, str) else content_key(source)
        found = self._resolved.get(key)
        now = self._now()
        if found is None or found.good_until <= now:
            found = await self._resolve(key, source)
        self._resolved.move_to_end(key)
        for usage in found.usages:
            usage.hits += 1
            usage.used = now
        return found.context

    async def _resolve(self, key: str | bytes, source: Source) -> _Resolved:
        gathering = Gathering(self._document)
        await gathering.add(source)
        context = Context(gathering.parts, source)
        urls = frozenset(gathering.urls)
        self._unlisted -= urls
        usages = tuple(self._usage(url) for url in urls)
        found = _Resolved(context, gathering.good_until, urls, usages)
        self._resolved.put(key, found, len(key) + gathering.size)
        return found

    def _usage(self, url: str) -> _Usage:
        if url not in self._usages:
            self._usages.put(url, _Usage(), 0)
        return self._usages[url]

    def host(self, source: Source, tenant: str | None = None) -> str:
        """Keep a @context in memory that an answer has to name; returns its path on this node."""
        path = implicit_path(source, tenant)
        if path not in self._hosted:
            self._hosted.put(path, (source, self._now()), len(content_key(source)))
        self._hosted.move_to_end(path)
        return path

    def document(self, path: str) -> dict[str, Any] | None:
        """The JSON-LD document that this node serves at `path` without looking it up, or ``None``."""
        if path in self._hosted:
            return {"@context": self._hosted[path][0]}
        return {"@context": self._fixed[path]} if path in self._fixed else None

    # -- what is held (clause 5.13) -----------------------------------------------------------------

    async def held(self, tenant: str | None) -> list[Entry]:
        """Everything held for a tenant but what is stored as its records."""
        fetched = await self._fetched.known()
        found = [self._entry(CITY_PATH, "Hosted", self._started, fixed=True)]
        core = {CORE_URL, *CORE_URLS & self._usages.keys()}
        for url in (*sorted(core), *self._preloaded):
            if url not in self._unlisted:
                found.append(self._entry(url, "Cached", self._started, fixed=url in CORE_URLS))
        found += [
            self._entry(document.url, "Cached", document.retrieved, document.good_until)
            for document in fetched
            if document.url not in self._fixed
        ]
        found += [
            self._entry(path, "ImplicitlyCreated", made)
            for path, (_, made) in self._hosted.items()
            if (place := record_place(path)) is not None and place[0] == tenant
        ]
        return found

    def usage(self, url: str) -> tuple[int, float | None]:
        """How often an @context was of use since the node started, and when last."""
        usage = self._usages.get(url)
        return (usage.hits, usage.used) if usage else (0, None)

    def found(self, url: str) -> None:
        """Somebody asked about an @context that is held: one hit more."""
        self._usage(url).hits += 1

    def _entry(
        self,
        url: str,
        kind: Kind,
        created: float,
        expires: float | None = None,
        *,
        fixed: bool = False,
    ) -> Entry:
        place = record_place(url)
        hits, used = self.usage(url)
        id = place[1] if place else derived_id(url.encode())
        return Entry(url, id, kind, created, expires, used, hits, fixed)

    async def forget(self, url: str) -> None:
        """Drop an @context from memory and disk, with all that was made of it."""
        await self._fetched.forget(url)
        self._hosted.drop(url)
        self._usages.drop(url)
        if url in self._preloaded:
            self._unlisted.add(url)
        self._outdated(url)

    async def reload(self, url: str) -> None:
        """Read an @context from its source again, and use that from now on (5.13.5.4).

        Raises:
            ContextUnavailable: that failed; the old one stays.
        """
        if url in CORE_URLS:
            return
        try:
            if url in self._preloaded:
                context = await asyncio.to_thread(self._read_again, url)
                check_source(context, base=url)
                self._preloaded[url] = self._fixed[url] = context
            else:
                await self._fetched.reload(url)
        except HansaError as fault:
            raise ContextUnavailable(
                f"@context {url[:200]}", fault.fact, "the one that was held stays in use"
            ) from None
        self._outdated(url)

    def _read_again(self, url: str) -> Any:
        found = self._reread(url) if self._reread else None
        return self._preloaded[url] if found is None else found

    def _outdated(self, url: str) -> None:
        for key in [key for key, found in self._resolved.items() if url in found.urls]:
            self._resolved.drop(key)

    # -- documents ----------------------------------------------------------------------------------

    async def _document(self, url: str) -> Document:
        if url in self._fixed:
            return Document(url, self._fixed[url], 0.0, _FOREVER, 0)
        if url in self._hosted:
            return Document(url, self._hosted[url][0], 0.0, _FOREVER, 0)
        place = record_place(url)
        return await (self._stored(url, *place) if place else self._fetched.get(url))

    async def _stored(self, path: str, tenant: str | None, id: str) -> Document:
        """An @context that a client of the tenant gave to the node."""
        raw = await asyncio.to_thread(self.record, tenant, id)
        if raw is None:
            raise ContextUnavailable(f"@context {id[:200]}", "is not held here", "add it first")
        return Document(path, orjson.loads(raw)["@context"], 0.0, _FOREVER, len(raw))


def _no_record(tenant: str | None, id: str) -> None:
    """The records of a registry without stores."""


def _waiting(registry: ContextRegistry, source: str) -> Context:
    """Resolve `source` in a loop of its own, whether or not this thread runs one."""
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(asyncio.run, registry.get(source)).result()
