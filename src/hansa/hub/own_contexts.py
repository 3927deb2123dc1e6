"""@contexts that the node itself serves: how they are named inside, outside, and in the store (5.13).

Inside, an own @context is named by its *path*, with ``#tenant`` behind it when it belongs to a tenant
other than the city's own. So what one tenant stored is never found by another, whatever a client
writes, and nothing changes when the node moves to another address. Outside, it is named by a URL.

What was stored is a record of kind ``context`` in the tenant's store. @contexts that only an answer
needs are not: whoever may read could fill the disk with them.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from hansa.kernel.errors import BadRequest, NotFound
from hansa.kernel.ids import is_uri
from hansa.ngsild.context import Context, Source
from hansa.store.port import Edited, Write

__all__ = [
    "KINDS",
    "RECORD",
    "Entry",
    "Kind",
    "check_source",
    "content_key",
    "derived_id",
    "implicit_path",
    "inside",
    "outside",
    "own_path",
    "record_place",
    "removed",
    "single_url",
    "stored",
]

Kind = Literal["Cached", "Hosted", "ImplicitlyCreated"]

KINDS: Final[tuple[Kind, ...]] = ("Cached", "Hosted", "ImplicitlyCreated")
RECORD: Final = "context"
"""The kind of the records in the store."""

_PATH: Final = "/ngsi-ld/v1/jsonldContexts/"
_URN: Final = "urn:ngsi-ld:Context:"
_NESTING: Final = 12


@dataclass(frozen=True, slots=True)
class Entry:
    """An @context that the node holds, as a list of them shows it (5.13.3.5).

    Attributes:
        url: its address; a path when this node serves it.
        created, expires, used: moments [seconds since 1970]; of a stored one, text.
        fixed: whether it is part of the node and cannot be deleted.
    """

    url: str
    id: str
    kind: Kind
    created: float | str
    expires: float | None = None
    used: float | None = None
    hits: int = 0
    fixed: bool = False


# -- names ------------------------------------------------------------------------------------------


def own_path(id: str, tenant: str | None) -> str:
    """The inner name of an own @context."""
    return f"{_PATH}{id}#{tenant}" if tenant else _PATH + id


def record_place(path: str) -> tuple[str | None, str] | None:
    """Tenant and identifier of the record that an inner name may stand for."""
    if not path.startswith(_PATH):
        return None
    id, _, tenant = path[len(_PATH) :].partition("#")
    return tenant or None, id


def derived_id(name: bytes) -> str:
    """An identifier that follows from what it names."""
    return _URN + hashlib.sha256(name).hexdigest()[:32]


def single_url(source: Source) -> str | None:
    """The URL that an @context consists of; ``None`` when it is an object or made of several parts."""
    if isinstance(source, list) and len(source) == 1:
        source = source[0]
    return source if isinstance(source, str) else None


def content_key(source: Any) -> bytes:
    """What tells an @context from others by its content.

    Raises:
        BadRequest: it cannot be written as JSON.
    """
    try:
        return orjson.dumps(source, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        raise BadRequest("@context", "is nested too deeply or is not JSON", "flatten it") from None


def implicit_path(source: Source, tenant: str | None) -> str:
    """The inner name under which an @context that has no URL of its own is served (5.13.1)."""
    return own_path(derived_id(content_key(source)), tenant)


def inside(source: Any, base: str, tenant: str | None, depth: int = 0) -> Any:
    """What a client named, with addresses on this node as inner names; the client's own are undone."""
    if isinstance(source, str):
        if source.startswith(base + "/"):
            source = source[len(base) :]
        if not source.startswith("/"):
            return source
        path = source.partition("#")[0]
        return f"{path}#{tenant}" if tenant and path.startswith(_PATH) else path
    if isinstance(source, list) and depth <= _NESTING:
        return [inside(item, base, tenant, depth + 1) for item in source]
    if isinstance(source, dict) and isinstance(source.get("@import"), str):
        return {**source, "@import": inside(source["@import"], base, tenant)}
    return source


def outside(source: Any, base: str) -> Any:
    """The inverse of :func:`inside`: what is shown to clients."""
    if isinstance(source, str):
        return base + source.partition("#")[0] if source.startswith("/") else source
    if isinstance(source, list):
        return [outside(item, base) for item in source]
    if isinstance(source, dict) and isinstance(source.get("@import"), str):
        return {**source, "@import": outside(source["@import"], base)}
    return source


# -- what is stored ---------------------------------------------------------------------------------


def check_source(source: Any, base: str = "") -> Source:
    """An @context that is to be stored; what it names by URL is looked up when it is used.

    URLs may be relative if it comes from `base`.

    Raises:
        BadRequest: it is none (5.5.4).
    """
    items = source if isinstance(source, list) else [source]
    for item in items:
        if isinstance(item, dict):
            if "@context" in item:
                raise BadRequest("@context", "holds another @context", "write the terms directly")
            Context([item])
        elif not isinstance(item, str):
            raise BadRequest(
                "@context", f"{item!r:.40} is not a @context", "give a URL, an object or a list"
            )
        elif not base and not item.startswith("/") and not is_uri(item):
            raise BadRequest(f"@context {item[:200]!r}", "is not a URL", "give an absolute URL")
    found: Source = source
    return found


def stored(source: Source, kind: Kind, now: str, id: str | None = None) -> Write:
    """Store an @context; without an `id` it gets a new one, and with one it is stored once."""
    name = id or f"{_URN}{uuid.uuid4().hex}"
    record = {"id": name, "kind": kind, "createdAt": now, "@context": source}
    return Write(name, lambda current: Edited(record if current is None else current))


def removed(id: str) -> Write:
    """Remove a stored @context."""

    def edit(current: dict[str, Any] | None) -> Edited:
        if current is None:
            raise NotFound(
                f"@context {id[:200]}", "is not held here", "see /ngsi-ld/v1/jsonldContexts"
            )
        return Edited(None)

    return Write(id, edit)
