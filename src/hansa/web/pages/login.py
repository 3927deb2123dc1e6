"""Logging in and out, and the one-time links by which somebody gets into an account first or again."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from hansa.kernel.errors import AlreadyExists, BadRequest, HansaError, Unauthorized
from hansa.trust.identity.passkeys import Place, place_of
from hansa.web.shell.forms import local_path, posted
from hansa.web.shell.hashing import HASHING
from hansa.web.shell.language import choose
from hansa.web.shell.site import Site
from hansa.web.shell.who import forget, remember

__all__ = ["LoginPages", "here"]


class LoginPages:
    """Handlers of ``/login``, ``/logout`` and ``/link/…``."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[BaseRoute]:
        """Their addresses."""
        return [
            Route("/login", self.login, methods=["GET"]),
            Route("/login", self.log_in, methods=["POST"]),
            Route("/login/passkey", self.by_passkey, methods=["POST"]),
            Route("/login/passkey/options", self.passkey_options, methods=["POST"]),
            Route("/logout", self.log_out, methods=["POST"]),
            Route("/link/{secret}", self.link, methods=["GET"]),
            Route("/link/{secret}", self.open_link, methods=["POST"]),
        ]

    async def login(self, request: Request) -> Response:
        """The form; who must only show a second factor goes on to where they can."""
        if self._site.asker(request).lacks:
            return RedirectResponse("/account", status_code=303)
        return self._login(request, local_path(request.query_params.get("next", "/")))

    async def log_in(self, request: Request) -> Response:
        """``POST``: begin a session. One that was there before ends."""
        asker, form = await posted(self._site, request)
        onward = local_path(form.get("next", "/"))
        desk = self._site.node.trust.desk
        name, password, code = (form.get(part, "") for part in ("name", "password", "code"))
        try:
            secret = await HASHING.run(desk.log_in, name, password, code, *_origin(request))
        except Unauthorized as error:
            return self._login(request, onward, name, error)
        if asker.session is not None:
            desk.sessions.end(asker.session.account, asker.session.id)
        response = RedirectResponse(onward, status_code=303)
        remember(request, response, secret)
        return response

    async def passkey_options(self, request: Request) -> Response:
        """``POST``: what a browser needs to use a passkey, as JSON."""
        await posted(self._site, request)
        place = here(self._site, request)
        found = await run_in_threadpool(self._site.node.trust.desk.passkeys.to_enter, place)
        return JSONResponse(found, headers={"Cache-Control": "no-store"})

    async def by_passkey(self, request: Request) -> Response:
        """``POST``: begin a session by what a passkey signed."""
        asker, form = await posted(self._site, request)
        onward = local_path(form.get("next", "/"))
        desk, place = self._site.node.trust.desk, here(self._site, request)
        sealed, answer = form.get("sealed", ""), form.get("answer", "")
        try:
            secret = await run_in_threadpool(
                desk.log_in_by_passkey, place, sealed, answer, *_origin(request)
            )
        except (Unauthorized, BadRequest) as error:
            return self._login(request, onward, "", error)
        if asker.session is not None:
            desk.sessions.end(asker.session.account, asker.session.id)
        response = RedirectResponse(onward, status_code=303)
        remember(request, response, secret)
        return response

    async def log_out(self, request: Request) -> Response:
        """``POST``: end the session."""
        asker, _ = await posted(self._site, request)
        if asker.session is not None:
            await run_in_threadpool(self._site.node.trust.desk.log_out, asker.session)
        response = RedirectResponse("/", status_code=303)
        response.headers["Clear-Site-Data"] = '"cache"'
        forget(request, response)
        return response

    async def link(self, request: Request) -> Response:
        """The form behind a one-time link."""
        return self._link(request)

    async def open_link(self, request: Request) -> Response:
        """``POST``: use the link."""
        asker, form = await posted(self._site, request)
        secret = request.path_params["secret"]
        name = form.get("name", "")
        desk = self._site.node.trust.desk
        try:
            if form.get("password", "") != form.get("again", ""):
                fact = "was not written the same twice"
                raise BadRequest("the password", fact, "write it again")
            made = await HASHING.run(
                desk.open_link,
                secret,
                name,
                form.get("password", ""),
                *_origin(request),
                form.get("code", ""),
            )
        except (BadRequest, AlreadyExists, Unauthorized) as error:
            return self._link(request, name, error)
        if asker.session is not None:
            desk.sessions.end(asker.session.account, asker.session.id)
        response = RedirectResponse("/account", status_code=303)
        remember(request, response, made)
        return response

    def _login(
        self, request: Request, onward: str, name: str = "", error: HansaError | None = None
    ) -> Response:
        tongue = choose(request)
        wrong = tongue("This passkey opens no account here.")
        fault = (
            tongue("Name, password or code is not right, or you must wait after many failures.")
            if error
            else ""
        )
        if error and request.url.path == "/login/passkey":
            fault = wrong
        status = 401 if error else 200
        return self._shown(
            request,
            "login.html",
            status=status,
            onward=onward,
            name=name[:64],
            fault=fault,
            passkeys=place_of(self._site.base(request)) is not None,
            providers=self._site.node.trust.desk.providers.all(),
        )

    def _link(self, request: Request, name: str = "", error: HansaError | None = None) -> Response:
        desk = self._site.node.trust.desk
        account = desk.links.account(request.path_params["secret"])
        held = desk.accounts.get(account) if account else None
        return self._shown(
            request,
            "link.html",
            status=error.status if error else 200,
            account=account,
            code=bool(held and held.totp),
            name=name[:64],
            error=error,
        )

    def _shown(self, request: Request, template: str, *, status: int, **values: object) -> Response:
        texts = self._site.script_texts(choose(request))
        response = self._site.page(request, template, status=status, texts=texts, **values)
        response.headers["Cache-Control"] = "no-store"
        return response


def _origin(request: Request) -> tuple[str, str]:
    """Where a login comes from: address and browser."""
    host = request.client.host if request.client else ""
    return host, request.headers.get("user-agent", "")


def here(site: Site, request: Request) -> Place:
    """Where passkeys are good on the pages that somebody looks at.

    Raises:
        BadRequest: nowhere.
    """
    place = place_of(site.base(request))
    if place is None:
        fact = "cannot be used at an IP address, or without https"
        raise BadRequest("passkeys", fact, "reach the node by a name, and https")
    return place
