"""Which registrations a request concerns, and which part of it each of them may be asked (clause 5.12).

What is wanted (:class:`Wanted`) meets a registration information by information, and in each of these
identifiers, each pattern, and entities by type alone are a :class:`Part` of their own, because one
request to a source can say only one of these. A part says what the source may be asked: never more
than was registered, never more than was wanted (clause 4.3.6.1). Pure functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import re2

from hansa.hub.registrations.model import EntityInfo, Info, Registration
from hansa.hub.registrations.scopes import holds, may_meet
from hansa.ngsild.query import And, Or, ScopeFilter, Selector, TypeFilter, TypeName

__all__ = ["ANYTHING", "Part", "Wanted", "matches", "names_of", "of_selector", "parts", "parts_of"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The entities and attributes that a request is about; what is empty or None is any.

    Attributes:
        types: a type selection, or the types of one entity.
        datasets: only attribute instances of these.
        scope: a scope query.
        scopes: those of the entity that is written; None when they are not known.
    """

    ids: tuple[str, ...] = ()
    pattern: str | None = None
    types: TypeFilter | frozenset[str] | None = None
    attributes: frozenset[str] = frozenset()
    datasets: frozenset[str] = frozenset()
    scope: ScopeFilter | None = None
    scopes: frozenset[str] | None = None


ANYTHING: Final = Wanted()


@dataclass(frozen=True, slots=True)
class Part:
    """What of a request one source may be asked.

    Attributes:
        types: any of these; empty when the request alone says which (``wanted.types``).
        ids, pattern: which entities; empty and None for all of those types.
        attributes: only these; empty for all.
    """

    registration: Registration
    wanted: Wanted
    types: frozenset[str] = frozenset()
    ids: tuple[str, ...] = ()
    pattern: str | None = None
    attributes: frozenset[str] = frozenset()

    def covers(self, id: str, types: Iterable[str], scopes: Iterable[str] | None = None) -> bool:
        """Whether an entity may come from this source: it is registered, and was wanted.

        Without `scopes` it is not known in which it is.
        """
        return (
            self.may_be(id)
            and (not self.types or not self.types.isdisjoint(types))
            and (scopes is None or holds(self.registration.scopes, scopes))
        )

    def may_be(self, id: str) -> bool:
        """Whether an entity of that identifier may come from this source."""
        return (
            (not self.ids or id in self.ids)
            and (self.pattern is None or bool(re2.search(self.pattern, id)))
            and (not self.wanted.ids or id in self.wanted.ids)
            and (self.wanted.pattern is None or bool(re2.search(self.wanted.pattern, id)))
        )


def matches(registration: Registration, wanted: Wanted) -> bool:
    """Whether the registration is among those that the request concerns."""
    return next(parts(registration, wanted), None) is not None


def parts_of(registrations: Iterable[Registration], wanted: Wanted) -> list[Part]:
    """The parts of a request that some registrations may be asked, in their order."""
    return [part for registration in registrations for part in parts(registration, wanted)]


def parts(registration: Registration, wanted: Wanted) -> Iterator[Part]:
    """The parts of a request that one source may be asked; none when it is not concerned."""
    datasets = registration.datasets
    if datasets and wanted.datasets and datasets.isdisjoint(wanted.datasets):
        return
    if not may_meet(registration.scopes, wanted.scope):
        return
    if wanted.scopes is not None and not holds(registration.scopes, wanted.scopes):
        return
    for info in registration.infos:
        yield from _parts_of_info(registration, info, wanted)


def _parts_of_info(registration: Registration, info: Info, wanted: Wanted) -> Iterator[Part]:
    if info.attributes and wanted.attributes:
        attributes = info.attributes & wanted.attributes
        if not attributes:
            return
    else:
        attributes = info.attributes or wanted.attributes
    whole = Part(registration, wanted, attributes=attributes)
    if not info.entities:
        yield replace(whole, ids=wanted.ids, pattern=wanted.pattern, types=names_of(wanted.types))
        return
    fitting = [e for e in info.entities if e.takes_types(wanted.types)]
    ids, open_types, patterns = _sorted_out(fitting, wanted)
    if ids:
        yield replace(whole, ids=tuple(ids), types=_types(ids.values(), wanted))
    for pattern, types in patterns.items():
        asked = tuple(id for id in wanted.ids if re2.search(pattern, id))
        if asked or not wanted.ids:
            yield replace(whole, ids=asked, pattern=pattern, types=_types([types], wanted))
    if open_types is not None:
        types = _types([open_types], wanted)
        yield replace(whole, ids=wanted.ids, pattern=wanted.pattern, types=types)


def _sorted_out(
    infos: list[EntityInfo], wanted: Wanted
) -> tuple[dict[str, frozenset[str]], frozenset[str] | None, dict[str, frozenset[str]]]:
    """Types by identifier, those of entities by type alone (None: there are none), and by pattern."""
    ids: dict[str, frozenset[str]] = {}
    open_types: frozenset[str] | None = None
    patterns: dict[str, frozenset[str]] = {}
    for info in infos:
        if info.id is not None:
            if _is_wanted(info.id, wanted):
                ids[info.id] = ids.get(info.id, frozenset()) | info.types
        elif info.pattern is not None:
            patterns[info.pattern] = patterns.get(info.pattern, frozenset()) | info.types
        else:
            open_types = (open_types or frozenset()) | info.types
    return ids, open_types, patterns


def _is_wanted(id: str, wanted: Wanted) -> bool:
    if wanted.ids:
        return id in wanted.ids
    return wanted.pattern is None or bool(re2.search(wanted.pattern, id))


def _types(registered: Iterable[frozenset[str]], wanted: Wanted) -> frozenset[str]:
    """The types to ask for: the registered ones, as far as they are wanted."""
    together = frozenset().union(*registered)
    named = names_of(wanted.types)
    return together & named or together


def names_of(types: TypeFilter | frozenset[str] | None) -> frozenset[str]:
    """The types that a selection names."""
    if types is None:
        return frozenset()
    if isinstance(types, frozenset):
        return types
    if isinstance(types, And | Or):
        return frozenset().union(*(names_of(part) for part in types.parts))
    assert isinstance(types, TypeName)  # noqa: S101
    return frozenset({types.name})


def of_selector(selector: Selector, attributes: frozenset[str]) -> Wanted:
    """What one entity selector of a query wants (clause 5.2.33)."""
    ids = (selector.id,) if selector.id is not None else ()
    return Wanted(ids, selector.id_pattern, selector.types, attributes)
