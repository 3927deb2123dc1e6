"""What a @context is made of: the term maps behind URLs, lists and objects, in order of precedence.

Documents may name further documents, also by a relative URL or by ``@import``. Their number and
nesting are limited, and a circle is refused, so that a hostile document costs little.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from hansa.hub.context_files import Document
from hansa.kernel.errors import BadRequest
from hansa.kernel.ids import is_uri
from hansa.kernel.urls import joined

__all__ = ["Gathering"]

_DOCUMENTS: Final = 32
_NESTING: Final = 12


class Gathering:
    """The term maps of one @context, collected document by document.

    Attributes:
        parts: the term maps, later ones overriding earlier ones.
        good_until: when the first of the documents grows old [seconds since 1970].
        size: bytes of all the documents together.
        urls: the documents, in the order in which they were met.
    """

    def __init__(self, document: Callable[[str], Awaitable[Document]]) -> None:
        self.parts: list[dict[str, Any]] = []
        self.good_until = float("inf")
        self.size = 0
        self.urls: list[str] = []
        self._document = document
        self._open: list[str] = []

    async def add(self, source: Any, base: str = "", depth: int = 0) -> None:
        """Add what `source` stands for; relative URLs are taken from `base`.

        Raises:
            ContextUnavailable: a document cannot be had.
            BadRequest: it is not a @context, or too large a one.
        """
        if depth > _NESTING:
            raise BadRequest("@context", f"is nested deeper than {_NESTING} levels", "flatten it")
        if isinstance(source, list):
            for item in source:
                await self.add(item, base, depth + 1)
        elif isinstance(source, str):
            await self._add_url(joined(base, source) if base else source, depth)
        elif isinstance(source, dict):
            await self._add_terms(source, base, depth)
        elif source is None:
            self.parts.clear()
        else:
            raise BadRequest(
                "@context", f"{source!r:.40} is not a @context", "give a URL, an object or a list"
            )

    async def _add_url(self, url: str, depth: int) -> None:
        if not url.startswith("/") and not is_uri(url):
            raise BadRequest(f"@context {url[:200]!r}", "is not a URL", "give an absolute URL")
        if url in self._open:
            raise BadRequest(
                f"@context {url}", "names itself, by way of others", "break the circle"
            )
        if len(self.urls) >= _DOCUMENTS:
            raise BadRequest(
                "@context", f"is made of more than {_DOCUMENTS} documents", "join them"
            )
        document = await self._document(url)
        self.good_until = min(self.good_until, document.good_until)
        self.size += document.size
        self.urls.append(url)
        self._open.append(url)
        await self.add(document.context, url, depth + 1)
        self._open.pop()

    async def _add_terms(self, terms: dict[str, Any], base: str, depth: int) -> None:
        if "@context" in terms:
            raise BadRequest(
                "@context", "holds another @context", "write the terms directly, or a list"
            )
        imported = terms.get("@import")
        if imported is not None:
            if not isinstance(imported, str):
                raise BadRequest("@context, @import", "is not a URL", "give one URL")
            await self.add(imported, base, depth + 1)
        self.parts.append(terms)
