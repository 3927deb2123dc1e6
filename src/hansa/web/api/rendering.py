"""Entities as the body of an answer: JSON or GeoJSON, with the entities that they link to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from hansa.hub.links import linked_entities
from hansa.ngsild.linked import Join, flat, inline
from hansa.ngsild.model import Entity
from hansa.ngsild.represent import View, feature, feature_collection, represent
from hansa.web.api.call import GEO_JSON, Call
from hansa.web.api.look import Look

__all__ = ["render_all", "render_one"]


async def render_one(
    call: Call, entity: Entity, look: Look, kind: str, geometry: str
) -> dict[str, Any] | list[Any]:
    """The body that shows one entity; with its linked entities after it, a list (clause 4.5.23.3)."""
    if look.join is None:
        return _shown(entity, look.view, kind, geometry)
    shown = await _joined(call, [entity], look, look.join, kind, geometry)
    return _whole(shown, kind) if look.join.form == "flat" else shown[0]


async def render_all(
    call: Call, entities: Sequence[Entity], look: Look, kind: str, geometry: str
) -> dict[str, Any] | list[Any]:
    """The body that shows several entities."""
    if look.join is None:
        shown = [_shown(entity, look.view, kind, geometry) for entity in entities]
    else:
        shown = await _joined(call, entities, look, look.join, kind, geometry)
    if look.may_leave_nothing:
        shown = [entity for entity in shown if entity]
    return _whole(shown, kind)


def _whole(shown: list[dict[str, Any]], kind: str) -> dict[str, Any] | list[Any]:
    return feature_collection(shown) if kind == GEO_JSON else shown


def _shown(entity: Entity, view: View, kind: str, geometry: str) -> dict[str, Any]:
    return feature(entity, view, geometry) if kind == GEO_JSON else represent(entity, view)


async def _joined(
    call: Call, roots: Sequence[Entity], look: Look, join: Join, kind: str, geometry: str
) -> list[dict[str, Any]]:
    sight = look.sight
    found = await asyncio.to_thread(linked_entities, call.reader(), roots, sight, join, call.alive)
    if join.form == "flat":
        return [_shown(e, view, kind, geometry) for e, view in flat(roots, found, sight, join)]
    return inline(roots, found, sight, join, lambda e, view: _shown(e, view, kind, geometry))
