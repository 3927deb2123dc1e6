"""Services that answer with JSON: asked one document at a time, with their key, page after page.

The key goes to the host that the user named and to no other, wherever links of the answers lead. What
goes wrong is told with the address as the user wrote it, in which no secret stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import orjson

from hansa.kernel.egress import FetchFailed
from hansa.kernel.errors import BadRequest, HansaError
from hansa.kernel.urls import joined
from hansa.spokes.port import Fetch, WayOut
from hansa.spokes.secrets import address_without_secrets, filled_address, header, secrets_in

__all__ = ["PAGES", "Service", "begun", "query"]

Record = TypeVar("Record")

PAGES: Final = 10_000
"""Pages of one listing beyond which it is taken to have no end."""


def begun(records: Iterator[Record]) -> Iterator[Record]:
    """The same records, of which the first is fetched at once: what is wrong with a source shows then."""
    try:
        first = next(records)
    except StopIteration:
        return iter(())
    return chain([first], records)


class Service:
    """One service.

    Args:
        address: where it is, as the user wrote it.
        key: a header, as ``Name: $VARIABLE``; empty where none is asked for.

    Raises:
        BadRequest: the address holds a secret, or is none.
    """

    def __init__(self, address: str, fetch: Fetch, key: str = "", **headers: str) -> None:
        self.address = address_without_secrets(address)
        if urlsplit(address).scheme not in {"http", "https"}:
            raise BadRequest(
                "the address of the source",
                "is not an http or https URL",
                "write it like https://example.org/",
            )
        self._fetch = fetch
        self._key = key
        self._headers = {"accept": "application/json"} | headers

    @property
    def host(self) -> str:
        """What people call it."""
        return urlsplit(self.address).hostname or self.address

    def get(self, address: str = "") -> Any:
        """The JSON document at `address` (absolute, or as seen from the service's own).

        Raises:
            FetchFailed: it cannot be had.
            BadRequest: it is not JSON, or it is a secret's reference that leads nowhere.
        """
        url = joined(self.address, address) if address else self.address
        subject = self._shown(url)
        try:
            content = self._fetch(filled_address(url), self._headers | self._keys_for(url))
        except (BadRequest, FetchFailed) as fault:
            raise type(fault)(subject, fault.fact, fault.remedy) from None
        except HansaError as fault:
            if fault.subject.startswith("address "):
                raise type(fault)(subject, fault.fact, fault.remedy) from None
            raise
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError as fault:
            raise BadRequest(subject, f"did not answer with JSON ({fault.msg})") from None

    def send(self, out: WayOut, method: str, address: str, content: Any) -> tuple[int, str]:
        """Have something changed at the service; the status, and where what was made is.

        Raises:
            FetchFailed: there was no answer.
        """
        url = joined(self.address, address)
        body = b"" if content is None else orjson.dumps(content)
        headers = self._headers | self._keys_for(url)
        if content is not None:
            headers |= {"content-type": "application/json"}
        try:
            status, answered = out.send(method, filled_address(url), headers, body)
        except HansaError as fault:
            raise FetchFailed(self._shown(url), fault.fact, fault.remedy) from None
        return status, answered.get("location", "")

    def _keys_for(self, url: str) -> dict[str, str]:
        if urlsplit(url)[:2] != urlsplit(self.address)[:2]:
            return {}
        return header(self._key, "header")

    def _shown(self, url: str) -> str:
        """`url` for messages; a key that the service itself put into a link is left out."""
        try:
            secrets = secrets_in(self.address)
        except BadRequest:
            secrets = []
        for secret in filter(None, secrets):
            url = url.replace(secret, "…").replace(quote(secret, safe=""), "…")
        return url[:200]

    def pages(self, address: str, following: str = "next") -> Iterator[dict[str, Any]]:
        """Documents that name the next one in the member `following`, from `address` on.

        Raises:
            BadRequest: one is no object, or they go round in a circle.
        """
        seen = {address}
        for _ in range(PAGES):
            page = self.get(address)
            if not isinstance(page, dict):
                raise BadRequest(self._shown(address), "did not answer with a JSON object")
            yield page
            link = page.get(following)
            if not isinstance(link, str) or not link:
                return
            address = joined(joined(self.address, address), link)
            if address in seen:
                raise BadRequest(self._shown(address), "is named as the page after itself")
            seen.add(address)
        raise BadRequest(self._shown(address), f"has more than {PAGES} pages")


def query(address: str, parameters: Mapping[str, Any]) -> str:
    """`address` with these parameters added to its query."""
    mark = "&" if "?" in address else "?"
    return f"{address}{mark}{urlencode(parameters)}" if parameters else address
