"""The node on the web: one ASGI application.

``/ngsi-ld/v1`` goes straight to the API (plain ASGI, nothing in between); everything else to the pages,
tiles and live streams. Errors end at one edge each: ProblemDetails for the API, a page for people.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hansa.hub.contexts import ContextRegistry
from hansa.hub.federation.copies import PATH
from hansa.hub.federation.federation import Federation
from hansa.hub.federation.passing import Passing
from hansa.hub.federation.relay import Relay
from hansa.hub.notify.service import Notifier
from hansa.hub.registrations.watching import Watching
from hansa.kernel.errors import HansaError, NotFound, TooManyRequests
from hansa.kernel.pace import Pace
from hansa.spokes.mailboxes import Mailboxes
from hansa.trust.occasion import begin
from hansa.web.api.algorithms import AlgorithmRoutes
from hansa.web.api.me import MeRoutes
from hansa.web.api.openapi import openapi
from hansa.web.api.policies import PolicyRoutes
from hansa.web.api.privacy import PrivacyRoutes
from hansa.web.api.problem import problem
from hansa.web.api.service import Service
from hansa.web.api.sources import SourceRoutes
from hansa.web.log_files import LogRoutes
from hansa.web.oauth import OAuthRoutes
from hansa.web.pages import error_handlers, make_pages
from hansa.web.shell.headers import guarded
from hansa.web.shell.hosts import Hosts
from hansa.web.shell.patience import patient
from hansa.web.shell.proof import proving
from hansa.web.shell.refusals import told
from hansa.web.shell.site import PageNode
from hansa.web.told import told_route

__all__ = ["WebNode", "build_app"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_API = "/ngsi-ld/v1"
_HERE = frozenset({"127.0.0.1", "::1"})
"""Programs of this machine: who can start one could stop the node in other ways."""


class WebNode(PageNode, Protocol):
    """What the web needs of a node."""

    @property
    def contexts(self) -> ContextRegistry:
        """The @contexts that requests name."""

    @property
    def notifier(self) -> Notifier:
        """What tells subscribers of changes."""

    @property
    def watching(self) -> Watching:
        """What tells subscribers of registrations."""

    @property
    def passing(self) -> Passing:
        """What passes subscriptions on to sources."""

    @property
    def relay(self) -> Relay:
        """What hands on what sources tell."""

    @property
    def federation(self) -> Federation:
        """The brokers that it knows as sources."""

    @property
    def mailboxes(self) -> Mailboxes:
        """Where services tell live sources what is new."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """The node's work in the background, for as long as the context lasts."""


def build_app(node: WebNode) -> App:
    """The application that serves `node`."""
    service = Service(
        gate=node.gate,
        contexts=node.contexts,
        federation=node.federation,
        watching=node.watching,
        passing=node.passing,
        relay=node.relay,
        settings=node.settings,
        clock=node.clock,
        notifier=node.notifier,
    )

    proved = _pages(node)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(_API):
            rest = scope["path"][len(_API) :]
            if rest == "" or rest[0] == "/":
                await service(
                    {**scope, "root_path": scope.get("root_path", "") + _API}, receive, send
                )
                return
        if scope["type"] == "http" and scope["path"] == PATH:
            await service.take_notification(scope, receive, send)
            return
        await proved(scope, receive, send)

    met = _met(patient(app), Hosts(node.settings), Pace(node.settings.rate_address))
    if not node.settings.dev:  # there is nobody to keep out
        met = told(met)
    return guarded(met, node.settings.base_url)


def _pages(node: WebNode) -> App:
    """What is not NGSI-LD's: pages, files, the gate's registers; who proves who they are is asked first."""

    async def context_document(request: Request) -> Response:
        found = node.contexts.document(request.url.path)
        if found is None:
            raise NotFound(f"@context {request.url.path}", "is not held by this node")
        return JSONResponse(found, media_type="application/ld+json")

    made = make_pages(node)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with node.running():
            warming = asyncio.create_task(run_in_threadpool(_quietly, made.warm))
            yield
            await warming

    handlers = error_handlers(node)
    pages = Starlette(
        routes=[
            Route("/openapi.json", _described),
            Route("/contexts/{name}", context_document),
            *_registers(node),
            told_route(node.mailboxes, node.settings.body_limit),
            *made.routes,
        ],
        exception_handlers=handlers,
        lifespan=lifespan,
    )
    return proving(pages, node.gate, node.trust.desk, handlers[HansaError])


def _registers(node: WebNode) -> list[BaseRoute]:
    """The addresses of the gate's own registers and of its log."""
    return [
        *LogRoutes(node).routes(),
        *AlgorithmRoutes(node).routes(),
        *MeRoutes(node).routes(),
        *PolicyRoutes(node).routes(),
        *PrivacyRoutes(node).routes(),
        *OAuthRoutes(node).routes(),
        *SourceRoutes(node).routes(),
    ]


def _met(app: App, hosts: Hosts, pace: Pace) -> App:
    """`app`, for requests that are meant for this node, from those who do not ask too often."""

    async def met(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            begin()
            try:
                hosts.check(scope["headers"])
                client = scope.get("client")
                if client and client[0] not in _HERE:
                    pace.take(client[0], "this address")
            except HansaError as error:
                await _refusal(error)(scope, receive, send)
                return
        await app(scope, receive, send)

    return met


def _quietly(work: Callable[[], None]) -> None:
    """Do something that nobody asked for; should it fail, who asks for the same is told why."""
    with suppress(HansaError):
        work()


def _refusal(error: HansaError) -> Response:
    """What is said before anybody looked at the request."""
    headers = {"Retry-After": str(error.after)} if isinstance(error, TooManyRequests) else None
    kind = "application/problem+json"
    return JSONResponse(problem(error), error.status, headers, media_type=kind)


async def _described(request: Request) -> Response:
    return JSONResponse(openapi(request.app.routes))
