"""A refusal or failure as a page: what happened, why, what now.

What the pages themselves refuse is said in the page's language. Any other error is worded in English,
deep inside the node: then the page says in its language what the status means, and keeps the English
words apart, marked as English.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from hansa.kernel.errors import HansaError, TooManyRequests
from hansa.web.shell.language import Language, choose
from hansa.web.shell.site import Site
from hansa.web.shell.who import as_nobody

__all__ = ["render_error"]

_TITLES: Final = {
    400: "This address cannot be understood",
    401: "This part of the node is not public",
    403: "The gate says no",
    404: "Nothing stands at this address",
    405: "This address does not offer that",
    429: "Too many requests",
    503: "The node cannot answer just now",
}
_SUBJECTS: Final = ("entity", "type", "file", "tile")
"""Words with which the subject of an error may begin; what follows is a name."""

_FACTS: Final = (
    "is not on this node",
    "has no entities on this node",
    "is not here",
    "is not on the map",
    "there is no such page",
    "the request cannot be understood",
    "the node failed to answer, and has written down why",
)
_REMEDIES: Final = (
    "search for it on the City page, or look through the types on the Data page",
    "the Data page lists the types that are here",
    "go back to the page that named it",
    "start from the city or the data",
    "start from the city",
    "try again; if it stays so, tell who runs this node what you did",
    "use GET",
)
_OTHERWISE: Final = "Something went wrong on the node"


def render_error(site: Site, request: Request, error: HansaError) -> Response:
    """The page for `error`, with its status."""
    tongue = choose(request)
    try:
        site.asker(request)
    except HansaError:  # very likely `error` itself
        as_nobody(request)
    known = error.fact in _FACTS and (error.remedy or "") in ("", *_REMEDIES)
    response = site.page(
        request,
        "error.html",
        status=error.status,
        error=error,
        said=_Said(
            _subject(tongue, error.subject),
            tongue(error.fact),
            tongue(error.remedy) if error.remedy else "",
        ),
        is_worded=known or tongue.code == "en",
        title=tongue(_TITLES.get(error.status, _OTHERWISE)),
        texts=site.script_texts(tongue),
    )
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.after)
    return response


class _Said(NamedTuple):
    """The three parts of an error in the page's language."""

    subject: str
    fact: str
    remedy: str


def _subject(tongue: Language, subject: str) -> str:
    word, space, name = subject.partition(" ")
    return f"{tongue(word)}{space}{name}" if word in _SUBJECTS else subject
