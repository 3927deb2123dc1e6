"""Small parts of a request: its header fields, the @context that one of them names, how deep its body is nested. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote

__all__ = ["depth_exceeds", "headers_of", "linked_context"]

_LINK_REL: Final = "http://www.w3.org/ns/json-ld#context"
_CONTAINERS: Final = frozenset({dict, list})


def headers_of(raw: Iterable[tuple[bytes, bytes]]) -> dict[bytes, str]:
    """Header fields by lower-case name; repeated ones are joined with commas."""
    found: dict[bytes, str] = {}
    for name, value in raw:
        text = value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def linked_context(link: str) -> str | None:
    """The address of the @context in a Link header, if there is one."""
    for part in link.split(","):
        target, _, parameters = part.partition(">")
        if _LINK_REL in parameters.replace(" ", ""):
            return unquote(target.strip().removeprefix("<"))
    return None


def depth_exceeds(value: Any, limit: int) -> bool:
    """Whether something is nested deeper than `limit` levels."""
    level: list[Any] = [[value]]
    for _ in range(limit + 1):
        level = [
            inner
            for item in level
            for inner in (item.values() if type(item) is dict else item)
            if type(inner) in _CONTAINERS
        ]
        if not level:
            return False
    return True
