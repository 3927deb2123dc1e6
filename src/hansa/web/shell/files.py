"""The node's own files (scripts, styles, fonts), read once and kept in memory.

Their address holds a digest of them all (``/static/<digest>/js/city.js``), so a browser may keep them
for good, and files that refer to each other by relative paths stay together.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hansa.kernel.errors import NotFound

__all__ = ["StaticFiles"]

_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "woff2": "font/woff2",
}
_WORTH_PACKING: Final = frozenset({"css", "js", "json", "svg", "txt"})
_CALL_OF_T: Final = re.compile(r"""\bt\(\s*"((?:[^"\\]|\\.)*)\"(?:,\s*"((?:[^"\\]|\\.)*)\")?""")


@dataclass(frozen=True, slots=True)
class _File:
    type: str
    plain: bytes
    packed: bytes | None


class StaticFiles:
    """All files below ``web/static``, read when the first is asked for."""

    @cached_property
    def _files(self) -> dict[str, _File]:
        root = resources.files("hansa.web").joinpath("static")
        return {path: _read(file) for path, file in _walk(root, "")}

    @cached_property
    def digest(self) -> str:
        """Changes when any file does."""
        total = hashlib.sha256()
        for path in sorted(self._files):
            total.update(path.encode() + b"\0" + self._files[path].plain)
        return total.hexdigest()[:12]

    def address(self, path: str) -> str:
        """The path at which a file is served."""
        if path not in self._files:
            raise NotFound(f"file {path}", "is not among the pages' files")
        return f"/static/{self.digest}/{path}"

    @cached_property
    def script_texts(self) -> list[str]:
        """The texts that scripts show, to be translated: the arguments of ``t("…")``."""
        found: set[str] = set()
        for path, file in self._files.items():
            if path.startswith("js/"):
                for one, many in _CALL_OF_T.findall(file.plain.decode()):
                    found.add(many or one)
        return sorted(found)

    def routes(self) -> list[BaseRoute]:
        """The addresses of the files and of the favicon."""
        return [
            Route("/static/{digest}/{path:path}", self._serve),
            Route("/favicon.ico", self._favicon),
        ]

    async def _serve(self, request: Request) -> Response:
        path = request.path_params["path"]
        file = self._files.get(path)
        if file is None:
            raise NotFound(f"file {path}", "is not here", "go back to the page that named it")
        current = request.path_params["digest"] == self.digest
        return _answer(request, file, self.digest, forever=current)

    async def _favicon(self, request: Request) -> Response:
        return _answer(request, self._files["mark.svg"], self.digest, forever=False)


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for entry in folder.iterdir():
        path = prefix + entry.name
        if entry.is_dir():
            found += _walk(entry, path + "/")
        elif entry.name.rpartition(".")[2] in _TYPES:
            found.append((path, entry))
    return found


def _read(file: Traversable) -> _File:
    plain = file.read_bytes()
    ending = file.name.rpartition(".")[2]
    packed = gzip.compress(plain, 6, mtime=0) if ending in _WORTH_PACKING else None
    return _File(_TYPES[ending], plain, packed)


def _answer(request: Request, file: _File, digest: str, *, forever: bool) -> Response:
    headers = {
        "ETag": f'"{digest}"',
        "Cache-Control": "public, max-age=31536000, immutable" if forever else "no-cache",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if file.packed is None or "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(file.plain, media_type=file.type, headers=headers)
    packed = headers | {"Content-Encoding": "gzip"}
    return Response(file.packed, media_type=file.type, headers=packed)
