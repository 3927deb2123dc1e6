"""Answers of the API: status, headers and body, ready for the wire."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

import orjson

from hansa.hub.own_contexts import outside
from hansa.ngsild.context import Context, Source
from hansa.ngsild.model import Entity
from hansa.web.api.call import GEO_JSON, JSON, LD_JSON, Call
from hansa.web.api.conditions import is_known, tag
from hansa.web.api.prefer import preferences, preferred_version

__all__ = ["Answer", "created", "document", "nothing", "plain", "tagged"]

Header = tuple[bytes, bytes]

_LINK: Final = '<%s>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
_URL_SAFE: Final = ":/?#[]@!$&'()*+,;=%~-._"
_VARY: Final = (b"vary", b"accept, link, prefer, ngsild-tenant, ngsild-snapshot")
_CONTENT_TYPES: Final = {kind: kind.encode() for kind in (JSON, LD_JSON, GEO_JSON)}


@dataclass(slots=True)
class Answer:
    """What goes back to the client."""

    status: int
    body: bytes = b""
    headers: list[Header] = field(default_factory=list)


def nothing(status: int = 204) -> Answer:
    """An answer without a body."""
    return Answer(status)


def created(location: str, status: int = 201, body: Any = None) -> Answer:
    """201 Created, with the path of what was made."""
    answer = plain(status, body) if body is not None else Answer(status)
    # In capitals although names have no case: not every client knows that.
    answer.headers.append((b"Location", location.encode("ascii")))
    return answer


def plain(status: int, body: Any) -> Answer:
    """A JSON answer whose names need no @context (errors, batch results)."""
    return Answer(status, orjson.dumps(body), [(b"content-type", b"application/json")])


def document(
    call: Call,
    body: Any,
    context: Context,
    kind: str = JSON,
    headers: Iterable[Header] = (),
    status: int = 200,
) -> Answer:
    """An answer that is read with `context`: inside it (JSON-LD) or linked beside it (6.3.6)."""
    head = [(b"content-type", _CONTENT_TYPES[kind]), *headers]
    wish = call.headers.get(b"prefer")
    if wish is not None and (version := preferred_version(wish)) is not None:
        head.append((b"preference-applied", b"ngsi-ld=%d.%d" % version))
    if kind == LD_JSON or (kind == GEO_JSON and not (wish and _is_plain(wish))):
        body = _with_context(body, outside(context.source, call.base))
    else:
        head.append((b"link", _link(call.service.context_url(context, call.base, call.tenant))))
    return Answer(status, orjson.dumps(body), head)


def tagged(call: Call, answer: Answer, entity: Entity | None = None) -> Answer:
    """`answer` with its tag; 304 and nothing else when the client has it already."""
    name = tag(answer.body, entity)
    marks = [(b"etag", f'"{name}"'.encode()), _VARY]
    known = call.headers.get(b"if-none-match")
    if known is not None and is_known(name, known):
        return Answer(304, headers=marks)
    answer.headers += marks
    return answer


def _is_plain(wish: str) -> bool:
    """Whether the client prefers GeoJSON without an @context in it (6.3.6)."""
    return preferences(wish).get("body") == "json"


@lru_cache(maxsize=64)
def _link(url: str) -> bytes:
    """The value of the Link header that names a @context; mostly the same few."""
    return (_LINK % quote(url, safe=_URL_SAFE)).encode("ascii")


def _with_context(body: Any, source: Source) -> Any:
    if isinstance(body, list):
        return [{**item, "@context": source} for item in body]
    return {**body, "@context": source}
