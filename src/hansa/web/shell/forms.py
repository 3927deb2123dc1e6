"""What forms send: taken only from this node's own pages, and read within bounds.

Checked in this order: where the request comes from (Sec-Fetch-Site, else Origin), its length, and, with a
session, the secret that the session's forms carry. What is JSON is taken from a token, or from a script of this
node's own pages (:func:`sender`).
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request

from hansa.kernel.errors import Forbidden, InvalidRequest, TooLarge
from hansa.trust.principals import Principal
from hansa.web.shell.site import PageNode, Site
from hansa.web.shell.who import Asker, asking

__all__ = ["Form", "check_origin", "local_path", "posted", "sender"]

Form = ImmutableMultiDict[str, str]

_LONGEST: Final = 20_000
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_MOST_FIELDS: Final = 500


async def posted(site: Site, request: Request) -> tuple[Asker, Form]:
    """Who sends a form, and what it says.

    Raises:
        Forbidden: it was not sent from a page of this node.
        TooLarge, InvalidRequest: it cannot be read.
    """
    check_origin(site.node, request)
    form = await _read(request)
    asker = site.asker(request)
    if asker.session is not None and not asker.session.allows(form.get("form", "")):
        raise Forbidden(
            "this form", "belongs to another session", "load its page again, and send it from there"
        )
    return asker, form


def sender(node: PageNode, request: Request) -> Principal:
    """Who sends JSON: by a token, or by the session of one of this node's pages.

    Raises:
        Unauthorized: there is an Authorization header, but it proves nothing.
        Forbidden: a session's cookie comes with a change that no page of this node says it sent.
    """
    asker = asking(node.gate, node.trust.desk, request)
    if asker.session is not None and request.method not in _READS:
        if not {"origin", "sec-fetch-site"} & set(request.headers.keys()):
            fact = "does not say which page sent it"
            raise Forbidden("this request", fact, "send a token as 'Bearer …' instead of a cookie")
        check_origin(node, request)
    return asker.principal


def check_origin(node: PageNode, request: Request) -> None:
    """Refuse what a browser sends from a page of another site.

    Raises:
        Forbidden: it does.
    """
    fetched = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    ours = {request.headers.get("host", ""), urlsplit(node.settings.base_url).netloc}
    foreign = origin is not None and _place(origin) not in ours - {""}
    if foreign or fetched not in (None, "same-origin"):
        raise Forbidden("this request", "comes from another site", "use the page of this node")


def _place(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # half a bracket
        return ""


def local_path(wanted: str) -> str:
    """`wanted` if it is a path of this node, else its first page: a link cannot lead elsewhere."""
    safe = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    plain = wanted.isascii() and wanted.isprintable() and "\\" not in wanted
    return wanted if safe and plain and len(wanted) < 1000 else "/"


async def _read(request: Request) -> Form:
    found = b""
    async for chunk in request.stream():
        found += chunk
        if len(found) > _LONGEST:
            raise TooLarge("the form", "is too long", "send less at a time")
    try:
        text = found.decode("ascii")
        pairs = parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except (UnicodeDecodeError, ValueError):
        raise InvalidRequest("the form", "cannot be read", "send it from its page") from None
    return ImmutableMultiDict(pairs)
