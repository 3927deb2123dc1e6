"""Open book: its front page, the sources and each of them with its sign, what is kept, and who reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hansa.kernel.errors import NotFound
from hansa.trust.reads import ALL_TYPES
from hansa.trust.vault import Record
from hansa.web.pages.book import Book, Kept, Usage, kept_of, types_of
from hansa.web.pages.book_words import READERS, REASONS, amount, said_of
from hansa.web.pages.facts import Facts
from hansa.web.pages.names import type_label
from hansa.web.shell.language import Language, choose
from hansa.web.shell.site import Site
from hansa.web.signs.chain import basis_words, chain_of, period_words
from hansa.web.signs.embedding import can_embed
from hansa.web.signs.icons import SIDE, hexagon, icon, svg_path
from hansa.web.signs.pdf import pdf_of
from hansa.web.signs.sign import Place, compose
from hansa.web.signs.svg import svg_of
from hansa.web.tiles import TileServer
from hansa.web.tiles.layers import MAX_ZOOM

__all__ = ["OpenBookPages"]

_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
    "Cache-Control": "no-cache",
    "Vary": "Accept-Language, Cookie",
}


class OpenBookPages:
    """``/open-book`` and what is below it."""

    def __init__(self, site: Site, facts: Facts, book: Book, tiles: TileServer) -> None:
        self._site, self._facts, self._book, self._tiles = site, facts, book, tiles
        self.attribution: Callable[[], str] = lambda: ""
        """Whom the map is to be credited to; set by who puts the pages together."""

    def routes(self) -> list[BaseRoute]:
        """All of its addresses."""
        return [
            Route("/open-book", self._in_thread(self._front)),
            Route("/open-book/sources", self._in_thread(self._sources)),
            Route("/open-book/sources/{id}", self._in_thread(self._source)),
            Route("/open-book/sources/{id}/sign.{form}", self._in_thread(self._sign)),
            Route("/open-book/frugality", self._in_thread(self._frugality)),
            Route("/open-book/access", self._in_thread(self._access)),
        ]

    def _in_thread(self, page: Any) -> Any:
        async def answered(request: Request) -> Response:
            found: Response = await run_in_threadpool(page, request)
            return found

        return answered

    # -- pages --------------------------------------------------------------------------------------

    def _front(self, request: Request) -> Response:
        tongue, trust = choose(request), self._site.node.trust
        survey, usage = self._book.survey, self._book.usage()
        sources = [self._card(each, tongue, survey, usage) for each in self._book.sources()]
        days = [sum(kinds.values()) for _, kinds in usage.days]
        return self._site.page(
            request,
            "open_book.html",
            sources=sources,
            places=_places(sources),
            bounds=self._facts.bounds(),
            tiles=f"/tiles/{{z}}/{{x}}/{{y}}.mvt?v={self._tiles.version()}",
            max_zoom=MAX_ZOOM,
            attribution=self.attribution(),
            personal=sum(1 for each in sources if each["personal"]),
            checked=self._checked(survey),
            kept=None if survey is None else _total(survey, tongue),
            reads_today=days[-1],
            reads=sum(days),
            refused=sum(usage.refused.values()),
            algorithms=len(trust.algorithms.all()),
            entries=trust.log.shown_size,
            texts=self._site.script_texts(tongue),
        )

    def _sources(self, request: Request) -> Response:
        tongue = choose(request)
        survey, usage = self._book.survey, self._book.usage()
        sources = [self._card(each, tongue, survey, usage) for each in self._book.sources()]
        return self._site.page(
            request,
            "book_sources.html",
            sources=sources,
            withdrawn=[
                (each, self._site.local(each["changed"]), _rows(survey, each["id"]))
                for each in self._book.withdrawn()
            ],
            checked=self._checked(survey),
            texts=self._site.script_texts(tongue),
        )

    def _source(self, request: Request) -> Response:
        self._site.asker(request)  # a token that proves nothing is told so, whatever is asked for
        tongue = choose(request)
        record = self._book.source(request.path_params["id"])
        survey, usage = self._book.survey, self._book.usage()
        seen = None if survey is None else survey["sources"].get(record["id"])
        return self._site.page(
            request,
            "book_source.html",
            source=self._card(record, tongue, survey, usage),
            record=record,
            basis=basis_words(record, tongue),
            declared=self._site.local(record["declared"]) if "declared" in record else None,
            checked=self._checked(survey),
            no_letters=tongue.code == "ko" and not can_embed(),
            kept=[self._kept(each, tongue) for each in types_of(seen)] if seen else [],
            whole=self._kept(Kept("", seen["entities"], seen["bytes"]), tongue) if seen else None,
            texts=self._site.script_texts(tongue),
        )

    def _sign(self, request: Request) -> Response:
        tongue = choose(request)
        record, form = self._book.source(request.path_params["id"]), request.path_params["form"]
        if form not in ("svg", "pdf"):
            raise NotFound(
                f"sign.{form[:20]}", "is not there", "signs come as sign.svg and sign.pdf"
            )
        address = f"{self._site.base(request)}/open-book/sources/{record['id']}"
        place = Place(self._site.node.settings.city, address)
        size = request.query_params.get("size", "a5")
        drawing = compose(record, place, tongue, size)
        headers = _HEADERS | {"Link": f'<{address}>; rel="describes"'}
        if form == "pdf":
            name = f'inline; filename="{record["id"]}-{tongue.code}-{size}.pdf"'
            headers |= {"Content-Disposition": name}
            return Response(pdf_of(drawing), media_type="application/pdf", headers=headers)
        return Response(svg_of(drawing), media_type="image/svg+xml", headers=headers)

    def _frugality(self, request: Request) -> Response:
        tongue, survey = choose(request), self._book.survey
        records = [*self._book.sources(), *self._book.withdrawn()]
        names = {each["id"]: each.get("name", each["id"]) for each in records}
        rows = []
        for kept in kept_of(survey) if survey else []:
            seen = survey["sources"][kept.id] if survey else {}
            rows.append(
                self._kept(kept, tongue)
                | {
                    "name": names.get(kept.id),
                    "types": [self._kept(each, tongue) for each in types_of(seen)],
                }
            )
        return self._site.page(
            request,
            "book_frugality.html",
            rows=rows,
            largest=max((row["bytes"] for row in rows), default=1) or 1,
            total=None if survey is None else _total(survey, tongue),
            archive=None if survey is None else survey["archive"],
            archive_size="" if survey is None else amount(survey["archive"]["bytes"], tongue),
            dropped=[] if survey is None else survey["dropped"],
            checked=self._checked(survey),
            texts=self._site.script_texts(tongue),
        )

    def _access(self, request: Request) -> Response:
        tongue, usage = choose(request), self._book.usage()
        named = _told_apart({each: self._type(each, tongue) for each in usage.types})
        days = [(datetime.fromisoformat(day), sum(kinds.values())) for day, kinds in usage.days]
        return self._site.page(
            request,
            "book_access.html",
            days=days,
            most=max((count for _, count in days), default=0),
            total=sum(count for _, count in days),
            kinds=[(kind, tongue(READERS[kind])) for kind in usage.kinds],
            types=[(named[each], row) for each, row in usage.types.items() if _shows(row)],
            few=sorted(
                named[each]["label"] for each, row in usage.types.items() if not _shows(row)
            ),
            refused=[
                (tongue(REASONS[reason]) if reason in REASONS else "", reason, count)
                for reason, count in usage.refused.items()
            ],
            hidden=usage.hidden,
            texts=self._site.script_texts(tongue),
        )

    # -- pieces -------------------------------------------------------------------------------------

    def _checked(self, survey: Record | None) -> datetime | None:
        return None if survey is None else self._site.local(survey["at"])

    def _type(self, iri: str, tongue: Language) -> dict[str, str]:
        if iri == ALL_TYPES:
            return {"term": "", "label": tongue("Questions that name no type")}
        term = self._site.term(iri)
        return {"term": term, "label": tongue(type_label(term))}

    def _kept(self, kept: Kept, tongue: Language) -> dict[str, Any]:
        return {
            "id": kept.id,
            "rows": kept.rows,
            "bytes": kept.bytes,
            "size": amount(kept.bytes, tongue),
            "type": self._type(kept.id, tongue) if kept.id else None,
        }

    def _card(
        self, record: Record, tongue: Language, survey: Record | None, usage: Usage
    ) -> dict[str, Any]:
        """A source as lists and its own page show it."""
        chain = chain_of(record, tongue)
        findings = self._book.findings(record, survey, usage)
        wrong = sum(1 for each in findings if each.holds is False)
        known = any(each.holds for each in findings)
        by_part = {link.part: link for link in chain}
        return {
            "id": record["id"],
            "name": record.get("name") or record["id"],
            "description": record.get("description", ""),
            "purpose": by_part["purpose"].names,
            "accountable": record["accountable"],
            "period": period_words(record, tongue),
            "personal": "personal" in record.get("data", ()),
            "public": bool(record.get("public_space")),
            "place": record.get("place"),
            "withdrawn": record.get("status") == "withdrawn",
            "chain": [(link, _picture(link.part, _shown(link))) for link in chain],
            "picture": _picture("tech", record["tech"][0] if record.get("tech") else ""),
            "findings": [said_of(each, tongue, self._site.local) for each in findings],
            "wrong": wrong,
            "mark": "red" if wrong else "green" if known else "grey",
        }


def _shown(link: Any) -> str:
    """The element whose picture stands for a part: people first."""
    ids = [each.id for each in link.elements]
    return "personal" if "personal" in ids else (ids[0] if ids else "")


def _picture(part: str, element: str) -> dict[str, Any]:
    """Paths of a hexagon and its picture on a square of 48."""
    return {
        "outline": svg_path(hexagon(24, 24, 23)),
        "strokes": svg_path(icon(part, element)),
        "shift": (48 - SIDE) / 2,
        "filled": element == "personal",
    }


def _shows(row: Mapping[str, int | None]) -> bool:
    """Whether any number of a row may be seen."""
    return any(reads is not None for reads in row.values())


def _places(sources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"id": each["id"], "name": each["name"], "at": each["place"]["coordinates"]}
        for each in sources
        if each["place"]
    ]


def _rows(survey: Record | None, source: str) -> int | None:
    """How many entities of a source are kept; ``None``: nobody has looked yet."""
    return None if survey is None else survey["sources"].get(source, {}).get("entities", 0)


def _total(survey: Record, tongue: Language) -> dict[str, Any]:
    sources = survey["sources"].values()
    size = sum(each["bytes"] for each in sources)
    return {
        "rows": sum(each["entities"] for each in sources),
        "bytes": size,
        "size": amount(size, tongue),
    }


def _told_apart(types: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Types with what they are called; those that are called the same, such as two kinds of stops, by their terms, too."""
    times = Counter(each["label"] for each in types.values())
    return {
        iri: each
        if times[each["label"]] == 1 or not each["term"]
        else {**each, "label": f"{each['label']} ({each['term']})"}
        for iri, each in types.items()
    }
