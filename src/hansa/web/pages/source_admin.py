"""The register of sources, for its officers: declare in a form that is half filled in, change, withdraw, undo."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from hansa.kernel.errors import BadRequest, Forbidden, HansaError, InvalidRequest, NotFound, RedLine
from hansa.kernel.ids import slug
from hansa.ngsild.query import Query, TypeName
from hansa.spokes.registry import all_spokes
from hansa.trust.keeping import is_keeper
from hansa.trust.principals import Principal
from hansa.trust.sources.record import BASES
from hansa.trust.sources.shown import named
from hansa.trust.sources.words import words
from hansa.web.pages.source_form import PARTS, STEPS, TEXTS, offered, read_record, rows_of
from hansa.web.pages.values import text
from hansa.web.shell.forms import Form, posted
from hansa.web.shell.language import choose
from hansa.web.shell.site import Site

__all__ = ["FAULTS", "SourceAdminPage"]

FAULTS: Final = (
    "is missing",
    "does not agree with the retention_period",
    "must be one of Article 6: the data concern people",
    "must end: the data concern people",
    "must say 'personal': the technology identifies people's things",
    "is missing: a source in public space stands somewhere",
    "is missing: data about people come in by a declared step only",
    "must not say 'raw_data' beside steps: say what they do (de_identified, k_anonymity, differential_privacy)",
    "is no GeoJSON Point [longitude, latitude]",
    "is neither a duration such as P30D or P1Y nor 'unlimited'",
)
"""What the register says of a member that is wrong, in the words that are translated."""


@dataclass(slots=True)
class _Said:
    """What a form said, and what came of it."""

    id: str = ""
    record: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    fault: HansaError | None = None
    done: dict[str, Any] | None = None


class SourceAdminPage:
    """Handlers of ``/admin/sources``."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._sources = site.node.trust.sources

    def routes(self) -> list[BaseRoute]:
        """Their addresses."""
        return [
            Route("/admin/sources", self.page, methods=["GET"]),
            Route("/admin/sources", self.change, methods=["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        """The page; ``?id=`` opens the form for a source, ``?spoke=`` with what that kind of source knows."""
        asker = self._site.asker(request)
        if asker.principal.kind == "public":
            return RedirectResponse("/login?next=/admin/sources", status_code=303)
        _check(asker.principal)
        return await run_in_threadpool(self._page, request, _Said())

    async def change(self, request: Request) -> Response:
        """``POST``: do what the form says."""
        asker, form = await posted(self._site, request)
        _check(asker.principal)
        said = _Said(slug(form.get("id", ""))[:100])
        try:
            said.done = await run_in_threadpool(self._change, asker.principal, form, said)
        except (BadRequest, NotFound, RedLine) as error:
            said.fault, said.faults = error, dict(error.extra.get("faults", {}))
        return await run_in_threadpool(self._page, request, said)

    def _change(self, who: Principal, form: Form, said: _Said) -> dict[str, Any]:
        match form.get("do", ""):
            case "declare":
                said.record = read_record(form)
                return self._sources.declare(who, said.id, said.record)
            case "withdraw":
                return self._sources.withdraw(who, said.id)
            case "restore":
                version = form.get("version", "")
                number = int(version) if version.isdecimal() and len(version) < 9 else 0
                return self._sources.restore(who, said.id, number)
        raise InvalidRequest("the form", "asks for nothing that this page does", "load it again")

    def _page(self, request: Request, said: _Said) -> Response:
        records = self._sources.all()
        wanted = slug(request.query_params.get("id", ""))[:100]
        known = self._sources.find(wanted) if wanted else None
        spoke = request.query_params.get("spoke", "")
        spokes = {each.manifest.name: each.manifest.title for each in all_spokes()}
        record = said.record or dict(known or self._sources.filled({"adapter": spoke}))
        rows, others = rows_of(record.get("anonymise"))
        said_words = words(choose(request).code)
        response = self._site.page(
            request,
            "source_admin.html",
            status=said.fault.status if said.fault else 200,
            records=records,
            undeclared=self._undeclared({each["id"] for each in records}),
            spokes=spokes,
            said=said,
            form_id=said.id if said.fault else wanted,
            record=record,
            is_open=bool(said.fault or wanted or spoke or not records),
            texts_of=TEXTS,
            parts=PARTS,
            bases=BASES,
            words=said_words,
            offered={part: offered(part, said_words[part]) for part in PARTS},
            faults=FAULTS,
            rows=rows,
            other_steps=others,
            step_words=STEPS,
            texts={},
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    def _undeclared(self, declared: set[str]) -> list[tuple[str, str]]:
        """Sources that gave data before there was a register: name and kind."""
        iri = self._site.iri
        query = Query(types=TypeName(iri("DataSource")), limit=1000)
        found = map(orjson.loads, self._site.store.query(query).documents)
        pairs = ((named(each["id"]), text(each, iri("adapter"))) for each in found)
        return [(name, kind) for name, kind in pairs if name and name not in declared]


def _check(principal: Principal) -> None:
    if not is_keeper(principal):
        raise Forbidden("the register of sources", "only data officers and administrators keep it")
