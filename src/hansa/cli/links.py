"""What a page, a style sheet or a script of the node refers to, as addresses on the same node."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urldefrag, urljoin, urlsplit

__all__ = ["references"]

_HOLDERS: Final = {"href", "src", "action", "data-src", "poster"}
_CSS: Final = re.compile(r"""url\(\s*["']?([^"')]+)["']?\s*\)|@import\s+["']([^"']+)["']""")
_SCRIPT: Final = re.compile(
    r"""^\s*(?:import|export)\b[^"';]*?["'](\.{1,2}/[^"']+)["']"""
    r"""|\bimport\(\s*["'](\.{1,2}/[^"']+)["']\s*\)""",
    re.MULTILINE,
)


class _Page(HTMLParser):
    """Collects the addresses in a page's attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "form" and (named.get("method") or "get").lower() != "get":
            return
        self.found += [value for name, value in attrs if name in _HOLDERS and value]
        for part in (named.get("srcset") or "").split(","):
            self.found += part.split()[:1]


def references(address: str, media_type: str, text: str) -> Iterator[str]:
    """Absolute addresses that `text`, found at `address`, refers to on the same host.

    Fragments are cut off; what leads elsewhere, or is no http address, is left out. What is no
    address at all comes unchanged, for whoever fetches it to stumble over.
    """
    if media_type == "text/html":
        page = _Page()
        page.feed(text)
        page.close()
        found = page.found
    elif media_type == "text/css":
        found = [a or b for a, b in _CSS.findall(text)]
    elif media_type in {"text/javascript", "application/javascript"}:
        found = [a or b for a, b in _SCRIPT.findall(text)]
    else:
        found = []
    here = urlsplit(address)
    for reference in found:
        try:
            whole, _ = urldefrag(urljoin(address, reference.strip()))
            parts = urlsplit(whole)
        except ValueError:
            yield reference
            continue
        if (parts.scheme, parts.netloc) == (here.scheme, here.netloc):
            yield whole
