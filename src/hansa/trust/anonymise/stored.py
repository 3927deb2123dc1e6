"""What is stored of a source, as rows for measures and groups for counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import orjson

from hansa.ngsild.city import city_context, city_iri
from hansa.ngsild.model import Entity
from hansa.ngsild.query import AttributePath, Compare, Query, TypeName, Uri
from hansa.store.port import Reader
from hansa.trust.anonymise.groups import plain_value, written
from hansa.trust.anonymise.measures import Row, measure
from hansa.trust.anonymise.released import TYPE
from hansa.trust.anonymise.steps import Steps
from hansa.trust.sources.belonging import IMPORTED_FROM
from hansa.trust.sources.shown import entity_id

__all__ = ["entities", "is_of", "measured", "rows"]

_PAGE: Final = 2_000
_PORTION: Final = 200


def entities(store: Reader, source: str, type: str | None = None) -> Iterator[Entity]:
    """All entities of a source, as they are stored; or those of a type (IRI)."""
    wanted = Compare(AttributePath((IMPORTED_FROM,)), "==", (Uri(entity_id(source)),))
    types = TypeName(type) if type else None
    offset = 0
    while True:
        page = store.query(Query(types=types, q=wanted, limit=_PAGE, offset=offset)).documents
        yield from map(orjson.loads, page)
        if len(page) < _PAGE:
            return
        offset += _PAGE


def rows(
    store: Reader, source: str, steps: Steps, rest: Callable[[], None] = lambda: None
) -> Iterator[Row]:
    """A row for each entity that bears one of the attributes that k, l and t are measured over.

    `rest` is called now and then, to let others work.
    """
    for number, entity in enumerate(entities(store, source)):
        if number % _PORTION == 0:
            rest()
        if city_iri(TYPE) in entity["type"] or not any(name in entity for name in steps.quasi):
            continue
        quasi = [written(plain_value(entity, name)) for name in steps.quasi]
        yield quasi, [_cell(plain_value(entity, name)) for name in steps.sensitive]


def measured(rows: Iterable[Row], steps: Steps) -> dict[str, Any]:
    """k, l and t of rows, in numbers, by the names of the attributes."""
    found, term = measure(rows), city_context().compact
    names = [term(name) for name in steps.sensitive]
    return {
        "quasi": [term(name) for name in steps.quasi],
        "rows": found.rows,
        "classes": found.classes,
        "k": found.k,
        "l": dict(zip(names, found.l, strict=False)),
        "t": {name: round(each, 6) for name, each in zip(names, found.t, strict=False)},
    }


def is_of(found: dict[str, Any], steps: Steps) -> bool:
    """Whether numbers were measured by what the steps declare now."""
    term = city_context().compact
    same = found["quasi"] == [term(name) for name in steps.quasi]
    return same and list(found["l"]) in ([], [term(name) for name in steps.sensitive])


def _cell(value: Any) -> Any:
    """Numbers keep their order; all else is compared as text."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else written(value)
