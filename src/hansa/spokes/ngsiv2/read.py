"""A broker that speaks NGSIv2: its entities page by page, all of them or those that changed.

Pages are asked for until one is empty, because a broker may give fewer than it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from hansa.kernel.egress import FetchFailed
from hansa.kernel.errors import BadRequest
from hansa.spokes.port import Fetch, Options, WayOut
from hansa.spokes.service import PAGES, Service, query

__all__ = ["OldBroker"]

_PAGE: Final = 1000
_NAME: Final = re.compile(r"[A-Za-z0-9:._-]{1,200}")


class OldBroker:
    """One broker.

    Args:
        source: its address, with or without the final ``/v2``.
    """

    def __init__(self, source: str, options: Options, fetch: Fetch) -> None:
        headers = {
            name: str(value)
            for name, option in (
                ("fiware-service", "service"),
                ("fiware-servicepath", "service_path"),
            )
            if (value := options.get(option))
        }
        for value in headers.values():
            if not value.isprintable() or not value.isascii():
                raise BadRequest("option 'service'", f"{value[:40]!r} cannot be sent as a header")
        self._service = Service(source, fetch, str(options.get("header", "")), **headers)
        base = f"{source.rstrip('/').removesuffix('/v2')}/v2"
        self._entities, self._subscriptions = f"{base}/entities", f"{base}/subscriptions"
        self._wanted: dict[str, Any] = {"options": "normalized", "orderBy": "id"}
        types = str(options.get("types", "")).replace(" ", "")
        self.types = tuple(filter(None, types.split(",")))
        """The types that are wanted; none: all."""
        if types:
            self._wanted["type"] = types
        self._query = str(options.get("query", ""))

    @property
    def host(self) -> str:
        """What people call it."""
        return self._service.host

    def subscribe(self, out: WayOut, url: str, until: datetime) -> str:
        """Have every change of the wanted entities told to `url`; the path of the subscription.

        Raises:
            FetchFailed: the broker does not do so.
        """
        pattern = {"idPattern": ".*"}
        condition: dict[str, Any] = {"attrs": []}
        if self._query:
            condition["expression"] = {"q": self._query}
        body = {
            "description": "a node that follows this broker; it ends by itself",
            "subject": {
                "entities": [{**pattern, "type": type} for type in self.types] or [pattern],
                "condition": condition,
            },
            "notification": {"http": {"url": url}, "attrsFormat": "normalized"},
            "expires": _moment(until),
        }
        status, made = self._service.send(out, "POST", self._subscriptions, body)
        name = made.rstrip("/").rpartition("/")[2]
        if status != 201 or not _NAME.fullmatch(name):
            raise FetchFailed(
                f"the broker at {self.host}", f"did not take the subscription (status {status})"
            )
        return f"{self._subscriptions}/{name}"

    def prolong(self, out: WayOut, subscription: str, until: datetime) -> bool:
        """Have a subscription last longer; False when it is there no more."""
        status, _ = self._service.send(out, "PATCH", subscription, {"expires": _moment(until)})
        return 200 <= status < 300

    def end(self, out: WayOut, subscription: str) -> None:
        """End a subscription."""
        self._service.send(out, "DELETE", subscription, None)

    def entities(self, since: datetime | None = None) -> Iterator[Any]:
        """Entities, of which those that changed after `since`."""
        parts = [self._query] if self._query else []
        if since is not None:
            parts.append(f"dateModified>={_moment(since)}")
        wanted = self._wanted | ({"q": ";".join(parts)} if parts else {})
        offset = 0
        for _ in range(PAGES):
            page = self._service.get(
                query(self._entities, wanted | {"limit": _PAGE, "offset": offset})
            )
            if not isinstance(page, list):
                raise BadRequest(
                    f"the broker at {self.host}",
                    "did not answer with a list of entities",
                    "give the address of an NGSIv2 broker, such as https://example.org:1026",
                )
            if not page:
                return
            yield from page
            offset += len(page)


def _moment(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
