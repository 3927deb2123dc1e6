"""The API as one ASGI application: finds the operation, runs it, and reports what goes wrong.

The gate is asked first whether who asks may read, or change, anything there: a stranger's body is not even read.

Every request ends in exactly one answer. A :class:`~hansa.kernel.errors.HansaError` becomes its
ProblemDetails; anything else is a defect: it is logged with its traceback and answered with a 500 that
says nothing of the inside.
"""

from __future__ import annotations

import asyncio
import difflib
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

from hansa.hub.contexts import ContextRegistry
from hansa.hub.federation.federation import Federation
from hansa.hub.federation.passing import Passing
from hansa.hub.federation.relay import Relay
from hansa.hub.notify.service import Notifier
from hansa.hub.own_contexts import inside, outside, single_url
from hansa.hub.registrations.watching import Watching
from hansa.kernel.clock import Clock
from hansa.kernel.errors import (
    BadRequest,
    HansaError,
    InternalError,
    MethodNotAllowed,
    NotFound,
)
from hansa.kernel.settings import Settings
from hansa.ngsild.context import Context, Source
from hansa.trust.gate import Gate
from hansa.web.api.answer import Answer
from hansa.web.api.background import Background
from hansa.web.api.call import JSON, LD_JSON, MERGE_JSON, Call
from hansa.web.api.commits import Commits
from hansa.web.api.notified import NOTIFIED
from hansa.web.api.problem import problem_answer
from hansa.web.api.routes import OPERATIONS, Operation
from hansa.web.api.snapshots import enter

__all__ = ["Service"]

log = logging.getLogger(__name__)

_WITHOUT_LENGTH = frozenset({204, 304})
_PLAIN = frozenset({"subscriptions", "csourceRegistrations"})

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Service:
    """The NGSI-LD API of a node, to be mounted at ``/ngsi-ld/v1``."""

    def __init__(
        self,
        *,
        gate: Gate,
        contexts: ContextRegistry,
        federation: Federation,
        watching: Watching,
        passing: Passing,
        relay: Relay,
        settings: Settings,
        clock: Clock,
        notifier: Notifier,
    ) -> None:
        self.gate = gate
        self.notifier = notifier
        self.contexts = contexts
        self.federation = federation
        self.watching = watching
        self.passing = passing
        self.relay = relay
        self.settings = settings
        self.clock = clock
        self.background = Background()
        self._tree = _tree()
        self._commits: Commits | None = None

    def commits(self) -> Commits:
        """The way back from the stores to the running event loop."""
        loop = asyncio.get_running_loop()
        if self._commits is None or self._commits.loop is not loop:
            self._commits = Commits(loop)
        return self._commits

    async def context(self, source: Source | None, base: str, tenant: str | None = None) -> Context:
        """The @context that a request names, or the node's default one.

        A request may name this node's own @context by its full address, which is not fetched.
        """
        if source is None:
            return self.contexts.default
        return await self.contexts.get(inside(source, base, tenant))

    def context_url(self, context: Context, base: str, tenant: str | None = None) -> str:
        """An address of `context`: its own, or one at which this node hosts it (clause 5.13.1)."""
        url = single_url(context.source)
        return str(outside(url or self.contexts.host(context.source, tenant), base))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        await self._serve(scope, receive, send, None)

    async def take_notification(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request in which a source tells of a subscription (5.8.6)."""
        await self._serve(scope, receive, send, NOTIFIED)

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, only: Operation | None
    ) -> None:
        answer = await self._answer(scope, receive, only)
        headers = answer.headers
        if answer.status not in _WITHOUT_LENGTH:
            headers.append((b"content-length", str(len(answer.body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive, only: Operation | None) -> Answer:
        call: Call | None = None
        try:
            operation, path = self._find(scope) if only is None else (_taken(scope, only), ())
            call = Call(self, scope, receive, path, operation.parameters)
            if only is None:
                self.gate.admit(call.principal, operation.asks, call.tenant)
            call.check_query()
            if call.snapshot is not None:
                await enter(call, operation.path)
            answer = await operation.handler(call)
        except HansaError as error:
            if scope["method"] == "OPTIONS" and isinstance(error, MethodNotAllowed):
                answer = _options(error.extra["allow"].split(", "))
            else:
                answer = self._refusal(error, call)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            fault = InternalError(
                "the request", "met a defect of this software", "the log of the node tells more"
            )
            answer = self._refusal(fault, call)
        if call is not None and call.extra:
            answer.headers.extend(call.extra)
        if call is not None and call.tenant is not None:
            answer.headers.append((b"ngsild-tenant", call.tenant.encode("latin-1")))
        if call is not None and call.snapshot is not None:
            answer.headers.append((b"ngsild-snapshot", call.snapshot.encode("latin-1")))
        return answer

    def _refusal(self, error: HansaError, call: Call | None) -> Answer:
        answer = problem_answer(error, call.headers.get(b"accept") if call else None)
        if isinstance(error, MethodNotAllowed):
            answer.headers.append(_allow(error.extra["allow"].split(", ")))
        return answer

    def _find(self, scope: Scope) -> tuple[Operation, tuple[str, ...]]:
        """The operation that a request means, with the variable parts of its path."""
        raw = scope.get("raw_path") or scope["path"].encode()
        root = scope.get("root_path", "").encode()
        path = raw.partition(b"?")[0].removeprefix(root)
        parts = _parts(path.strip(b"/"))
        node: Any = self._tree
        variables: list[str] = []
        for part in parts:
            if part in node and part != "*":
                node = node[part]
            elif "*" in node and part:
                node = node["*"]
                variables.append(part)
            elif "*" in node:
                raise _no_identifier(parts)
            else:
                raise _no_resource(parts)
        verbs = node.get(None)
        if verbs is None:
            raise _no_resource(parts)
        verb = "GET" if scope["method"] == "HEAD" else scope["method"]
        operation = verbs.get(verb)
        if operation is None and path.endswith(b"/") and _is_for_one(node, verb, parts):
            raise _no_identifier(parts)
        if operation is None:
            allowed = ", ".join(sorted(verbs))
            raise MethodNotAllowed(
                f"/{'/'.join(parts)}", f"does not offer {verb}", f"use {allowed}", allow=allowed
            )
        return operation, tuple(variables)


def _taken(scope: Scope, only: Operation) -> Operation:
    if scope["method"] != only.verb:
        raise MethodNotAllowed(
            only.path, f"does not offer {scope['method']}", f"use {only.verb}", allow=only.verb
        )
    return only


def _allow(verbs: list[str]) -> tuple[bytes, bytes]:
    """The methods of a resource, with those that come by themselves (RFC 9110, 10.2.1)."""
    allowed = sorted({*verbs, "OPTIONS", *(["HEAD"] if "GET" in verbs else [])})
    return b"allow", ", ".join(allowed).encode()


def _options(verbs: list[str]) -> Answer:
    """What a resource offers (RFC 9110, 9.3.7; RFC 5789, 3.1)."""
    headers = [_allow(verbs)]
    if "PATCH" in verbs:
        headers.append((b"accept-patch", f"{MERGE_JSON}, {JSON}, {LD_JSON}".encode()))
    return Answer(204, headers=headers)


def _parts(path: bytes) -> list[str]:
    """The parts of a path, decoded; an encoded slash is no separator."""
    try:
        parts = path.decode("ascii").split("/")
        return [unquote(part, errors="strict") for part in parts] if b"%" in path else parts
    except UnicodeDecodeError:
        raise BadRequest("the path", "is not percent-encoded UTF-8", "encode it") from None


def _is_for_one(node: dict[Any, Any], verb: str, parts: list[str]) -> bool:
    """Whether `verb`, sent to a collection, is offered by each thing in it.

    Of subscriptions and registrations the collection is said not to offer it (405), as clause 6.3.2 has it.
    """
    return len(parts) == 1 and parts[0] not in _PLAIN and verb in node.get("*", {}).get(None, {})


def _no_identifier(parts: list[str]) -> BadRequest:
    return BadRequest(
        f"/{'/'.join(parts)[:200]}", "an identifier is missing in the path", "say which is meant"
    )


def _no_resource(parts: list[str]) -> NotFound:
    heads = sorted({operation.path.split("/")[1] for operation in OPERATIONS})
    near = difflib.get_close_matches(parts[0], heads, n=1)
    hint = f"did you mean /{near[0]}?" if near else "see /api for what there is"
    return NotFound(f"/{'/'.join(parts)[:200]}", "is not a resource of this API", hint)


def _tree() -> dict[Any, Any]:
    """Path parts to subtrees; ``*`` is a variable part and None holds the verbs."""
    tree: dict[Any, Any] = {}
    for operation in OPERATIONS:
        node = tree
        for part in operation.path.strip("/").split("/"):
            node = node.setdefault("*" if part.startswith("{") else part, {})
        node.setdefault(None, {})[operation.verb] = operation
    return tree
