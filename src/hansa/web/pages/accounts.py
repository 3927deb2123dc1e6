"""The accounts of the node, for its administrators: invite by a link, give roles, disable, let in again."""

from __future__ import annotations

from typing import Any, cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from hansa.kernel.errors import (
    AlreadyExists,
    BadRequest,
    Conflict,
    Forbidden,
    HansaError,
    InvalidRequest,
    NotFound,
)
from hansa.trust.identity.accounts import Account
from hansa.trust.principals import ROLES, Principal
from hansa.web.pages.roles import ROLE_NAMES
from hansa.web.shell.forms import Form, posted
from hansa.web.shell.site import Site

__all__ = ["AccountsPage"]


class AccountsPage:
    """Handlers of ``/admin/accounts``."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._desk = site.node.trust.desk

    def routes(self) -> list[BaseRoute]:
        """Their addresses."""
        return [
            Route("/admin/accounts", self.page, methods=["GET"]),
            Route("/admin/accounts", self.change, methods=["POST"]),
            Route("/hansa/v1/accounts", self.listed),
        ]

    async def page(self, request: Request) -> Response:
        """The page."""
        asker = self._site.asker(request)
        if asker.principal.kind == "public":
            return RedirectResponse("/login?next=/admin/accounts", status_code=303)
        _check(asker.principal)
        return await run_in_threadpool(self._page, request)

    async def listed(self, request: Request) -> Response:
        """The accounts as JSON, without anything that proves who somebody is."""
        _check(self._site.asker(request).principal)
        found = await run_in_threadpool(self._desk.accounts.all)
        return JSONResponse(
            [_public(each) for each in found], headers={"Cache-Control": "no-store"}
        )

    async def change(self, request: Request) -> Response:
        """``POST``: do what the form says."""
        asker, form = await posted(self._site, request)
        _check(asker.principal)
        link, fault = "", None
        try:
            secret = await run_in_threadpool(self._change, form, asker.principal)
            link = f"{self._site.base(request)}/link/{secret}" if secret else ""
        except (AlreadyExists, BadRequest, Conflict, NotFound) as error:
            fault = error
        return await run_in_threadpool(self._page, request, link, fault)

    def _change(self, form: Form, who: Principal) -> str:
        """The secret of a link, where one was made."""
        desk, name = self._desk, form.get("name", "")
        match form.get("do", ""):
            case "add":
                kind = cast("Any", "resident" if form.get("kind") == "resident" else "staff")
                roles = [] if kind == "resident" else form.getlist("role")
                made = desk.accounts.add(
                    name, kind=kind, roles=roles, full_name=form.get("full_name", ""), who=who
                )
                return desk.links.make(made.name, who=who)
            case "roles":
                desk.accounts.set_roles(name, form.getlist("role"), who)
            case "disable":
                desk.disable(name, who=who)
            case "enable":
                desk.disable(name, disabled=False, who=who)
            case "reset":
                return desk.reset(name, who)
            case "reset-wholly":
                return desk.reset(name, who, factors=True)
            case "end":
                desk.end_everything(name, who)
            case "end-all":
                desk.end_everything(who=who)
            case _:
                fact = "asks for nothing that this page does"
                raise InvalidRequest("the form", fact, "load it again")
        return ""

    def _page(self, request: Request, link: str = "", fault: HansaError | None = None) -> Response:
        all = self._desk.accounts.all()
        response = self._site.page(
            request,
            "accounts.html",
            status=fault.status if fault else 200,
            accounts=[
                (each, self._site.local(each.last_login) if each.last_login else None)
                for each in all
            ],
            roles=ROLES,
            role_names=ROLE_NAMES,
            sessions={each.name: len(self._desk.sessions.of(each.name)) for each in all},
            link=link,
            fault=fault,
            texts={},
        )
        response.headers["Cache-Control"] = "no-store"
        return response


def _check(principal: Principal) -> None:
    if not (principal.has("administrator") and principal.may("admin")):
        raise Forbidden("the accounts", "only an administrator may see and change them")


def _public(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "fullName": account.full_name,
        "kind": account.kind,
        "roles": account.roles,
        "disabled": account.disabled,
        "secondFactor": bool(account.totp or account.passkeys),
        "lastLogin": account.last_login or None,
    }
