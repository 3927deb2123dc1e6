"""A broker that speaks NGSIv2: its entities page by page, all of them or those that changed.

Pages are asked for until one is empty, because a broker may give fewer than it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from hansa.kernel.errors import BadRequest
from hansa.spokes.port import Fetch, Options
from hansa.spokes.service import PAGES, Service, query

__all__ = ["OldBroker"]

_PAGE: Final = 1000


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
        self._entities = f"{source.rstrip('/').removesuffix('/v2')}/v2/entities"
        self._wanted: dict[str, Any] = {"options": "normalized", "orderBy": "id"}
        if types := str(options.get("types", "")).replace(" ", ""):
            self._wanted["type"] = types
        self._query = str(options.get("query", ""))

    @property
    def host(self) -> str:
        """What people call it."""
        return self._service.host

    def entities(self, since: datetime | None = None) -> Iterator[Any]:
        """Entities, of which those that changed after `since`."""
        parts = [self._query] if self._query else []
        if since is not None:
            moment = since.astimezone(UTC).isoformat(timespec="milliseconds")
            parts.append(f"dateModified>={moment.replace('+00:00', 'Z')}")
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
