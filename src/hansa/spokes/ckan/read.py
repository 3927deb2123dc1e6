"""A CKAN portal by its Action API: datasets and rows, page by page.

Each answer says whether it succeeded. A portal gives at most so many at a time, whatever it is asked for, so
the next page begins after what came, and the end is where nothing comes (or all has come that was counted).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hansa.kernel.errors import BadRequest
from hansa.spokes.port import Fetch
from hansa.spokes.service import PAGES, Service, query

__all__ = ["Portal"]

_DATASETS: Final = 200
_ROWS: Final = 5000


class Portal:
    """One portal.

    Args:
        address: its own, such as ``https://data.example.org`` (also with ``/api/3/action``).
    """

    def __init__(self, address: str, fetch: Fetch, key: str = "") -> None:
        self._service = Service(address, fetch, key)
        self.address = address.rstrip("/").removesuffix("/api/3/action")

    @property
    def host(self) -> str:
        """What people call it."""
        return self._service.host

    def ask(self, action: str, **parameters: Any) -> dict[str, Any]:
        """The result of an action.

        Raises:
            FetchFailed: the portal does not answer.
            BadRequest: it says no, or is no such portal.
        """
        answer = self._service.get(query(f"{self.address}/api/3/action/{action}", parameters))
        subject = f"the portal at {self.host}"
        if not isinstance(answer, Mapping) or "success" not in answer:
            raise BadRequest(
                subject, "does not answer as CKAN does", "give the portal's own address"
            )
        result = answer.get("result")
        if answer["success"] is not True or not isinstance(result, dict):
            error = answer.get("error")
            said = error.get("message") if isinstance(error, Mapping) else ""
            raise BadRequest(
                subject, f"refused '{action}' ({str(said or 'no reason given')[:200]})"
            )
        return result

    def datasets(self, words: str, filter: str) -> Iterator[Any]:
        """All datasets that are wanted."""
        wanted: dict[str, Any] = {"sort": "id asc", "rows": _DATASETS}
        wanted |= {name: text for name, text in (("q", words), ("fq", filter)) if text}
        yield from self._pages("package_search", wanted, "start", "results", "count")

    def rows(self, resource: str) -> Iterator[Any]:
        """All rows of a table in the datastore."""
        wanted = {"resource_id": resource, "sort": "_id asc", "limit": _ROWS}
        yield from self._pages("datastore_search", wanted, "offset", "records", "total")

    def columns(self, resource: str) -> tuple[list[str], int | None]:
        """The columns of a table in the datastore, and its number of rows."""
        result = self.ask("datastore_search", resource_id=resource, limit=0)
        fields = result.get("fields")
        if not isinstance(fields, list):
            raise BadRequest(f"the table {resource[:100]}", "has no columns")
        names = [
            str(field["id"]) for field in fields if isinstance(field, Mapping) and "id" in field
        ]
        total = result.get("total")
        return names, total if isinstance(total, int) else None

    def _pages(
        self, action: str, wanted: dict[str, Any], start: str, member: str, total: str
    ) -> Iterator[Any]:
        position = 0
        for _ in range(PAGES):
            result = self.ask(action, **wanted, **{start: position})
            items = result.get(member)
            if not isinstance(items, list):
                raise BadRequest(f"the portal at {self.host}", f"gave no list '{member}'")
            if not items:
                return
            yield from items
            position += len(items)
            count = result.get(total)
            if isinstance(count, int) and position >= count:
                return
