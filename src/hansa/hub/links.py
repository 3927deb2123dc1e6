"""Fetching linked entities (clause 4.5.23): level by level, in few reads of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from hansa.ngsild.linked import Join, Sight, targets, too_many
from hansa.ngsild.model import Entity
from hansa.ngsild.query import Query
from hansa.store.port import Reader

__all__ = ["linked_entities"]

Read = Callable[[bytes], Entity | None]

_AT_ONCE: Final = 500
_MOST: Final = 10_000


def linked_entities(
    store: Reader, roots: Sequence[Entity], sight: Sight, join: Join, read: Read
) -> dict[str, Entity]:
    """`roots` and the entities here that they link to, as deep as `join` says, by identifier.

    `read` makes entities of what the store holds, None of those that are not to be seen.

    Raises:
        TooManyResults: there are more than an answer can hold.
    """
    found = {root["id"]: root for root in roots}
    asked = set(found) | join.seen
    level = {(root["id"], id(sight)): sight for root in roots}
    visited = set(level)
    for _ in range(join.level):
        following = {
            (uri, id(behind)): behind
            for (id_, _), here in level.items()
            for name, uris in targets(found[id_], here.view)
            for behind in (here.behind(name),)
            for uri in uris
        }
        missing = [uri for uri in dict.fromkeys(uri for uri, _ in following) if uri not in asked]
        if len(found) + len(missing) > _MOST:
            raise too_many()
        asked.update(missing)
        found |= {entity["id"]: entity for entity in _fetch(store, missing, read)}
        level = {k: v for k, v in following.items() if k[0] in found and k not in visited}
        if not level:
            break
        visited.update(level)
    return found


def _fetch(store: Reader, ids: Sequence[str], read: Read) -> Iterator[Entity]:
    for start in range(0, len(ids), _AT_ONCE):
        step = tuple(ids[start : start + _AT_ONCE])
        for raw in store.query(Query(ids=step, limit=len(step))).documents:
            entity = read(raw)
            if entity is not None:
                yield entity
