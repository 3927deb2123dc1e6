"""What the addresses of the registers share: bodies of bounded length, errors as problem documents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hansa.kernel.errors import HansaError, InvalidRequest, TooLarge, TooManyRequests
from hansa.web.api.problem import problem

__all__ = ["Handler", "answering", "as_document", "body_of"]

_LONGEST: Final = 200_000
Handler = Callable[[Request], Awaitable[Response]]


async def body_of(request: Request) -> object:
    """The JSON that a request brings.

    Raises:
        TooLarge, InvalidRequest: it cannot be read.
    """
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > _LONGEST:
            raise TooLarge("the record", f"is longer than {_LONGEST:,} bytes", "shorten its texts")
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as fault:
        raise InvalidRequest("the record", f"is no JSON ({fault})", "send one object") from fault


def answering(handler: Handler) -> Handler:
    """Errors become problem documents, not pages."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except HansaError as error:
            return as_document(error)

    return answered


def as_document(error: HansaError) -> Response:
    """The problem document of an error, with its status and what the protocol adds to it."""
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.after)
    return JSONResponse(problem(error), error.status, headers, "application/problem+json")
