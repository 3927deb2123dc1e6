"""One entity: a page of its own, and the same as a part of the City panel."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote

import orjson
import shapely
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hansa.kernel.errors import InvalidRequest, NotFound
from hansa.ngsild.model import LOCATION, Entity
from hansa.ngsild.values import is_datetime
from hansa.web.pages.day import Days
from hansa.web.pages.describe import Describer, linked_ids
from hansa.web.pages.facts import Facts
from hansa.web.pages.history import EVERY, STEPS, Series, courses
from hansa.web.pages.names import attribute_label, heading
from hansa.web.pages.search import Names
from hansa.web.pages.services import Services
from hansa.web.pages.stops import Stops
from hansa.web.pages.values import first
from hansa.web.shell.language import Language, choose
from hansa.web.shell.site import Site

__all__ = ["EntityPages"]

_WORTH_SUMMING: Final = 24
"""With fewer values than this nobody needs periods."""

_MOST_PARTS: Final = 1_000
"""Entities of one name that are drawn together."""

_FINE: Final = 0.00002
"""Tolerance of the outline that the map draws around a selected entity [degrees], about 2 m."""


class EntityPages:
    """Handlers of the pages of single entities."""

    def __init__(
        self, site: Site, facts: Facts, days: Days, services: Services, names: Names
    ) -> None:
        self._site = site
        self._facts = facts
        self._services = services
        self._names = names
        self._stops = Stops(site, facts, days)

    async def page(self, request: Request) -> Response:
        """``/entity/{id}``; with ``?part=panel`` only what the panel shows.

        With ``whole`` the map gets the outline of all that bear the name, as the segments of a street do.
        """
        return await run_in_threadpool(self._page, request)

    def _page(self, request: Request) -> Response:
        id = request.path_params["id"]
        document = self._facts.store.get(id)
        if document is None:
            raise NotFound(
                f"entity {id[:200]}",
                "is not on this node",
                "search for it on the City page, or look through the types on the Data page",
            )
        entity: Entity = orjson.loads(document)
        tongue = choose(request)
        describer = Describer(
            tongue,
            self._site.term,
            self._site.iri,
            self._site.local,
            self._services.names(tongue),
        )
        part = request.query_params.get("part") == "panel"
        sheet = describer.sheet(entity, self._facts.entities(linked_ids(entity)))
        per = _period(request)
        whole = self._whole(entity)
        drawn = whole if "whole" in request.query_params else [entity]
        with self._facts.store.past() as source:
            histories = courses(source, entity, self._site.term, self._site.node.settings.zone, per)
        return self._site.page(
            request,
            "_entity.html" if part else "entity.html",
            part=part,
            entity=sheet,
            declared=self._site.node.trust.sources.find(sheet.source) is not None,
            said=self._said(entity, tongue),
            calls=self._stops.board(entity, describer, tongue),
            histories=[
                (heading(tongue(attribute_label(found.term))), found) for found in histories
            ],
            geometry=_geometry(drawn),
            parts=len(whole),
            periods=_periods(tongue, id, histories),
            api=f"{self._site.base(request)}/ngsi-ld/v1/entities/{quote(id, safe=':')}",
            past=f"{self._site.base(request)}/ngsi-ld/v1/temporal/entities/{quote(id, safe=':')}",
            texts={} if part else self._site.script_texts(tongue),
        )

    def _whole(self, entity: Entity) -> list[Entity]:
        """The entity with all that bear its name and lie together with it."""
        name = first(entity, self._site.iri("name"))
        if not isinstance(name, str):
            return [entity]
        ids = self._names.parts(entity["id"], name)
        others = (self._facts.store.get(id) for id in ids[:_MOST_PARTS] if id != entity["id"])
        return [entity, *(orjson.loads(document) for document in others if document)]

    def _said(self, entity: Entity, tongue: Language) -> str:
        """One sentence that sets the entity in its city; "" where there is none to say."""
        gone = first(entity, self._site.iri("vanishedAt"))
        if isinstance(gone, str) and is_datetime(gone):
            moment = tongue.instant(self._site.local(gone))
            return tongue("Its source no longer has this, since {moment}.", moment=moment)
        if self._site.iri("TransportZone") in entity["type"]:
            people = first(entity, self._site.iri("population"))
            zones = self._facts.zones()
            if isinstance(people, int | float) and zones.people:
                return tongue.plural(
                    "{here} of {all} people in one zone",
                    "{here} of {all} people in {n} zones",
                    zones.count,
                    here=tongue.number(round(people)),
                    all=tongue.number(round(zones.people)),
                )
        return ""


def _period(request: Request) -> str | None:
    """The periods that the reader asks for."""
    per = request.query_params.get("per")
    if per is None or per == EVERY or per in STEPS:
        return per
    raise InvalidRequest(
        f"the period {per[:40]!r}", "is not one of the calendar", f"use {', '.join(STEPS)}"
    )


def _periods(tongue: Language, id: str, histories: list[Series]) -> list[dict[str, Any]]:
    """The choices of periods, as links; none while there is little to sum up."""
    if max((found.of for found in histories), default=0) < _WORTH_SUMMING:
        return []
    used = {found.per for found in histories}
    words = {
        EVERY: tongue("every value"),
        "hour": tongue("by hour"),
        "day": tongue("by day"),
        "week": tongue("by week"),
        "month": tongue("by month"),
    }
    return [
        {"word": word, "url": f"/entity/{quote(id)}?per={name}#history", "current": name in used}
        for name, word in words.items()
    ]


def _geometry(entities: list[Entity]) -> dict[str, Any] | None:
    """Where the entities are, for the map: GeoJSON text and bounding box."""
    values = [first(entity, LOCATION) for entity in entities]
    found = [shapely.from_geojson(json.dumps(v)) for v in values if isinstance(v, dict)]
    shape = found[0] if len(found) == 1 else shapely.geometrycollections(found)
    if shapely.is_empty(shape):
        return None
    outline = shapely.set_precision(shapely.simplify(shape, _FINE), 1e-6, mode="pointwise")
    return {
        "json": shapely.to_geojson(outline),
        "box": json.dumps([round(float(v), 6) for v in shapely.bounds(shape)]),
    }
