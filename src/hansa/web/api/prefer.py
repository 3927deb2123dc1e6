"""The Prefer header (IETF RFC 7240): which version of NGSI-LD, and where the @context of GeoJSON goes.

A preference that cannot be understood is passed over, as the RFC wants it; what was done is said in
``Preference-Applied`` (clauses 4.3.6.8 and 6.3.6).
"""

from __future__ import annotations

import re
from typing import Final

from hansa.ngsild.fallback import CURRENT, Version

__all__ = ["preferences", "preferred_version"]

_VERSION: Final = re.compile(r"([1-9]\d{0,2})\.(\d{1,3})", re.ASCII)


def preferences(header: str) -> dict[str, str]:
    """Each preference, in small letters, with its value; the first of a name counts."""
    found: dict[str, str] = {}
    for part in header.split(","):
        name, _, value = part.partition(";")[0].partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found


def preferred_version(header: str | None) -> Version | None:
    """The version that an answer is to conform to, at most the current one."""
    if not header:
        return None
    found = _VERSION.fullmatch(preferences(header).get("ngsi-ld", ""))
    return min((int(found[1]), int(found[2])), CURRENT) if found else None
