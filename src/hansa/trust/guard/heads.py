"""Identifier and types of a serialised entity, without reading the rest of it. Pure.

A store gives entities as text that begins with both. Whatever begins otherwise is for whoever reads it whole.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import orjson

__all__ = ["head_of", "types_in"]

_START: Final = b'{"id":"'
_BETWEEN: Final = b'","type":['
_BACKSLASH: Final = b"\\"


def head_of(raw: bytes) -> tuple[bytes, bytes] | None:
    """The identifier, and the text within the brackets of the types; ``None``: a look does not tell."""
    end = raw.find(b'"', len(_START))
    if not raw.startswith(_START) or not raw.startswith(_BETWEEN, end):
        return None
    begin = end + len(_BETWEEN)
    id, types = raw[len(_START) : end], raw[begin : raw.find(b"]", begin)]
    if _BACKSLASH in id or _BACKSLASH in types:
        return None
    return id, types


@lru_cache(maxsize=4_000)
def types_in(text: bytes) -> tuple[str, ...] | None:
    """The types in such a text; ``None``: a bracket within one of them cut it off."""
    try:
        return tuple(orjson.loads(b"[" + text + b"]"))
    except orjson.JSONDecodeError:
        return None
