"""Regular expressions in queries: RE2, whose search takes time linear in the text (clause 4.9)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

from hansa.kernel.errors import BadRequest

__all__ = ["matches", "pattern"]


@lru_cache(maxsize=256)
def pattern(text: str) -> Any:
    """The compiled RE2 pattern.

    Raises:
        BadRequest: it is not one.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        why = error.args[0]
        raise BadRequest(
            f"pattern {text[:80]!r}",
            why.decode(errors="replace") if isinstance(why, bytes) else str(why),
            "write a regular expression in RE2 syntax (no look-around, no back-references)",
        ) from None


def matches(expression: str, text: Any) -> bool | None:
    """Whether `text` contains a match of `expression`; ``None`` when it is no text."""
    return pattern(expression).search(text) is not None if isinstance(text, str) else None
