"""The Accept header: which media type to answer with (clause 6.3.4; RFC 9110, 12.5.1)."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from hansa.kernel.errors import NotAcceptable

__all__ = ["best_of"]


def best_of(offered: Sequence[str], accept: str) -> str:
    """The best of the media types `offered`, which stand in order of preference.

    Raises:
        NotAcceptable: `accept` wants none of them.
    """
    weights = _weights(accept)
    best = max(offered, key=lambda kind: _weight(weights, kind))
    if _weight(weights, best) <= 0:
        raise NotAcceptable(
            f"the Accept header {accept[:80]!r}",
            "names no media type that this resource has",
            f"accept one of {', '.join(offered)}",
        )
    return best


def _weights(accept: str) -> list[tuple[str, float]]:
    """Media ranges with their weights; a weight that is no number is passed over."""
    found = []
    for part in accept.split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                with contextlib.suppress(ValueError):
                    weight = min(max(float(parameter[2:]), 0.0), 1.0)
        found.append((kind, weight))
    return found


def _weight(weights: list[tuple[str, float]], kind: str) -> float:
    """The weight of `kind`: that of the most specific range that covers it."""
    family = kind.partition("/")[0] + "/*"
    for wanted in (kind, family, "*/*"):
        for name, weight in weights:
            if name == wanted:
                return weight
    return 0.0
