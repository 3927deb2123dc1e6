"""Identifiers: what counts as a URI here, and how to make good ones.

NGSI-LD wants absolute URIs (RFC 3986) or IRIs (RFC 3987). On top of those grammars the invisible
characters are refused (controls, bidirectional overrides, zero-width and blank-looking letters,
variation selectors, noncharacters): an identifier that can look like another one identifies nothing.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["is_uri", "slug", "urn"]

_ASCII_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
_IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\x00-\x20<>\"{}|\\^`\x7f-\x9f]+")
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
_HIDDEN_LETTERS: Final = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_MAX_LENGTH: Final = 2048


def is_uri(text: object) -> bool:
    """Whether `text` is an absolute URI or IRI of at most 2,048 characters without hidden ones."""
    if not isinstance(text, str) or len(text) > _MAX_LENGTH:
        return False
    if _ASCII_URI.fullmatch(text):
        return True
    return not text.isascii() and _IRI.fullmatch(text) is not None and not any(map(_hidden, text))


def _hidden(char: str) -> bool:
    return (
        unicodedata.category(char) in _HIDDEN_CATEGORIES
        or char in _HIDDEN_LETTERS
        or "\ufe00" <= char <= "\ufe0f"
        or "\U000e0100" <= char <= "\U000e01ef"
    )


def slug(text: str) -> str:
    """`text` as lower-case ASCII words joined by hyphens, for example ``la-serena-coquimbo``."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def urn(type: str, *parts: str | int) -> str:
    """An NGSI-LD URN: ``urn("Stop", "coquimbo", 17)`` is ``urn:ngsi-ld:Stop:coquimbo:17``."""
    return ":".join(("urn:ngsi-ld", type, *(str(part) for part in parts)))
