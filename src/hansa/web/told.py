"""``/hansa/v1/told/<secret>``: where a service tells a live source what is new (see :mod:`hansa.spokes.mailboxes`).

Rules, in order: an address that nobody opened does not exist (404, whatever is sent); the body is JSON by
its media type (415), no larger than a request may be (413), nested no deeper, and well-formed (400); when
the box is full, the sender is told to come again (503). What the content means is the job's to check.
"""

from __future__ import annotations

from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hansa.kernel.errors import (
    BadRequest,
    HansaError,
    InvalidRequest,
    NotFound,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from hansa.spokes.mailboxes import PATH, Mailboxes
from hansa.web.api.problem import problem

__all__ = ["told_route"]

_SUBJECT: Final = "what was told"
_DEEPEST: Final = 64


def told_route(boxes: Mailboxes, limit: int) -> Route:
    """The route; `limit` is the largest body [bytes]."""

    async def take(request: Request) -> Response:
        try:
            await _take(request, boxes, limit)
        except HansaError as error:
            return JSONResponse(problem(error), error.status, media_type="application/problem+json")
        return Response(status_code=204)

    return Route(PATH + "{secret}", take, methods=["POST"])


async def _take(request: Request, boxes: Mailboxes, limit: int) -> None:
    box = boxes.find(request.path_params["secret"])
    if box is None:
        raise NotFound("this address", "was given to nobody, or is over")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "application/ld+json"):
        raise UnsupportedMediaType(_SUBJECT, f"is {kind[:60]!r}, not JSON", "send application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge(_SUBJECT, f"is larger than {limit:,} bytes", "send it in parts")
    content = _json(bytes(body))
    if not box.put(content, len(body)):
        raise Unavailable(_SUBJECT, "finds no room at present", "send it again later")


def _json(body: bytes) -> Any:
    try:
        found = orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError):
        raise InvalidRequest(_SUBJECT, "is not JSON", "correct it") from None
    level = [found]
    for _ in range(_DEEPEST):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return found
    raise BadRequest(_SUBJECT, f"is nested deeper than {_DEEPEST} levels", "flatten it")
