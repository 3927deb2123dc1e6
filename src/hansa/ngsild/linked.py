"""Linked entities in an answer, inline or flat (ETSI GS CIM 009, clause 4.5.23).

What is linked is found breadth first: from each entity along the Relationships and ListRelationships
that are shown of it, as deep as the :class:`Join` says. *Inline*, a relationship carries its targets
(``entity``, ``entityList``; in the simplified form they stand in the place of the URI), each once under
each entity of the answer, so that circles end. *Flat*, they follow the entities of the answer, each
once in the whole answer.

Nothing is read here: the caller brings the entities, see :mod:`hansa.hub.links`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from hansa.kernel.errors import TooManyResults
from hansa.ngsild.model import VALUE_MEMBER, Entity, Instance, attributes
from hansa.ngsild.projection import Projection
from hansa.ngsild.represent import View, represent

__all__ = ["MAX_LEVEL", "Join", "Sight", "flat", "inline", "targets", "too_many"]

MAX_LEVEL: Final = 10
_MOST: Final = 20_000

Found = Mapping[str, Entity]
Shown = dict[str, Any]
Render = Callable[[Entity, View], Shown]

_LINKS: Final = {"Relationship": "entity", "ListRelationship": "entityList"}


@dataclass(frozen=True, slots=True)
class Join:
    """How linked entities come along.

    Attributes:
        form: inside the relationships, or after the entities.
        level: how many relationships are followed, one after the other.
        seen: entities met before, which are not shown again (``containedBy``).
    """

    form: Literal["flat", "inline"]
    level: int = 1
    seen: frozenset[str] = frozenset()


class Sight:
    """How the entities at one place of the graph are shown, and those behind them."""

    __slots__ = ("_behind", "_omit", "_pick", "view")

    def __init__(
        self, view: View, pick: Projection | None = None, omit: Projection | None = None
    ) -> None:
        self.view = view
        self._pick = pick
        self._omit = omit
        self._behind: dict[str, Sight] = {}

    def behind(self, name: str) -> Sight:
        """How the entities that the attribute `name` links to are shown; always the same object."""
        found = self._behind.get(name)
        if found is None:
            pick = self._pick.of(name) if self._pick else None
            omit = self._omit.of(name) if self._omit else None
            view = replace(
                self.view,
                pick=frozenset(pick.members) if pick else None,
                omit=omit.plain if omit else frozenset(),
            )
            found = self._behind[name] = Sight(view, pick, omit)
        return found


def targets(entity: Entity, view: View) -> Iterator[tuple[str, list[str]]]:
    """The relationships of `entity` that are shown: attribute and URIs, for each instance."""
    for name, instances in attributes(entity):
        if view.shows(name):
            for instance in view.selected(instances):
                if instance["type"] in _LINKS:
                    yield name, _objects(instance)


def flat(
    roots: Iterable[Entity], found: Found, sight: Sight, join: Join
) -> Iterator[tuple[Entity, View]]:
    """`roots`, then the linked entities level by level, each with the view that shows it."""
    level = [(root, sight) for root in roots]
    seen = {root["id"] for root, _ in level} | join.seen
    for depth in range(join.level + 1):
        yield from ((entity, here.view) for entity, here in level)
        if depth == join.level:
            return
        following: list[tuple[Entity, Sight]] = []
        for entity, here in level:
            for name, uris in targets(entity, here.view):
                for uri in uris:
                    if uri in found and uri not in seen:
                        seen.add(uri)
                        following.append((found[uri], here.behind(name)))
        level = following


def inline(
    roots: Iterable[Entity], found: Found, sight: Sight, join: Join, render: Render = represent
) -> list[Shown]:
    """Each of `roots`, shown by `render`, with its linked entities inside.

    Raises:
        TooManyResults: more linked entities than an answer can hold.
    """
    answer = []
    left = _MOST
    for root in roots:
        tree = _Tree(found, {root["id"]} | join.seen)
        answer.append(tree.grow(root, sight, join.level, render))
        left -= tree.size
        if left < 0:
            raise too_many()
    return answer


def too_many() -> TooManyResults:
    """The refusal of an answer with too many linked entities."""
    return TooManyResults(
        "the parameter 'join'",
        f"brings more than {_MOST:,} linked entities",
        "ask for fewer entities or a lower joinLevel",
    )


class _Tree:
    """One entity of the answer and what hangs on it."""

    def __init__(self, found: Found, seen: set[str]) -> None:
        self.size = 0
        self._found = found
        self._seen = seen
        self._open: list[tuple[Entity, Sight, Shown]] = []

    def grow(self, root: Entity, sight: Sight, levels: int, render: Render) -> Shown:
        """`root` as shown, with `levels` of linked entities inside."""
        shown = render(self._with_places(root, sight), sight.view)
        for depth in range(levels):
            places, self._open = self._open, []
            for entity, behind, place in places:
                last = depth == levels - 1
                inner = entity if last else self._with_places(entity, behind)
                place.update(represent(inner, behind.view))
        return shown

    def _with_places(self, entity: Entity, sight: Sight) -> Entity:
        """`entity` with an empty place in each relationship for what it links to."""
        changed = dict(entity)
        for name, instances in attributes(entity):
            if sight.view.shows(name) and any(i["type"] in _LINKS for i in instances):
                simple = sight.view.form == "simplified"
                changed[name] = [
                    self._with_place(i, sight.behind(name), simple) if i["type"] in _LINKS else i
                    for i in instances
                ]
        return changed

    def _with_place(self, instance: Instance, behind: Sight, simple: bool) -> Instance:
        member = VALUE_MEMBER[instance["type"]]
        value = instance[member]
        places = [self._place(uri, behind) for uri in _objects(instance)]
        if not any(place is not None for place in places):
            return instance
        single = not isinstance(value, list)
        if simple:
            shown = [
                uri if place is None else place
                for uri, place in zip(_objects(instance), places, strict=True)
            ]
            return {**instance, member: shown[0] if single else shown}
        inside = [place for place in places if place is not None]
        return {**instance, _LINKS[instance["type"]]: inside[0] if single else inside}

    def _place(self, uri: str, behind: Sight) -> Shown | None:
        entity = self._found.get(uri)
        if entity is None or uri in self._seen:
            return None
        self._seen.add(uri)
        self.size += 1
        place: Shown = {}
        self._open.append((entity, behind, place))
        return place


def _objects(instance: Instance) -> list[str]:
    value = instance[VALUE_MEMBER[instance["type"]]]
    return value if isinstance(value, list) else [value]
