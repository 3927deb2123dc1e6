"""A look at what a source would give, without a store."""

from __future__ import annotations

from itertools import islice
from typing import Any

from hansa.kernel.clock import Clock
from hansa.kernel.errors import HansaError
from hansa.ngsild.city import city_context
from hansa.ngsild.expand import Rules, expand_entity
from hansa.ngsild.represent import View, represent
from hansa.spokes.manifest import resolve
from hansa.spokes.plain import quoted
from hansa.spokes.port import Item, Refusal, RemoteSpoke, Spoke, WayOut
from hansa.spokes.runner import Request, open_source

__all__ = ["preview"]


def preview(
    spoke: Spoke | RemoteSpoke, request: Request, count: int = 3, out: WayOut | None = None
) -> list[dict[str, Any] | str]:
    """The first `count` items of a source: entities in simplified form, or why one is refused.

    Raises:
        HansaError: the source as a whole cannot be read.
    """
    options = resolve(spoke.manifest, request.options)
    namespace = quoted(request.namespace or request.slug)
    reading = open_source(spoke, request.source, namespace, options, out, Clock().now())
    try:
        return [_shown(item) for item in islice(reading.items(), count)]
    finally:
        reading.close()


def _shown(item: Item) -> dict[str, Any] | str:
    if isinstance(item, Refusal):
        return str(item)
    context = city_context()
    try:
        entity = expand_entity(item, Rules(context))
    except HansaError as fault:
        return f"{item.get('id')}: {fault.sentence}"
    return represent(entity, View(context, form="simplified"))
