"""Errors as the API shows them (clauses 5.5.2, 5.5.3 and 6.3.3; RFC 9457)."""

from __future__ import annotations

from typing import Any

import orjson

from hansa.kernel.errors import HansaError, TooManyRequests
from hansa.web.api.answer import Answer

__all__ = ["problem", "problem_answer"]

_TYPES = "https://uri.etsi.org/ngsi-ld/errors/"
_BARE = frozenset({411, 415})
"""Answers that clause 6.3.4 wants as "just" the status, without any payload body, in contrast to 405, 406
and 413, which report as others do. What to send instead stands in the header ``accept`` of a 415."""


def problem(error: HansaError) -> dict[str, Any]:
    """The ProblemDetails of an error: the title says what is wrong, the detail what to do about it."""
    return {
        "type": _TYPES + error.code,
        "title": f"{error.subject}: {error.fact}.",
        "detail": _sentence(error.remedy or error.fact),
        "status": error.status,
        **error.extra,
    }


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def problem_answer(error: HansaError, accept: str | None = None) -> Answer:
    """The answer that reports an error.

    Clause 6.3.3 asks for application/json; RFC 9457 for application/problem+json, which is sent to
    whoever accepts it by name. Two answers have no body (6.3.4).
    """
    if error.status in _BARE:
        wanted = error.extra.get("accept", "").encode()
        return Answer(error.status, headers=[(b"accept", wanted)] if wanted else [])
    kind = "application/problem+json" if "problem+json" in (accept or "") else "application/json"
    headers = [(b"content-type", kind.encode())]
    if error.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if isinstance(error, TooManyRequests):
        headers.append((b"retry-after", str(error.after).encode()))
    return Answer(error.status, orjson.dumps(problem(error)), headers)
