"""The rules, for those who keep them: write one, see what it would change, and only then put it in force.

Each change takes two steps. The first shows what would differ and changes nothing; its page carries what was written, and
the second puts exactly that in force.
"""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from hansa.kernel.errors import BadRequest, Conflict, Forbidden, HansaError, NotFound
from hansa.trust.keeping import is_keeper
from hansa.trust.policy.parse import CITY, PROFILE, decoded, parse_party
from hansa.trust.policy.view import ACTIONS
from hansa.trust.principals import ROLES, Principal
from hansa.web.api.policies import preview
from hansa.web.pages.names import attribute_label, type_label
from hansa.web.pages.policies import shown_policy
from hansa.web.pages.roles import ROLE_NAMES
from hansa.web.pages.rule_words import ACTION_WORDS, KIND_WORDS, party_words
from hansa.web.shell.forms import Form, posted
from hansa.web.shell.language import Language, choose
from hansa.web.shell.site import Site

__all__ = ["PolicyAdminPage", "document_of"]

_OFFERED: Final = tuple(action for action in ACTIONS if action != "aggregate")


class PolicyAdminPage:
    """Handlers of ``/admin/policies``."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._policies = site.node.trust.policies

    def routes(self) -> list[BaseRoute]:
        """Their addresses."""
        return [
            Route("/admin/policies", self.page, methods=["GET"]),
            Route("/admin/policies", self.change, methods=["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        """The page."""
        asker = self._site.asker(request)
        if asker.principal.kind == "public":
            return RedirectResponse("/login?next=/admin/policies", status_code=303)
        self._check(asker.principal)
        return await run_in_threadpool(self._page, request)

    async def change(self, request: Request) -> Response:
        """``POST``: show what would change, or do it."""
        asker, form = await posted(self._site, request)
        self._check(asker.principal)
        try:
            if form.get("step") == "do":
                await run_in_threadpool(self._do, asker.principal, form)
                return RedirectResponse("/admin/policies", status_code=303)
            return await run_in_threadpool(self._tried, request, form)
        except (BadRequest, Conflict, NotFound) as fault:
            return await run_in_threadpool(self._page, request, fault, form)

    def _do(self, who: Principal, form: Form) -> None:
        name = form.get("name", "").strip()
        if form.get("do") == "withdraw":
            self._policies.withdraw(who, name)
        elif form.get("do") == "restore":
            self._policies.restore(who, name, _version(form))
        else:
            self._policies.declare(who, name, decoded(form.get("policy", "")))

    def _tried(self, request: Request, form: Form) -> Response:
        """The page that shows what would change, and asks."""
        tongue, name, do = choose(request), form.get("name", "").strip(), form.get("do", "add")
        document: Any = None
        if do == "restore":
            versions = self._policies.versions(name)
            document = next((e.document for e in versions if e.version == _version(form)), None)
            if document is None:
                raise NotFound(f"policy {name}", "has no such version", "choose another one")
        elif do != "withdraw":
            whole = form.get("policy", "").strip()
            document = decoded(whole) if whole else document_of(form)
        found = preview(self._site.node, name, document)
        response = self._site.page(
            request,
            "policy_preview.html",
            name=name,
            do=do,
            version=form.get("version", ""),
            document="" if document is None else json.dumps(document, ensure_ascii=False, indent=1),
            differences=[self._difference(tongue, each) for each in found],
            texts={},
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    def _difference(self, tongue: Language, each: dict[str, Any]) -> dict[str, Any]:
        term = self._site.term
        named = tongue(type_label(term(each["type"]), many=True))
        if each["attribute"]:
            named = f"{named} · {tongue(attribute_label(term(each['attribute'])))}"
        party = parse_party(each["who"]) if ":" in each["who"] else None
        who = each["who"] if party is None else party_words(tongue, party, whole=True)
        return {"who": who, "what": named, "before": each["before"], "after": each["after"]}

    def _page(
        self, request: Request, fault: HansaError | None = None, form: Form | None = None
    ) -> Response:
        tongue = choose(request)
        rules = {each.name: each for each in self._policies.book().policies}
        policies = [
            shown_policy(self._site, tongue, kept, rules[kept.name], whole=True)
            | {"earlier": [v for v in self._policies.versions(kept.name)[1:] if v.document]}
            for kept in self._policies.all()
            if kept.name in rules
        ]
        parties = [
            ("everyone", tongue("everyone")),
            *((f"kind:{kind}", tongue(words)) for kind, words in KIND_WORDS.items()),
            *((f"role:{role}", tongue(ROLE_NAMES[role])) for role in ROLES),
        ]
        response = self._site.page(
            request,
            "policies_admin.html",
            status=fault.status if fault else 200,
            policies=policies,
            parties=parties,
            actions=[(action, tongue(ACTION_WORDS[action])) for action in _OFFERED],
            given=form or Form([("action", "read"), ("party", "everyone")]),
            fault=fault,
            texts={},
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    def _check(self, principal: Principal) -> None:
        if not is_keeper(principal):
            fact = "are changed by data officers and administrators"
            raise Forbidden("the rules of the gate", fact)


def document_of(form: Form) -> dict[str, Any]:
    """The policy of one rule that the form says; what in it is wrong is for the parser to tell."""
    kind = "prohibition" if form.get("kind") == "prohibition" else "permission"
    parties = [*form.getlist("party"), *_listed(form, "others")]
    rule: dict[str, Any] = {"action": form.getlist("action"), "assignee": parties}
    constraints = [
        {"leftOperand": left, "operator": operator, "rightOperand": value}
        for left, operator, value in (
            ("entityType", "isAnyOf", _listed(form, "types")),
            ("attribute", "isAnyOf", _listed(form, "attributes")),
            ("idPattern", "eq", form.get("pattern", "").strip()),
            ("scope", "isPartOf", form.get("scope", "").strip()),
            ("dateTime", "gteq", _moment(form, "since")),
            ("dateTime", "lt", _moment(form, "until")),
        )
        if value
    ]
    if constraints:
        rule["constraint"] = constraints
    if source := form.get("source", "").strip():
        named = {"leftOperand": "attributedParty", "operator": "eq", "rightOperand": source}
        rule["duty"] = [{"action": "attribute", "constraint": [named]}]
    title = form.get("title", "").strip()
    return {
        "@type": "Set",
        "profile": PROFILE,
        **({"title": title} if title else {}),
        "target": CITY,
        kind: [rule],
    }


def _listed(form: Form, name: str) -> list[str]:
    return [part for each in form.get(name, "").split(",") if (part := each.strip())]


def _moment(form: Form, name: str) -> str:
    """What a field for date and time holds (`2027-01-01T00:00`), as a moment in UTC."""
    text = form.get(name, "").strip()
    return f"{text}:00Z" if len(text) == 16 else text


def _version(form: Form) -> int:
    text = form.get("version", "")
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise BadRequest("version", f"{text[:20]!r} is no number of a version", "choose one")
    return int(text)
