"""Logging in at a provider (OpenID Connect): the way there, and the way back."""

from __future__ import annotations

from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from hansa.kernel.errors import Forbidden
from hansa.trust.identity.providers import Provider
from hansa.trust.identity.seals import SECONDS
from hansa.web.shell.forms import local_path
from hansa.web.shell.site import Site
from hansa.web.shell.who import is_secure, remember

__all__ = ["ElsewherePages"]

_SAFE: Final = "__Host-hansa-login"
_PLAIN: Final = "hansa_login"
_KEPT: Final = {"Cache-Control": "no-store"}


class ElsewherePages:
    """Handlers of ``/login/with/…`` and ``/login/from/…``."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[BaseRoute]:
        """Their addresses."""
        return [
            Route("/login/with/{provider}", self.go),
            Route("/login/from/{provider}", self.come_back),
            Route("/hansa/v1/providers", self.listed),
        ]

    async def go(self, request: Request) -> Response:
        """To the provider; the browser keeps, sealed, what it must bring back."""
        trust, provider = self._site.node.trust, await self._provider(request)
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            # A page elsewhere must not be able to log somebody in; here they choose it themselves.
            return RedirectResponse("/login", status_code=303, headers=_KEPT)
        back = f"{self._site.base(request)}/login/from/{provider.id}"
        onward = local_path(request.query_params.get("next", "/"))
        started = await trust.openid.start(provider, back, onward)
        response = RedirectResponse(started.address, status_code=303, headers=_KEPT)
        safe = is_secure(request)
        response.set_cookie(
            _SAFE if safe else _PLAIN,
            started.sealed,
            max_age=SECONDS,
            path="/",
            secure=safe,
            httponly=True,
            samesite="lax",
        )
        return response

    async def come_back(self, request: Request) -> Response:
        """From the provider: begin a session, or say why not."""
        trust, provider = self._site.node.trust, await self._provider(request)
        name = _SAFE if is_secure(request) else _PLAIN
        sealed = request.cookies.get(name, "")
        account, onward = await trust.openid.finish(provider, sealed, request.query_params)
        asker = self._site.asker(request)
        host = request.client.host if request.client else ""
        agent = request.headers.get("user-agent", "")
        secret = await run_in_threadpool(trust.desk.enter, account.name, host, agent)
        if asker.session is not None:
            trust.desk.sessions.end(asker.session.account, asker.session.id)
        response = RedirectResponse(local_path(onward), status_code=303, headers=_KEPT)
        response.delete_cookie(name, path="/", secure=is_secure(request), httponly=True)
        remember(request, response, secret)
        return response

    async def listed(self, request: Request) -> Response:
        """The providers as JSON, for administrators, without their secrets."""
        principal = self._site.asker(request).principal
        if not (principal.has("administrator") and principal.may("admin")):
            raise Forbidden("the providers", "only an administrator may see them")
        found = await run_in_threadpool(self._site.node.trust.desk.providers.all)
        return JSONResponse([_public(each) for each in found], headers=_KEPT)

    async def _provider(self, request: Request) -> Provider:
        id = request.path_params["provider"]
        return await run_in_threadpool(self._site.node.trust.desk.providers.named, id)


def _public(provider: Provider) -> dict[str, Any]:
    return {
        "id": provider.id,
        "name": provider.name,
        "issuer": provider.issuer,
        "clientId": provider.client_id,
        "rules": provider.rules,
        "residents": provider.residents,
    }
