"""The pages of a node: City, Data, single entities, the API for readers, and errors.

:func:`make_pages` and :func:`error_handlers` are all that the application needs; both work on any
object that offers what :class:`~hansa.web.shell.site.PageNode` names.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hansa.kernel.errors import (
    HansaError,
    InternalError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
)
from hansa.ngsild.city import city_iri
from hansa.web.api.register import as_document
from hansa.web.live import VehicleStream
from hansa.web.pages.account import AccountPages
from hansa.web.pages.accounts import AccountsPage
from hansa.web.pages.algorithms import AlgorithmPage
from hansa.web.pages.api import ApiPage
from hansa.web.pages.book import Book
from hansa.web.pages.book_data import OpenBookRoutes
from hansa.web.pages.city import CityPages
from hansa.web.pages.clients import ClientsPage
from hansa.web.pages.data import DataPages
from hansa.web.pages.day import Days
from hansa.web.pages.downloads import Downloads
from hansa.web.pages.elsewhere import ElsewherePages
from hansa.web.pages.entity import EntityPages
from hansa.web.pages.errors import render_error
from hansa.web.pages.facts import Facts
from hansa.web.pages.live import LivePage
from hansa.web.pages.log import LogPage
from hansa.web.pages.login import LoginPages
from hansa.web.pages.my_data import MyDataPages
from hansa.web.pages.open_book import OpenBookPages
from hansa.web.pages.policies import PolicyPages
from hansa.web.pages.policies_admin import PolicyAdminPage
from hansa.web.pages.privacy import PrivacyPage
from hansa.web.pages.search import Names
from hansa.web.pages.services import Services
from hansa.web.pages.source_admin import SourceAdminPage
from hansa.web.shell.site import PageNode, Site
from hansa.web.tiles import TileServer, tile_routes

__all__ = ["Pages", "error_handlers", "make_pages", "render_error"]

Handler = Callable[[Request, Any], Awaitable[Response]]
_PROGRAMS: Final = ("/hansa/", "/log/", "/.well-known/", "/contexts/", "/openapi.json")
"""Where programs ask, who read problem documents."""


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of a node: their addresses, and what may be done before the first is asked for."""

    routes: list[BaseRoute]
    warm: Callable[[], None]


def make_pages(node: PageNode) -> Pages:
    """Every address of the pages, tiles, live streams and static files of `node`."""
    site = Site(node)
    facts = Facts(site)
    kept = node.folder.cache / "tiles.sqlite"
    tiles = TileServer(site.store, city_iri, kept, node.feed, node.gate.public_mark)
    days = Days(site, facts)
    services = Services(site, facts)
    names = Names(site, facts)
    city = CityPages(site, facts, tiles, days, names)
    entities = EntityPages(site, facts, days, services, names)
    data = DataPages(site, facts, services)
    downloads = Downloads(site, facts)
    live = LivePage(site, facts)
    book = Book(site, node.trust.sources.all)
    open_book = OpenBookPages(site, facts, book, tiles)
    open_book.attribution = city.attribution
    routes = [
        Route("/", city.page),
        Route("/city/search", city.search),
        Route("/city/day", city.day),
        Route("/live/vehicles", VehicleStream(site).stream),
        *tile_routes(tiles, city.attribution),
        Route("/entity/{id:path}", entities.page),
        Route("/data", data.overview),
        Route("/data/{type:path}.geojson", downloads.geojson),
        Route("/data/{type:path}.jsonld", downloads.jsonld),
        Route("/data/{type:path}", data.type_page),
        Route("/live", live.page),
        Route("/live/letters", live.replay, methods=["POST"]),
        *open_book.routes(),
        *OpenBookRoutes(book).routes(),
        Route("/open-book/log", LogPage(site).page),
        Route("/open-book/algorithms", AlgorithmPage(site).page),
        *PolicyPages(site).routes(),
        *PolicyAdminPage(site).routes(),
        Route("/open-book/privacy", PrivacyPage(site).page),
        Route("/api", ApiPage(site).page),
        *LoginPages(site).routes(),
        *ElsewherePages(site).routes(),
        *AccountPages(site).routes(),
        *AccountsPage(site).routes(),
        *SourceAdminPage(site).routes(),
        *MyDataPages(site).routes(),
        *ClientsPage(site).routes(),
        *site.files.routes(),
    ]
    return Pages(routes, city.warm)


def error_handlers(node: PageNode) -> dict[Any, Handler]:
    """Handlers that turn every error into a page, or a problem document where programs ask."""
    site = Site(node)

    def told(request: Request, error: HansaError) -> Response:
        is_for_programs = request.url.path.startswith(_PROGRAMS)
        return as_document(error) if is_for_programs else render_error(site, request, error)

    async def ours(request: Request, error: HansaError) -> Response:
        return told(request, error)

    async def http(request: Request, error: HTTPException) -> Response:
        return told(request, _as_ours(request, error.status_code))

    async def unexpected(request: Request, error: Exception) -> Response:
        return told(request, _as_ours(request, 500))

    async def gone(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # nobody hears it, and nothing failed here

    return {
        ClientDisconnect: gone,
        HansaError: ours,
        HTTPException: http,
        500: unexpected,
        Exception: unexpected,
    }


def _as_ours(request: Request, status: int) -> HansaError:
    """The error that says what a bare status means here."""
    path = request.url.path[:200]
    if status == 404:
        return NotFound(path, "there is no such page", "start from the city or the data")
    if status == 405:
        return MethodNotAllowed(path, f"does not answer {request.method}", "use GET")
    if status < 500:
        return InvalidRequest(path, "the request cannot be understood", "start from the city")
    return InternalError(
        path,
        "the node failed to answer, and has written down why",
        "try again; if it stays so, tell who runs this node what you did",
    )
