"""My data, for whoever logged in; and residents' data, for the staff who keep them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from hansa.kernel.errors import (
    BadRequest,
    Conflict,
    HansaError,
    InvalidRequest,
    NotFound,
)
from hansa.trust.principals import Principal
from hansa.trust.residents.residents import Held
from hansa.trust.sources.belonging import owners
from hansa.trust.sources.shown import named
from hansa.web.pages.describe import Describer, Sheet
from hansa.web.shell.forms import Form, posted
from hansa.web.shell.language import Language, choose
from hansa.web.shell.site import Site
from hansa.web.signs.chain import period_words

__all__ = ["MyDataPages"]

_ASKED: Final = {
    "correct": "Sent. The city has a month to answer; its answer will stand below.",
    "erase": "Sent. The city has a month to answer; its answer will stand below.",
    "give": "Noted: you agree.",
    "withdraw": "Noted: you do not agree any more.",
}
"""What is said when something was done."""

_WRONG: Final = (BadRequest, Conflict, NotFound)


class MyDataPages:
    """Handlers of ``/my-data`` and ``/admin/residents``."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._residents = site.node.trust.residents

    def routes(self) -> list[BaseRoute]:
        """Their addresses."""
        return [
            Route("/my-data", self.page, methods=["GET"]),
            Route("/my-data", self.change, methods=["POST"]),
            Route("/admin/residents", self.kept, methods=["GET"]),
            Route("/admin/residents", self.keep, methods=["POST"]),
        ]

    # -- my data -----------------------------------------------------------------------------------

    async def page(self, request: Request) -> Response:
        """The page; somebody who is not logged in is asked to first."""
        if self._site.asker(request).session is None:
            return RedirectResponse("/login?next=/my-data", status_code=303)
        return await run_in_threadpool(self._page, request)

    async def change(self, request: Request) -> Response:
        """``POST``: ask for something, or give or withdraw a consent."""
        asker, form = await posted(self._site, request)
        asker.own()
        fault = None
        try:
            await run_in_threadpool(self._change, form, asker.principal)
        except _WRONG as error:
            fault = error
        return await run_in_threadpool(self._page, request, fault, form.get("do", ""))

    def _change(self, form: Form, who: Principal) -> None:
        match form.get("do", ""):
            case "correct" | "erase" as want:
                self._residents.ask(who, form.get("entity", ""), want, form.get("words", ""))
            case "give":
                self._residents.consents.give(who, form.get("purpose", ""), _days(form))
            case "withdraw":
                self._residents.consents.withdraw(who, form.get("purpose", ""))
            case _:
                fact = "asks for nothing that this page does"
                raise InvalidRequest("the form", fact, "load it again")

    def _page(self, request: Request, fault: HansaError | None = None, done: str = "") -> Response:
        who, tongue = self._site.asker(request).principal, choose(request)
        held = self._residents.held(who)
        data = self._residents.data(who, held)
        now = self._site.node.clock.now().isoformat()
        return self._shown(
            request,
            "my_data.html",
            fault,
            bool(done),
            asked=_ASKED.get(done, ""),
            entities=[
                {**each, "text": _pretty(each["data"]), "at": self._moment(each["since"])}
                | self._described(found, tongue)
                for each, found in zip(data["entities"], held, strict=True)
            ],
            names={each.link.entity: self._name(each, tongue) for each in held},
            reads=[
                {**each, "at": self._moment(each["time"]), "by": _policies(each["rules"])}
                for each in data["reads"]
            ],
            purposes=self._purposes(),
            erased=any(
                each["want"] == "erase" and each["decision"] == "granted"
                for each in data["requests"]
            ),
            consents=[
                {
                    **each,
                    "from": self._moment(each["given"]),
                    "to": self._moment(each["until"]),
                    "back": self._moment(each["withdrawn"]),
                    "holds": not each["withdrawn"] and each["until"] > now,
                }
                for each in data["consents"]
            ],
            requests=[{**each, "at": self._moment(each["made"])} for each in data["requests"]],
        )

    def _described(self, held: Held, tongue: Language) -> dict[str, Any]:
        """An entity in words, and the source that it came from."""
        if held.entity is None:
            return {"sheet": None, "source": None}
        sources = self._site.node.trust.sources
        found = [sources.find(name) for name in map(named, owners(held.entity)) if name]
        source = next((each for each in found if each is not None), None)
        return {
            "sheet": self._describer(tongue).sheet(held.entity, {}),
            "source": source and {**source, "kept": period_words(source, tongue)},
        }

    def _name(self, held: Held, tongue: Language) -> str:
        return self._describer(tongue).name(held.entity) if held.entity else held.link.entity

    def _describer(self, tongue: Language) -> Describer:
        return Describer(tongue, self._site.term, self._site.iri, self._site.local)

    def _purposes(self) -> list[str]:
        """What data are asked for here: by rules, and by programs and cities."""
        trust = self._site.node.trust
        rules = (rule.purposes for rule in trust.policies.book().rules(None))
        clients = (each.purposes for each in trust.desk.clients.all())
        return sorted({word for words in (*rules, *clients) for word in words or ()})

    # -- residents' data ---------------------------------------------------------------------------

    async def kept(self, request: Request) -> Response:
        """The page of those who keep them."""
        asker = self._site.asker(request)
        if asker.principal.kind == "public":
            return RedirectResponse("/login?next=/admin/residents", status_code=303)
        await run_in_threadpool(self._residents.check, asker.principal)
        return await run_in_threadpool(self._kept, request)

    async def keep(self, request: Request) -> Response:
        """``POST``: link, unlink, grant, refuse."""
        asker, form = await posted(self._site, request)
        await run_in_threadpool(self._residents.check, asker.principal)
        fault = None
        try:
            await run_in_threadpool(self._keep, form, asker.principal)
        except _WRONG as error:
            fault = error
        return await run_in_threadpool(self._kept, request, fault, True)

    def _keep(self, form: Form, who: Principal) -> None:
        name, entity = form.get("account", ""), form.get("entity", "").strip()
        words, id = form.get("words", ""), form.get("id", "")
        match form.get("do", ""):
            case "link":
                self._residents.link(who, name, entity, words)
            case "unlink":
                self._residents.unlink(who, name, entity)
            case "grant" if self._residents.wishes.waiting(id).want == "erase" and not form.get(
                "sure"
            ):
                fact = "was not confirmed"
                raise BadRequest(
                    "the erasure", fact, "say that nothing obliges the city to keep it"
                )
            case "grant" | "refuse" as word:
                self._residents.decide(who, id, granted=word == "grant", reason=words)
            case _:
                fact = "asks for nothing that this page does"
                raise InvalidRequest("the form", fact, "load it again")

    def _kept(
        self, request: Request, fault: HansaError | None = None, changed: bool = False
    ) -> Response:
        wishes = self._residents.wishes.all()
        return self._shown(
            request,
            "residents.html",
            fault,
            changed,
            links=[(each, self._moment(each.since)) for each in self._residents.theirs.all()],
            sheets={
                each.entity: self._sheet(each.entity, request)
                for each in wishes
                if not each.decision
            },
            waiting=[(each, self._moment(each.made)) for each in wishes if not each.decision],
            decided=[(each, self._moment(each.decided)) for each in wishes if each.decision][:50],
        )

    def _sheet(self, id: str, request: Request) -> Sheet | None:
        """What those who keep an entity see of it."""
        found = self._residents.asked_about(self._site.asker(request).principal, id)
        return None if found is None else self._describer(choose(request)).sheet(found, {})

    # -- parts -------------------------------------------------------------------------------------

    def _shown(
        self,
        request: Request,
        template: str,
        fault: HansaError | None,
        changed: bool,
        **values: Any,
    ) -> Response:
        response = self._site.page(
            request,
            template,
            status=fault.status if fault else 200,
            fault=fault,
            done=changed and fault is None,
            texts={},
            **values,
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    def _moment(self, text: str | None) -> datetime | None:
        return self._site.local(text) if text else None


def _policies(rules: list[str]) -> list[tuple[str, str]]:
    """The names of rules, and of the policies in which they stand."""
    return [(each, each.partition(":")[0]) for each in rules]


def _days(form: Form) -> int:
    days = form.get("days", "") or "365"
    return int(days) if days.isascii() and days.isdigit() and len(days) < 6 else 0


def _pretty(data: object) -> str:
    return "" if data is None else orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()
