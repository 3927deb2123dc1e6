"""Conditional requests (RFC 9110, 13): ETag, If-None-Match and If-Match for one resource.

The tag of an entity is its *version*, from the moment of its last change, and a digest of the answer's
body: so each representation has a tag of its own, and a write can be bound to the version alone. That
is how two clients keep from undoing each other's changes: read, then write with If-Match; who comes
second is refused with 412, inside the transaction.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

from hansa.kernel.errors import InvalidRequest, PreconditionFailed
from hansa.ngsild.model import Entity
from hansa.store.port import Edited, Write

__all__ = ["conditioned", "is_known", "tag"]

_TAG: Final = re.compile(r'\s*(W/)?"([^"]*)"\s*(?:,|$)')


def tag(body: bytes, entity: Entity | None = None) -> str:
    """The tag of an answer, of an entity or of anything else."""
    digest = blake2b(body, digest_size=6).hexdigest()
    return digest if entity is None else f"{_version(entity)}-{digest}"


def is_known(tag: str, if_none_match: str) -> bool:
    """Whether a client has what is tagged already."""
    return tag in _tags(if_none_match, tag, weak=True)


def conditioned(write: Write, if_match: str) -> Write:
    """`write`, unless the entity is of another version than the header If-Match wants.

    Raises:
        InvalidRequest: the header is malformed.
    """
    versions = {tag.partition("-")[0] for tag in _tags(if_match, "*", weak=False)}

    def edit(current: Entity | None) -> Edited:
        if current is not None and not versions & {"*", _version(current)}:
            raise PreconditionFailed(
                f"entity {write.id}",
                "has changed since it was read",
                "read it again, and decide anew",
            )
        return write.edit(current)

    return Write(write.id, edit, write.keep_history)


def _version(entity: Entity) -> str:
    return f"{int(''.join(filter(str.isdecimal, entity['modifiedAt']))):x}"


def _tags(header: str, any: str, *, weak: bool) -> set[str]:
    """The tags in a header; ``*`` stands for `any`. Weak ones never match for a write."""
    if header.strip() == "*":
        return {any}
    found: set[str] = set()
    at = 0
    while at < len(header):
        match = _TAG.match(header, at)
        if match is None:
            raise InvalidRequest(
                f"the condition {header[:80]!r}", "is no list of tags", 'write "…", "…" or *'
            )
        if weak or not match[1]:
            found.add(match[2])
        at = match.end()
    return found
