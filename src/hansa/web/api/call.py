"""One API request, read step by step: what a handler asks for is parsed, nothing else.

Order of the checks, each with the error its clause names: the length of the body (6.3.4), its media
type (415), its size and nesting (413), its JSON (InvalidRequest), its @context (6.3.5), the media types
accepted (406).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl

import orjson

from hansa.hub.contexts import ContextRegistry
from hansa.hub.expiry import MARK, alive, bury
from hansa.hub.federation.federation import Federation
from hansa.hub.federation.passing import Passing
from hansa.hub.federation.relay import Relay
from hansa.hub.notify.service import Notifier
from hansa.hub.registrations.watching import Watching
from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import (
    BadRequest,
    HansaError,
    InvalidRequest,
    LengthRequired,
    TooLarge,
    UnsupportedMediaType,
)
from hansa.kernel.settings import Settings
from hansa.ngsild.context import Context, Source
from hansa.ngsild.model import Entity
from hansa.ngsild.query import Query
from hansa.store.port import Outcome, Reader, Store, Write, Written
from hansa.trust.gate import Gate
from hansa.trust.policy.duties import HEADER as DUTIES
from hansa.trust.policy.duties import header as duties
from hansa.trust.policy.view import View
from hansa.trust.principals import LOCAL, Principal
from hansa.trust.purposes import with_purpose
from hansa.web.api.accept import best_of
from hansa.web.api.background import Background
from hansa.web.api.commits import Commits
from hansa.web.api.conditions import conditioned
from hansa.web.api.heads import depth_exceeds, headers_of, linked_context
from hansa.web.api.params import check_parameters

__all__ = ["GEO_JSON", "JSON", "LD_JSON", "MERGE_JSON", "Backend", "Call"]

JSON: Final = "application/json"
LD_JSON: Final = "application/ld+json"
GEO_JSON: Final = "application/geo+json"
MERGE_JSON: Final = "application/merge-patch+json"

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]

_NO_OPTIONS: Final[frozenset[str]] = frozenset()


class Backend(Protocol):
    """What a request needs of the node."""

    gate: Gate
    contexts: ContextRegistry
    federation: Federation
    watching: Watching
    passing: Passing
    relay: Relay
    settings: Settings
    clock: Clock
    background: Background
    notifier: Notifier

    def commits(self) -> Commits:
        """The way back from the stores to the running event loop."""

    async def context(self, source: Source | None, base: str, tenant: str | None = None) -> Context:
        """The @context that a request names, or the node's default one."""

    def context_url(self, context: Context, base: str, tenant: str | None = None) -> str:
        """An address of a @context."""


class Call:
    """A request to one operation of the API.

    ``headers`` are the header fields by lower-case name; repeated ones are joined with commas.
    ``extra`` are header fields for the answer, whatever it will be.
    """

    def __init__(
        self,
        service: Backend,
        scope: Scope,
        receive: Receive,
        path: tuple[str, ...],
        known: frozenset[str],
    ) -> None:
        self.service = service
        self.method: str = scope["method"]
        self.path = path
        self._scope = scope
        self._receive = receive
        self._known = known
        self.headers = headers_of(scope["headers"])
        self._query: dict[str, str] | None = None
        self._now = ""
        self._principal: Principal | None = None
        self.extra: list[tuple[bytes, bytes]] = []

    # -- head ---------------------------------------------------------------------------------------

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the query string, checked against those of the operation."""
        if self._query is None:
            raw = self._scope["query_string"]
            self._query = self._parameters(raw) if raw else {}
        return self._query

    def check_query(self) -> None:
        """Refuse a parameter that the operation does not take, before anything is done (6.3.20)."""
        raw = self._scope["query_string"]
        if raw:
            self._query = self._parameters(raw)

    def _parameters(self, raw: bytes) -> dict[str, str]:
        try:
            pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict")
        except (UnicodeDecodeError, ValueError):
            raise InvalidRequest(
                "the query string", "is not percent-encoded UTF-8", "encode it as RFC 3986 says"
            ) from None
        return check_parameters(pairs, self._known)

    @property
    def options(self) -> frozenset[str]:
        """The words of the ``options`` and ``format`` parameters."""
        if not self.query:
            return _NO_OPTIONS
        words = f"{self.query.get('options', '')},{self.query.get('format', '')}"
        return frozenset(word.strip() for word in words.split(",") if word.strip())

    @property
    def now(self) -> str:
        """The instant of this request, as text."""
        if not self._now:
            self._now = iso(self.service.clock.now())
        return self._now

    @property
    def principal(self) -> Principal:
        """Who is asking."""
        if self._principal is None:
            found = self.service.gate.identify(self.headers.get(b"authorization"))
            purpose = self.headers.get(b"hansa-purpose")
            self._principal = found if purpose is None else with_purpose(found, purpose)
        return self._principal

    @property
    def tenant(self) -> str | None:
        """The tenant that is meant (clause 6.3.14)."""
        return self.headers.get(b"ngsild-tenant") or None

    @property
    def snapshot(self) -> str | None:
        """The snapshot that is meant, if one is (clauses 5.5.15 and 6.3.22)."""
        return self.headers.get(b"ngsild-snapshot") or None

    def reader(self) -> Reader:
        """The entities of the tenant, or of the snapshot, to read."""
        gate, passes_on = self.service.gate, b"via" in self.headers
        return self._obliged(
            *gate.sighted(self.principal, self.tenant, self.snapshot, passes_on=passes_on)
        )

    def _obliged(self, reader: Reader, view: View) -> Reader:
        """The reader, whose obligations the answer tells."""
        if view.obligations:
            told = (DUTIES.lower().encode(), duties(view.obligations).encode())
            self.extra = [*(each for each in self.extra if each[0] != told[0]), told]
        return reader

    def summed_reader(self, query: Query) -> Reader:
        """The same, for a question that wants counts or sums of it alone; ``Hansa-Action: aggregate`` asks for groups."""
        wish = self.headers.get(b"hansa-action", "")
        if wish not in ("", "aggregate", "read"):
            raise BadRequest("the header Hansa-Action", "is unknown", "write read or aggregate")
        gate, groups = self.service.gate, wish == "aggregate"
        if wish == "read":
            return self.reader()
        return self._obliged(
            *gate.sums(self.principal, self.tenant, self.snapshot, query, by_groups=groups)
        )

    def writer(self, *, make: bool = False) -> Store:
        """The entities of the tenant, or of the snapshot, to write."""
        return self.service.gate.writer(self.principal, self.tenant, self.snapshot, make=make)

    def tenant_writer(self) -> Store:
        """What the tenant itself has, also where a snapshot is meant."""
        return self.service.gate.writer(self.principal, self.tenant)

    def subscriber(self, *, make: bool = False) -> Store:
        """Where subscriptions to the same are kept, for those who may subscribe."""
        return self.service.gate.subscriber(self.principal, self.tenant, self.snapshot, make=make)

    def taker(self, *, make: bool = False) -> Store:
        """The same, for those who bring entities: those of a declared source, led through its steps."""
        return self.service.gate.taker(self.principal, self.tenant, self.snapshot, make=make)

    @property
    def base(self) -> str:
        """The public address of this node, as set or as the request names it."""
        configured = self.service.settings.base_url
        host = self.headers.get(b"host") or "localhost"
        return configured or f"{self._scope.get('scheme', 'http')}://{host}"

    @property
    def url(self) -> str:
        """The path of the request without its query string."""
        return str(self._scope["path"])

    # -- what comes back ----------------------------------------------------------------------------

    def accepted(self, *offered: str) -> str:
        """The media type to answer with: the best of `offered`, in order of preference (6.3.4)."""
        accept = self.headers.get(b"accept")
        return offered[0] if accept is None or accept == "*/*" else best_of(offered, accept)

    # -- body and @context --------------------------------------------------------------------------

    async def body(self, *kinds: str) -> bytes:
        """The body, after its media type and length have been checked."""
        if b"content-length" not in self.headers:
            raise LengthRequired(
                "the request", "does not say how long its body is", "send Content-Length"
            )
        self._check_media_type(kinds or (JSON, LD_JSON))
        limit = self.service.settings.body_limit
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise InvalidRequest(
                    "the request body", "was cut off by the client", "send it again"
                )
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise TooLarge(
                    "the request body",
                    f"is larger than {limit:,} bytes",
                    "send it in smaller parts",
                )
            chunks.append(chunk)
            if not message.get("more_body"):
                return b"".join(chunks) if len(chunks) > 1 else chunks[0]

    async def json(self, *kinds: str) -> Any:
        """The body as JSON."""
        raw = await self.body(*kinds)
        try:
            found = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise InvalidRequest(
                "the request body",
                f"is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})",
                "mend it at that place",
            ) from None
        except RecursionError:
            raise self._too_deep() from None
        limit = self.service.settings.depth_limit
        if raw.count(b"{") + raw.count(b"[") > limit and depth_exceeds(found, limit):
            raise self._too_deep()
        return found

    def _too_deep(self) -> TooLarge:
        limit = self.service.settings.depth_limit
        return TooLarge("the request body", f"is nested deeper than {limit} levels", "flatten it")

    def _check_media_type(self, kinds: tuple[str, ...]) -> None:
        declared = self.headers.get(b"content-type", "").partition(";")[0].strip().lower()
        if not declared and b"content-type" not in self.headers:
            raise InvalidRequest("the request", "has no Content-Type", f"send {' or '.join(kinds)}")
        if declared not in kinds:
            raise UnsupportedMediaType(
                f"the Content-Type {declared[:60]!r}",
                "is not one this resource reads",
                f"send {' or '.join(kinds)}",
                accept=", ".join(kinds),
            )

    @property
    def is_linked_data(self) -> bool:
        """Whether the body is declared as JSON-LD, and so must carry its own @context."""
        return self.headers.get(b"content-type", "").partition(";")[0].strip().lower() == LD_JSON

    async def link_context(self) -> Context:
        """The @context of the Link header, or the node's default one (6.3.5)."""
        link = self.headers.get(b"link")
        source = linked_context(link) if link else None
        return await self.service.context(source, self.base, self.tenant)

    def refuse_second_context(self) -> None:
        """Refuse an @context in the Link header beside the one in a JSON-LD body (6.3.5)."""
        link = self.headers.get(b"link")
        if link and self.is_linked_data and linked_context(link) is not None:
            raise BadRequest(
                "the Link header",
                "names an @context although the body is application/ld+json",
                "leave one of the two out",
            )

    async def body_context(self, payload: Any) -> Context:
        """The @context of a request with a body: from the body (JSON-LD) or the Link header (JSON)."""
        inside = payload.get("@context") if isinstance(payload, dict) else None
        if not self.is_linked_data:
            if isinstance(payload, dict) and "@context" in payload:
                raise BadRequest(
                    "the request body",
                    "carries an @context although it is declared as application/json",
                    "send it as application/ld+json, or name the @context in a Link header",
                )
            return await self.link_context()
        self.refuse_second_context()
        if not isinstance(payload, dict):
            raise InvalidRequest("the request body", "is not a JSON object", "send { … }")
        if inside is None:
            raise BadRequest(
                "the request body", "is application/ld+json without an @context", "add an @context"
            )
        return await self.service.context(inside, self.base, self.tenant)

    # -- reading ------------------------------------------------------------------------------------

    def alive(self, raw: bytes | None) -> Entity | None:
        """An entity of the store without what has expired; that is deleted for good later (4.22)."""
        if raw is None:
            return None
        entity: Entity = orjson.loads(raw)
        if MARK not in raw:
            return entity
        left = alive(entity, self.now)
        if left is not entity:
            store = self.service.gate.writer(LOCAL, self.tenant, self.snapshot)
            store.write([bury(entity["id"], self.now)])
        return left

    # -- writing ------------------------------------------------------------------------------------

    async def commit(self, store: Store, write: Write) -> Written:
        """Make one write durable, or raise what refused it."""
        if b"if-match" in self.headers:
            write = conditioned(write, self.headers[b"if-match"])
        (outcome,) = await self.commit_all(store, [write])
        if isinstance(outcome, HansaError):
            raise outcome
        return outcome

    async def commit_all(self, store: Store, writes: list[Write]) -> list[Outcome]:
        """Make several writes durable; one outcome each."""
        return await self.service.commits().settled(store.write(writes))
