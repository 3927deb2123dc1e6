"""A refusal or failure as a page: what happened, why, what now."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hansa.kernel.errors import HansaError
from hansa.web.shell.language import choose
from hansa.web.shell.site import Site

__all__ = ["render_error"]

_TITLES: Final = {
    400: "This address cannot be understood",
    401: "This part of the node is not public",
    403: "The gate says no",
    404: "Nothing stands at this address",
    405: "This address does not offer that",
    503: "The node cannot answer just now",
}
_OTHERWISE: Final = "Something went wrong on the node"


def render_error(site: Site, request: Request, error: HansaError) -> Response:
    """The page for `error`, with its status."""
    tongue = choose(request)
    return site.page(
        request,
        "error.html",
        status=error.status,
        error=error,
        title=tongue(_TITLES.get(error.status, _OTHERWISE)),
        texts=site.script_texts(tongue),
    )
