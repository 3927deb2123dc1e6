"""@context documents on disk: those an operator preloaded, and copies of those that were fetched.

Preloaded documents come from the setting ``contexts`` (URL to file), and from ``index.json`` in the
node's folder ``contexts/`` (the same mapping; files lie beside it). A fault in one of them stops the
start of the node, by name: a node that silently lacks an @context would misread its data.

Copies hold the URL, the time of retrieval and the document. A copy that cannot be read is as good as
none; one that cannot be written costs a later fetch, which is logged.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from hansa.kernel.errors import BadRequest, NotFound

__all__ = ["Copies", "Document", "preloaded", "read_document"]

_MOST_COPIES: Final = 1000

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Document:
    """The @context of a document, and where it came from.

    Attributes:
        retrieved, good_until: when it was fetched, and from when it is old [seconds since 1970].
        size: bytes of the whole document.
    """

    url: str
    context: Any
    retrieved: float
    good_until: float
    size: int


def read_document(content: bytes, subject: str) -> Any:
    """The value of ``@context`` in a JSON-LD document.

    Raises:
        BadRequest: it is not JSON, or has no @context (clause 5.5.6).
    """
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as fault:
        raise BadRequest(
            subject,
            f"is not JSON (line {fault.lineno}, column {fault.colno})",
            "name a JSON-LD file",
        ) from None
    if not isinstance(document, dict) or "@context" not in document:
        raise BadRequest(subject, "has no member @context", "name a JSON-LD @context document")
    return document["@context"]


def preloaded(settings: Mapping[str, str], root: Path) -> dict[str, Any]:
    """URL to @context of everything that was preloaded for the node in folder `root`.

    Raises:
        HansaError: a file is missing, or holds no @context.
    """
    folder = root / "contexts"
    files = {url: folder / name for url, name in _index(folder / "index.json").items()}
    files |= {url: root / name for url, name in settings.items()}
    return {url: _preload(url, path) for url, path in files.items()}


def _index(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as fault:
        raise BadRequest("contexts/index.json", f"cannot be read ({fault})", "mend it") from None
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found.values()):
        raise BadRequest(
            "contexts/index.json", "does not map URLs to files", 'write {"https://...": "file"}'
        )
    return found


def _preload(url: str, path: Path) -> Any:
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise NotFound(
            f"@context {url}",
            f"its file {path.name} cannot be read ({fault.strerror})",
            "put it there, or take the entry out of the settings",
        ) from None
    return read_document(content, f"@context {url} in file {path.name}")


class Copies:
    """What was fetched, in one folder; without a folder nothing is kept."""

    __slots__ = ("_folder",)

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def load(self, url: str) -> Document | None:
        """The copy of `url`, or ``None``."""
        if self._folder is None:
            return None
        found = self._read(self._path(self._folder, url))
        return found if found is not None and found.url == url else None

    @staticmethod
    def _read(path: Path) -> Document | None:
        try:
            content = path.read_bytes()
            kept = orjson.loads(content)
            times = float(kept["retrieved"]), float(kept["goodUntil"])
            return Document(str(kept["url"]), kept["@context"], *times, len(content))
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return None

    def known(self) -> list[Document]:
        """Everything of which there is a copy; what cannot be read is passed over."""
        if self._folder is None:
            return []
        found = (self._read(path) for path in sorted(self._folder.glob("*.json")))
        return [document for document in found if document is not None]

    def remove(self, url: str) -> bool:
        """Forget the copy of `url`; whether there was one."""
        if self._folder is None or not (path := self._path(self._folder, url)).exists():
            return False
        path.unlink(missing_ok=True)
        return True

    def save(self, document: Document) -> None:
        """Keep a copy; a crash leaves the old one or the new one, never half a file."""
        if self._folder is None:
            return
        path = self._path(self._folder, document.url)
        kept = {
            "url": document.url,
            "retrieved": document.retrieved,
            "goodUntil": document.good_until,
            "@context": document.context,
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            new = path.with_suffix(".new")
            new.write_bytes(orjson.dumps(kept))
            new.replace(path)
            self._thin_out(self._folder)
        except OSError as fault:
            _LOG.warning("no copy of @context %s was kept: %s", document.url, fault)

    @staticmethod
    def _thin_out(folder: Path) -> None:
        kept = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in kept[:-_MOST_COPIES]:
            path.unlink(missing_ok=True)

    @staticmethod
    def _path(folder: Path, url: str) -> Path:
        return folder / f"{hashlib.sha256(url.encode()).hexdigest()[:40]}.json"
