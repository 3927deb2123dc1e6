"""The clients of the node, for its administrators: register a program or a city by its keys, shut it, remove it."""

from __future__ import annotations

from typing import Any, Final

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from hansa.kernel.errors import (
    AlreadyExists,
    BadRequest,
    Forbidden,
    HansaError,
    InvalidRequest,
    NotFound,
)
from hansa.trust.identity.clients import Client
from hansa.trust.principals import Principal
from hansa.web.pages.roles import SCOPE_NAMES
from hansa.web.shell.forms import Form, posted
from hansa.web.shell.site import Site

__all__ = ["ClientsPage"]

_OPEN: Final = {"Cache-Control": "no-store"}


class ClientsPage:
    """Handlers of ``/admin/clients``."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._clients = site.node.trust.desk.clients

    def routes(self) -> list[BaseRoute]:
        """Their addresses."""
        return [
            Route("/admin/clients", self.page, methods=["GET"]),
            Route("/admin/clients", self.change, methods=["POST"]),
            Route("/hansa/v1/clients", self.listed),
        ]

    async def page(self, request: Request) -> Response:
        """The page."""
        asker = self._site.asker(request)
        if asker.principal.kind == "public":
            return RedirectResponse("/login?next=/admin/clients", status_code=303)
        _check(asker.principal)
        return await run_in_threadpool(self._page, request)

    async def listed(self, request: Request) -> Response:
        """The clients as JSON; their keys are public."""
        _check(self._site.asker(request).principal)
        found = await run_in_threadpool(self._clients.all)
        return JSONResponse([_public(each) for each in found], headers=_OPEN)

    async def change(self, request: Request) -> Response:
        """``POST``: do what the form says."""
        asker, form = await posted(self._site, request)
        _check(asker.principal)
        fault = None
        try:
            await run_in_threadpool(self._change, form, asker.principal)
        except (AlreadyExists, BadRequest, Forbidden, NotFound) as error:
            fault = error
        return await run_in_threadpool(self._page, request, fault, True)

    def _change(self, form: Form, who: Principal) -> None:
        clients, id = self._clients, form.get("id", "")
        match form.get("do", ""):
            case "add":
                self._add(form, who)
            case "disable":
                clients.disable(id, who=who)
            case "enable":
                clients.disable(id, disabled=False, who=who)
            case "remove":
                clients.remove(id, who)
            case _:
                fact = "asks for nothing that this page does"
                raise InvalidRequest("the form", fact, "load it again")

    def _add(self, form: Form, who: Principal) -> None:
        types = [self._site.iri(name) for name in form.get("types", "").replace(",", " ").split()]
        days = form.get("days", "") or "0"
        self._clients.add(
            form.get("id", ""),
            jwks=_json(form.get("jwks", "")),
            jwks_uri=form.get("jwks_uri", "").strip(),
            name=form.get("name", ""),
            kind="city" if form.get("kind") == "city" else "service",
            scopes=form.getlist("scope"),
            types=types or None,
            purposes=form.get("purposes", "").replace(",", " ").split(),
            days=int(days) if days.isascii() and days.isdigit() and len(days) < 6 else -1,
            source=form.get("source", "")[:100],
            who=who,
        )

    def _page(
        self, request: Request, fault: HansaError | None = None, changed: bool = False
    ) -> Response:
        response = self._site.page(
            request,
            "clients.html",
            status=fault.status if fault else 200,
            clients=[
                (each, self._moment(each.used), self._moment(each.expires), self._reach(each))
                for each in self._clients.all()
            ],
            scopes=SCOPE_NAMES,
            sources=self._site.node.trust.sources.titles(),
            fault=fault,
            done=changed and fault is None,
            token_address=f"{self._site.base(request)}/oauth/token",
            texts={},
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    def _moment(self, text: str) -> Any:
        return self._site.local(text) if text else None

    def _reach(self, each: Client) -> str:
        types = ", ".join(map(self._site.term, each.types)) if each.types else ""
        parts = (", ".join(each.scopes), types, each.tenant, each.source, ", ".join(each.purposes))
        return " · ".join(part for part in parts if part)


def _json(text: str) -> object:
    if not text.strip():
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as fault:
        raise BadRequest("the key set", "is no JSON", "paste a JWKS (RFC 7517)") from fault


def _check(principal: Principal) -> None:
    if not (principal.has("administrator") and principal.may("admin")):
        raise Forbidden("the clients", "only an administrator may see and change them")


def _public(client: Client) -> dict[str, Any]:
    return {
        "id": client.id,
        "name": client.name,
        "kind": client.kind,
        "scopes": client.scopes,
        "types": client.types,
        "tenant": client.tenant,
        "purposes": client.purposes,
        "source": client.source or None,
        "jwks": client.jwks,
        "jwksUri": client.jwks_uri or None,
        "expires": client.expires or None,
        "disabled": client.disabled,
        "lastToken": client.used or None,
    }
