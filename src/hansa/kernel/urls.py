"""URLs that the node is asked to contact, as far as their text tells: the first check of the way out."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx

from hansa.kernel.errors import BadRequest, Forbidden

__all__ = ["EgressRefused", "joined", "origin_of", "parse_url", "split_url"]

_MAX_URL: Final = 4096
_PLAIN_QUERY: Final = re.compile(r"(?:[!$&'()*+,\-./0-9:;=?@A-Z_a-z~]|%[0-9A-Fa-f]{2})*")


class EgressRefused(Forbidden):
    """The node may not contact this address."""


def parse_url(text: str, *, relative: bool = False) -> httpx.URL:
    """The URL that `text` is; with `relative` it may lack a host.

    Raises:
        EgressRefused: it is none.
    """
    try:
        url = httpx.URL(text)
        named = bool(url.host)  # which decodes it, and may fail as well
    except (httpx.InvalidURL, UnicodeError, TypeError, ValueError):
        url, named = None, False
    if (
        url is None
        or len(text) > _MAX_URL
        or not (relative or named)
        or not 0 < (url.port or 80) < 65536
    ):
        raise EgressRefused(f"address {text[:200]!r}", "is not a URL that can be fetched")
    return url


@lru_cache(maxsize=2048)
def _parsed(text: str) -> httpx.URL:
    return parse_url(text)


def split_url(text: str) -> tuple[httpx.URL, bytes]:
    """A URL and what is asked of its server; a plain query costs no parsing."""
    base, mark, query = text.partition("?")
    if len(text) <= _MAX_URL and _PLAIN_QUERY.fullmatch(query):
        url = _parsed(base)
        return url, url.raw_path + (mark + query).encode("ascii")
    url = parse_url(text)
    return url, url.raw_path


def joined(base: str, link: str) -> str:
    """A link as it stands in the document at `base`, absolute.

    Raises:
        BadRequest: it is none.
    """
    try:
        url = urljoin(base, link)
        urlsplit(url)
    except ValueError:
        raise BadRequest(f"the link {link[:200]!r}", "is not a URL") from None
    return url


def origin_of(url: httpx.URL) -> tuple[str, str, int | None]:
    """Scheme, host and port: what a connection belongs to."""
    return url.scheme, url.host, url.port
