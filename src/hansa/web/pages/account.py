"""My account: password, passkeys, authenticator app, sessions, tokens.

What is grave asks for the password again, and for a code if the login is older than ten minutes; after that the session goes
on under a new secret. Who logged in by less than the node asks for finds here how to show more, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from hansa.kernel.clock import iso
from hansa.kernel.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    HansaError,
    InvalidRequest,
    NotFound,
    Unauthorized,
)
from hansa.trust.identity.accounts import Account
from hansa.trust.identity.entrance import By
from hansa.trust.identity.passkeys import Place, place_of
from hansa.trust.identity.second import address, picture
from hansa.trust.identity.sessions import Session
from hansa.trust.identity.tokens import Token
from hansa.trust.keeping import is_keeper, keeps_registers
from hansa.trust.principals import SCOPES
from hansa.web.pages.login import here
from hansa.web.pages.roles import ROLE_NAMES, SCOPE_NAMES
from hansa.web.shell.forms import Form, posted
from hansa.web.shell.hashing import HASHING
from hansa.web.shell.language import choose
from hansa.web.shell.site import Site
from hansa.web.shell.who import remember, renew

__all__ = ["AccountPages"]


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown once, after something was made: a token, codes; or what was wrong.

    ``by``: what the session is worth from now on, where that grew; ``secret``: of the session that goes on.
    """

    token: str = ""
    codes: tuple[str, ...] = ()
    error: HansaError | None = None
    done: bool = False
    by: By | None = None
    secret: str = ""


class AccountPages:
    """Handlers of ``/account`` and of who am I."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._desk = site.node.trust.desk

    def routes(self) -> list[BaseRoute]:
        """Their addresses."""
        return [
            Route("/account", self.page, methods=["GET"]),
            Route("/account", self.change, methods=["POST"]),
            Route("/account/passkey/options", self.passkey_options, methods=["POST"]),
            Route("/hansa/v1/me", self.me),
        ]

    async def page(self, request: Request) -> Response:
        """The page; somebody who is not logged in is asked to first."""
        if self._site.asker(request).session is None:
            return RedirectResponse("/login?next=/account", status_code=303)
        return await run_in_threadpool(self._page, request, Shown())

    async def me(self, request: Request) -> Response:
        """Who the node takes the caller for, as JSON."""
        principal = self._site.asker(request).principal
        narrowing = principal.narrowing
        found = {
            "name": principal.name,
            "kind": principal.kind,
            "roles": sorted(principal.roles),
            "scopes": sorted(narrowing.scopes if narrowing else SCOPES),
            "types": sorted(narrowing.types) if narrowing and narrowing.types else None,
            "tenant": narrowing.tenant if narrowing else None,
        }
        return JSONResponse(found, headers={"Cache-Control": "no-store"})

    async def change(self, request: Request) -> Response:
        """``POST``: do what the form says."""
        asker, form = await posted(self._site, request)
        session, account = asker.own()
        host = request.client.host if request.client else ""
        place = place_of(self._site.base(request))
        try:
            shown = await HASHING.run(self._change, form, session, account, host, place)
        except (BadRequest, Conflict, Forbidden, Unauthorized, NotFound) as error:
            shown = Shown(error=error)
        if shown.secret:
            renew(request, shown.secret)
        response = await run_in_threadpool(self._page, request, shown)
        if shown.secret:
            remember(request, response, shown.secret)
        return response

    async def passkey_options(self, request: Request) -> Response:
        """``POST``: what a browser needs to make a passkey, as JSON."""
        asker, _ = await posted(self._site, request)
        _, account = asker.own()
        place = here(self._site, request)
        found = await run_in_threadpool(self._desk.passkeys.to_add, account, place)
        return JSONResponse(found, headers={"Cache-Control": "no-store"})

    def _change(
        self, form: Form, session: Session, account: Account, host: str, place: Place | None
    ) -> Shown:
        entrance, given = self._desk.entrance, form.get("current", "")
        if form.get("do") in ("end", "end-others", "revoke"):
            fresh = entrance.is_fresh(session)
            entrance.confirm_lightly(session, account, given, host)
            self._end(form, session, account)
            return Shown(done=True, secret="" if fresh else entrance.renewed(session))
        if form.get("do") == "token" and entrance.lacks(session, account):
            fact, remedy = "asks for a second factor first", "set up a passkey or an app"
            raise Forbidden("this node", fact, remedy)
        entrance.confirm(session, account, given, form.get("code_now", ""), host)
        shown = self._grave(form, session, account, place)
        return replace(shown, secret=entrance.renewed(session, shown.by))

    def _end(self, form: Form, session: Session, account: Account) -> None:
        desk = self._desk
        if form.get("do") == "revoke":
            desk.tokens.revoke(form.get("id", ""), account.name, account.principal())
        elif form.get("do") == "end-others" or form.get("all"):
            desk.end_sessions(account.name, but=session.id)
        else:
            desk.end_sessions(account.name, *(id for id in form.getlist("id") if id != session.id))

    def _grave(self, form: Form, session: Session, account: Account, place: Place | None) -> Shown:
        """Do what asks for the password again."""
        desk, wanted = self._desk, form.get("do", "")
        if wanted == "password":
            if form.get("password", "") != form.get("again", ""):
                raise BadRequest("the password", "was not written the same twice", "write it again")
            desk.choose_password(account.name, form.get("password", ""), but=session.id)
            return Shown(done=True)
        if wanted == "passkey" and place is not None:
            sealed, answer = form.get("sealed", ""), form.get("answer", "")
            desk.add_passkey(account, place, sealed, answer, form.get("label", ""))
            return Shown(done=True, by="passkey")
        if wanted == "no-passkey":
            desk.remove_passkey(account, form.get("id", ""))
            return Shown(done=True)
        if wanted == "totp":
            codes = desk.set_totp(account.name, _key(form.get("key", "")), form.get("code", ""))
            return Shown(codes=tuple(codes), by="code")
        if wanted == "no-totp":
            desk.no_totp(account.name)
            return Shown(done=True)
        if wanted == "token":
            return Shown(token=self._token(form, account))
        raise InvalidRequest("the form", "asks for nothing that this page does", "load it again")

    def _token(self, form: Form, account: Account) -> str:
        days, source = form.get("days", ""), form.get("source", "")[:100]
        if source and not keeps_registers(account.principal()):
            fact = "brings a source's data only for data officers and administrators"
            raise Forbidden("a token", fact, "make it without a source")
        given = form.get("types", "").replace(",", " ").split()
        types = [self._site.iri(name) for name in given]
        _, text = self._desk.tokens.add(
            account.name,
            form.get("label", ""),
            scopes=form.getlist("scope"),
            types=types or None,
            days=int(days) if days.isascii() and days.isdigit() and len(days) < 6 else 0,
            source=source,
            who=account.principal(),
        )
        return text

    def _page(self, request: Request, shown: Shown) -> Response:
        request.scope.pop("hansa.asker", None)  # the account may have changed
        asker, entrance = self._site.asker(request), self._desk.entrance
        session, account = asker.own()
        fresh = entrance.is_fresh(session)
        now = iso(self._site.node.clock.now())
        tokens = [each for each in self._desk.tokens.all(account.name) if each.expires > now]
        key = "" if account.totp else self._desk.new_totp()
        otpauth = address(key, account.name, self._site.node.settings.city) if key else ""
        response = self._site.page(
            request,
            "account.html",
            status=shown.error.status if shown.error else 200,
            account=account,
            session=session,
            sessions=[
                (each, self._moment(each.seen)) for each in self._desk.sessions.of(account.name)
            ],
            tokens=[
                (each, self._moment(each.expires), _reach(each, self._site)) for each in tokens
            ],
            scopes=SCOPE_NAMES,
            sources=self._site.node.trust.sources.titles()
            if is_keeper(account.principal())
            else [],
            role_names=ROLE_NAMES,
            key=key,
            otpauth=otpauth,
            picture=picture(otpauth) if otpauth else "",
            passkeys=[
                (each, self._moment(each["made"]), each["used"] and self._moment(each["used"]))
                for each in account.passkeys
            ],
            passkeys_here=place_of(self._site.base(request)) is not None,
            shown=shown,
            ask_light=not fresh,
            ask_code=bool(account.totp) and not fresh,
            texts=self._site.script_texts(choose(request)),
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    def _moment(self, text: str) -> datetime:
        return self._site.local(text)


def _reach(token: Token, site: Site) -> str:
    """What a token may do, in short."""
    types = ", ".join(map(site.term, token.types)) if token.types else ""
    return " · ".join(part for part in (", ".join(token.scopes), types, token.tenant) if part)


def _key(text: str) -> str:
    """The key that the page proposed, as it comes back."""
    if len(text) == 32 and set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"):
        return text
    raise BadRequest("the key of the app", "is not the one of this page", "load the page again")
