"""Open book, the policies: what anyone may see and why; and a page that answers for somebody and something."""

from __future__ import annotations

from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hansa.kernel.errors import Forbidden, HansaError, Unauthorized
from hansa.trust.keeping import is_keeper
from hansa.trust.policy.explain import Explained, knows
from hansa.trust.policy.model import Policy
from hansa.trust.policy.shelf import Kept
from hansa.trust.principals import ROLES, Principal
from hansa.web.pages.names import attribute_label, type_label
from hansa.web.pages.roles import ROLE_NAMES
from hansa.web.pages.rule_words import EXTENTS, KIND_WORDS, WHY, facts
from hansa.web.shell.language import Language, choose
from hansa.web.shell.site import Site

__all__ = ["PolicyPages", "shown_policy"]

_MARKS: Final = {"all": "green", "some": "part", "none": "red"}


class PolicyPages:
    """``/open-book/policies`` and ``/open-book/policies/explain``."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[BaseRoute]:
        """Their addresses."""
        return [
            Route("/open-book/policies", self.page),
            Route("/open-book/policies/explain", self.explain),
        ]

    async def page(self, request: Request) -> Response:
        """Every policy in force."""
        return await run_in_threadpool(self._page, request)

    async def explain(self, request: Request) -> Response:
        """What somebody may see of something, and why."""
        return await run_in_threadpool(self._explain, request)

    def _page(self, request: Request) -> Response:
        tongue, trust = choose(request), self._site.node.trust
        who = self._site.asker(request).principal
        rules = {each.name: each for each in trust.policies.book().policies}
        return self._site.page(
            request,
            "policies.html",
            policies=[
                shown_policy(self._site, tongue, kept, rules[kept.name], whole=knows(who))
                for kept in trust.policies.all()
                if kept.name in rules
            ],
            may_change=is_keeper(who),
            texts={},
        )

    def _explain(self, request: Request) -> Response:
        tongue, asked = choose(request), request.query_params
        who = self._site.asker(request).principal
        given = {name: asked.get(name, "")[:2000].strip() for name in ("who", "what", "attribute")}
        found: dict[str, Any] | None = None
        fault: HansaError | None = None
        if given["what"]:
            try:
                answer = self._site.node.trust.explainer.explain(
                    who, given["who"] or "kind:public", given["what"], given["attribute"]
                )
                found = self._answer(tongue, answer)
            except HansaError as error:
                fault = error
        response = self._site.page(
            request,
            "policy_explain.html",
            status=fault.status if fault else 200,
            given=given,
            people=self._people(tongue, who),
            types=self._types(tongue, who),
            found=found,
            fault=fault,
            texts={},
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    def _answer(self, tongue: Language, found: Explained) -> dict[str, Any]:
        term = self._site.term
        thing = tongue(type_label(term(found.what))) if found.kind == "type" else found.what
        named = tongue(attribute_label(term(found.attribute))) if found.attribute else ""
        return {
            "thing": f"{thing} · {named}" if named else thing,
            "extent": tongue(EXTENTS[found.extent]),
            "mark": _MARKS[found.extent],
            "why": tongue(WHY[found.code]),
            "rules": found.rules,
            "seen": found.seen,
            "total": found.total,
            "sums": found.sums,
        }

    def _people(self, tongue: Language, who: Principal) -> list[tuple[str, str]]:
        kinds = [
            (f"kind:{kind}", tongue(KIND_WORDS[kind])) for kind in ("public", "resident", "staff")
        ]
        roles = [(f"role:{role}", tongue(ROLE_NAMES[role])) for role in ROLES]
        return [*kinds, *roles]

    def _types(self, tongue: Language, who: Principal) -> list[tuple[str, str]]:
        """The types that whoever asks may see; none where they may read nothing."""
        try:
            shapes = self._site.node.gate.reader(who).shapes()
        except (Forbidden, Unauthorized):
            return []
        terms = {self._site.term(type) for shape in shapes for type in shape.types}
        return sorted(
            ((term, tongue(type_label(term))) for term in terms), key=lambda each: each[1]
        )


def shown_policy(
    site: Site, tongue: Language, kept: Kept, policy: Policy, *, whole: bool
) -> dict[str, Any]:
    """A policy for a page: its title, its rules in words, since when."""
    zone = site.node.settings.zone
    return {
        "name": kept.name,
        "title": policy.title.get(tongue.code) or policy.title.get("en") or kept.name,
        "title_lang": tongue.code if tongue.code in policy.title else "en",
        "version": kept.version,
        "since": site.local(kept.since),
        "tenant": policy.tenant,
        "rules": [
            {
                "permits": rule.permits,
                "id": rule.id,
                "facts": facts(
                    tongue, rule, site.term, lambda at: at.astimezone(zone), whole=whole
                ),
            }
            for rule in policy.rules
        ],
    }
