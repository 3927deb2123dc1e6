"""The list of contents that opens every backup: what is in it, and how to tell that it is whole."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from hansa.kernel.errors import BadRequest

__all__ = ["FORMAT", "Item", "Manifest"]

FORMAT: Final = 3
"""Raised when an older Hansa could no longer read the archive. 2: it may hold old history; 3: vault and log."""


@dataclass(frozen=True, slots=True)
class Item:
    """One file: its path inside the node's folder, size in bytes, and SHA-256 in hexadecimal."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. ``made_at`` is UTC; ``version`` is Hansa's."""

    city: str
    made_at: str
    version: str
    items: tuple[Item, ...]
    format: int = FORMAT

    def to_json(self) -> bytes:
        """The manifest as it stands in the archive."""
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, text: bytes, archive: str) -> Manifest:
        """The inverse of :meth:`to_json`.

        Raises:
            BadRequest: it is no manifest, of a newer format, or it names a path outside a node.
        """
        try:
            data: dict[str, Any] = orjson.loads(text)
            items = tuple(Item(**item) for item in data.pop("items"))
            manifest = cls(items=items, **data)
        except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError) as error:
            raise BadRequest(
                archive, "its list of contents cannot be read", "use another backup"
            ) from error
        if not _is_plain(manifest):
            raise BadRequest(archive, "its list of contents cannot be read", "use another backup")
        if not 1 <= manifest.format <= FORMAT:
            raise BadRequest(
                archive,
                f"is of format {manifest.format}, and this Hansa reads up to format {FORMAT}",
                f"restore it with Hansa {manifest.version}",
            )
        for item in items:
            _check_path(item.path, archive)
        return manifest


def _is_plain(manifest: Manifest) -> bool:
    """Whether all of it is of its kind, can be shown, and the moment is one."""
    texts = [manifest.city, manifest.made_at, manifest.version]
    for item in manifest.items:
        if type(item.bytes) is not int or item.bytes < 0:
            return False
        texts += (item.path, item.sha256)
    if type(manifest.format) is not int:
        return False
    if not all(isinstance(text, str) and text.isprintable() for text in texts):
        return False
    try:
        datetime.fromisoformat(manifest.made_at).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return False
    return True


def _check_path(path: str, archive: str) -> None:
    """Refuse what `hansa backup` never writes: a hand-made archive could point anywhere."""
    parts = path.split("/")
    inside = path == "hansa.toml" or (
        len(parts) > 1 and parts[0] in {"store", "history", "trust", "log", "contexts"}
    )
    if not inside or any(part in {"", ".", ".."} for part in parts) or "\\" in path:
        raise BadRequest(archive, f"holds '{path}', which is no part of a node", "do not trust it")
