"""A SensorThings service: its Things with all that belongs to them, and its newest observations.

Listings come in pages that name the next one (``@iot.nextLink``), and so do the lists inside a Thing
(``Datastreams@iot.nextLink``): both are followed to their end (OGC 18-088, clauses 9.3.3.5 and 9.3.2.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from hansa.kernel.errors import BadRequest
from hansa.spokes.service import Service, query

__all__ = ["SensorService"]

_NEXT: Final = "@iot.nextLink"
_PAGE: Final = 100
_OBSERVATIONS: Final = 1000
_DATASTREAMS: Final = (
    "Datastreams($expand=ObservedProperty,Observations($orderby=phenomenonTime desc;$top=1))"
)


class SensorService:
    """One service.

    Args:
        service: at the address of the root.
        filter: which Things are wanted, as ``$filter``.
    """

    def __init__(self, service: Service, filter: str) -> None:
        self._service = service
        self._root = service.address.rstrip("/")
        self._filter = filter

    @property
    def host(self) -> str:
        """What people call the service."""
        return self._service.host

    def things(self) -> Iterator[Any]:
        """All Things, whole, with places, Datastreams and the newest observation of each."""
        wanted = {"$expand": f"Locations,{_DATASTREAMS}", "$top": _PAGE}
        if self._filter:
            wanted["$filter"] = self._filter
        for page in self._service.pages(query(f"{self._root}/Things", wanted), _NEXT):
            for thing in _values(page, "Things"):
                if isinstance(thing, dict):
                    self._complete(thing, "Datastreams")
                    self._complete(thing, "Locations")
                yield thing

    def _complete(self, thing: dict[str, Any], name: str) -> None:
        """Fetch the rest of a list inside a Thing that came in part."""
        link = thing.pop(f"{name}{_NEXT}", None)
        if isinstance(link, str) and isinstance(thing.get(name), list):
            for page in self._service.pages(link, _NEXT):
                thing[name] += _values(page, name)

    def observations(self, after: datetime) -> Iterator[Any]:
        """Observations since `after`, oldest first, each with its Datastream."""
        moment = after.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        wanted = {
            "$filter": f"phenomenonTime gt {moment}",
            "$orderby": "phenomenonTime asc",
            "$expand": "Datastream($select=id)",
            "$top": _OBSERVATIONS,
        }
        for page in self._service.pages(query(f"{self._root}/Observations", wanted), _NEXT):
            yield from _values(page, "Observations")


def _values(page: dict[str, Any], what: str) -> list[Any]:
    values = page.get("value")
    if not isinstance(values, list):
        raise BadRequest(
            f"the list of {what}",
            "is not one of the SensorThings API (it has no 'value')",
            "give the address of the service's root, such as https://example.org/v1.1",
        )
    return values
