"""The frame of the pages: templates, language, banners, and the way to the node's data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, Protocol

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from hansa.kernel.clock import Clock
from hansa.kernel.folder import Folder
from hansa.kernel.settings import Settings
from hansa.ngsild.city import city_context
from hansa.ngsild.context import Context
from hansa.store.port import Reader
from hansa.trust.gate import Gate
from hansa.trust.rooms import TrustRooms
from hansa.web.shell.agents import browser
from hansa.web.shell.files import StaticFiles
from hansa.web.shell.headers import PAGE_HEADERS
from hansa.web.shell.language import LANGUAGES, Language, choose, cookie_name
from hansa.web.shell.links import web_link
from hansa.web.shell.who import Asker, asking

__all__ = ["PageNode", "Site", "base_of"]


@cache
def _files() -> StaticFiles:
    return StaticFiles()


class PageNode(Protocol):
    """What the pages need of the node."""

    @property
    def settings(self) -> Settings:
        """The node's settings."""

    @property
    def clock(self) -> Clock:
        """The node's time."""

    @property
    def timetable_clock(self) -> Clock:
        """What timetables take for the present."""

    @property
    def folder(self) -> Folder:
        """Where the node lives; tiles are kept in its cache."""

    @property
    def context(self) -> Context:
        """The @context of API requests that name none."""

    @property
    def gate(self) -> Gate:
        """The only way to its data."""

    @property
    def trust(self) -> TrustRooms:
        """The rooms of the gate: the desk, the log, the registers."""

    def public_store(self) -> Reader:
        """What anyone may read, through the gate."""

    def feed(self) -> Reader:
        """All that changes, for those who keep what they worked out until then; not to be shown."""


class Site:
    """Renders pages for one node."""

    def __init__(self, node: PageNode) -> None:
        self.node = node
        self.files = _files()
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("hansa.web", "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        self._templates.filters["web_link"] = web_link
        self._templates.filters["browser"] = browser

    @property
    def store(self) -> Reader:
        """The city's entities as the public may read them."""
        return self.node.public_store()

    @property
    def term(self) -> Callable[[str], str]:
        """IRI to the short name of the city's @context."""
        return city_context().compact

    @property
    def iri(self) -> Callable[[str], str]:
        """Short name to IRI."""
        return city_context().expand

    def now(self) -> datetime:
        """What timetables take for the present, in the city's time zone."""
        return self.node.timetable_clock.now().astimezone(self.node.settings.zone)

    def local(self, instant: str) -> datetime:
        """An ISO 8601 instant of an entity in the city's time zone."""
        return datetime.fromisoformat(instant).astimezone(self.node.settings.zone)

    def asker(self, request: Request) -> Asker:
        """Who asks for a page.

        Raises:
            Unauthorized: an Authorization header proves nothing.
        """
        return asking(self.node.gate, self.node.trust.desk, request)

    def base(self, request: Request) -> str:
        """The node's public address, without a final slash."""
        return base_of(self.node, request)

    def page(
        self, request: Request, template: str, *, status: int = 200, **values: Any
    ) -> Response:
        """A whole page, or the part of one, from a template."""
        tongue = choose(request)
        html = self._templates.get_template(template).render(
            _=tongue,
            tongue=tongue,
            languages=LANGUAGES,
            settings=self.node.settings,
            asker=self.asker(request),
            clock_is_real=self.node.timetable_clock.is_real,
            now=self.now(),
            path=request.url.path,
            address_in=lambda code: "?" + request.url.include_query_params(lang=code).query,
            static=self.files.address,
            local=self.local,
            **values,
        )
        response = HTMLResponse(html, status_code=status, headers=PAGE_HEADERS)
        if status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"  # RFC 9110, 15.5.2
        if request.query_params.get("lang") in LANGUAGES:
            secure = self.node.settings.base_url.lower().startswith("https://")
            response.set_cookie(
                cookie_name(secure=secure),
                tongue.code,
                max_age=31_536_000,
                samesite="lax",
                secure=secure,
                httponly=True,
            )
        return response

    def script_texts(self, tongue: Language) -> dict[str, str | list[str]]:
        """The translations that scripts need."""
        wanted = self.files.script_texts
        return {text: tongue.messages[text] for text in wanted if text in tongue.messages}


def base_of(node: PageNode, request: Request) -> str:
    """The node's public address, without a final slash."""
    return node.settings.base_url or str(request.base_url).rstrip("/")
