"""City: the map, the city in numbers, search."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hansa.kernel.errors import InvalidRequest
from hansa.web.pages.commands import IMPORTS, command
from hansa.web.pages.day import Days
from hansa.web.pages.facts import Facts, Kind, Zones
from hansa.web.pages.names import type_label
from hansa.web.pages.search import Names, fold
from hansa.web.pages.sources import Source
from hansa.web.shell.language import Language, choose
from hansa.web.shell.links import web_link
from hansa.web.shell.site import Site
from hansa.web.tiles.layers import LAYERS, MAX_ZOOM
from hansa.web.tiles.projection import tile_of
from hansa.web.tiles.serve import TileServer

__all__ = ["CityPages", "Figure", "Switch"]

_FIRST_ZOOM = 11
"""About the zoom at which a whole city is seen first."""

_GROUND = frozenset({"RoadSegment", "Building", "LandCover", "OSMWater", "TransportZone"})
"""Types that lie beneath all else on the map."""

_OSM = "https://www.openstreetmap.org/copyright"


@dataclass(frozen=True, slots=True)
class Figure:
    """A headline number: never without unit, date and source (the footnote numbered `note`)."""

    value: float
    unit: str
    detail: str = ""
    source: Source | None = None
    note: int = 0


@dataclass(frozen=True, slots=True)
class Switch:
    """A layer of the map that can be shown and hidden; `key` as in the map's style."""

    key: str
    label: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Credit:
    """Words that must stand on the map."""

    text: str
    url: str = ""


class CityPages:
    """Handlers of the City page."""

    def __init__(
        self, site: Site, facts: Facts, tiles: TileServer, days: Days, names: Names
    ) -> None:
        self._site = site
        self._facts = facts
        self._tiles = tiles
        self._names = names
        self._days = days

    def warm(self) -> None:
        """Work out what the first reader would wait for: the city's figures and its middle tile."""
        kinds = {kind.term for kind in self._facts.kinds() if kind.count}
        if "TransportZone" in kinds:
            self._facts.zones()
        if bounds := self._facts.bounds():
            west, south, east, north = bounds
            middle = tile_of(_FIRST_ZOOM, (west + east) / 2, (south + north) / 2)
            self._tiles.tile((_FIRST_ZOOM, *middle))

    async def page(self, request: Request) -> Response:
        """``/``"""
        return await run_in_threadpool(self._page, request)

    def _page(self, request: Request) -> Response:
        tongue = choose(request)
        kinds = [kind for kind in self._facts.kinds() if kind.count]
        present = {kind.term for kind in kinds}
        zones = self._facts.zones() if "TransportZone" in present else None
        figures = self.figures(tongue, present)
        ramp = [{"low": low} for low in zones.breaks] if zones else []
        return self._site.page(
            request,
            "city.html",
            figures=figures,
            has_city=bool(
                present & {"RoadSegment", "GtfsStop", "PublicTransportStop", "PointOfInterest"}
            ),
            street_map="" if present & _GROUND else command(self._site.node, IMPORTS["osm"]),
            commands=[command(self._site.node, words) for words in IMPORTS.values()],
            notes=list(dict.fromkeys(figure.source for figure in figures if figure.source)),
            layers=switches(tongue, present, others=self._tiles.has_others()),
            kinds=[_kind(tongue, kind) for kind in kinds],
            ramp=ramp,
            credits=self.credits(),
            config=self._config(present, list(zones.breaks) if zones else []),
            texts=self._site.script_texts(tongue),
        )

    def _config(self, present: set[str], breaks: list[int]) -> dict[str, Any]:
        now = self._site.now()
        return {
            "tiles": f"/tiles/{{z}}/{{x}}/{{y}}.mvt?v={self._tiles.version()}",
            "max_zoom": MAX_ZOOM,
            "bounds": self._facts.bounds(),
            "breaks": breaks,
            "beyond": bool(breaks) and "OSMWater" not in present,
            "minute": round(now.hour * 60 + now.minute + now.second / 60, 2),
            "weekday": now.weekday(),
            "has_timetable": "GtfsTrip" in present,
        }

    def figures(self, tongue: Language, present: set[str]) -> list[Figure]:
        """The city in numbers, as far as they are known."""
        found: list[Figure] = []
        if "TransportZone" in present and (zones := self._facts.zones()).people:
            where = tongue.plural("in one zone", "in {n} zones", zones.count)
            where = f"{where}; {_when(tongue, zones)}"
            source = self._facts.source_of("TransportZone")
            found.append(_figure(zones.people, tongue("people"), where, source))
        if "RoadSegment" in present and (roads := self._facts.roads()).km:
            main = tongue("{km} km of them main roads", km=tongue.number(round(roads.main_km)))
            source = self._facts.source_of("RoadSegment")
            found.append(_figure(roads.km, tongue("km of streets"), main, source))
        for terms, one, many in _COUNTED:
            count = self._facts.count(*terms)
            if count:
                unit = _unit(tongue, one, many, count)
                found.append(_figure(count, unit, "", self._facts.source_of(*terms)))
            if count and terms == ("GtfsRoute",) and "GtfsTrip" in present:
                found.append(self._trips(tongue))
        return _noted(found)

    def _trips(self, tongue: Language) -> Figure:
        """How many trips the timetable has on this day of the week."""
        today = self._site.now().weekday()
        count = len(self._days.answer(today, tongue)["runs"])
        unit = _unit(tongue, "{n} trip", "{n} trips", count)
        where = tongue("on a {weekday}", weekday=tongue.weekday(today))
        return _figure(count, unit, where, self._facts.source_of("GtfsTrip"))

    def credits(self) -> list[Credit]:
        """Attribution of everything that the map may show; a source that asks for none has none."""
        found: dict[str, Credit] = {}
        for source in self._facts.sources():
            said = source.attribution
            if not said:
                continue
            url = _OSM if "openstreetmap" in said.lower() else source.url
            found[said] = Credit(said, web_link(url))
        return list(found.values())

    def attribution(self) -> str:
        """The credits as one line of text."""
        return " · ".join(credit.text for credit in self.credits())

    async def search(self, request: Request) -> Response:
        """``/city/search?q=``: a list for the panel (``part=list``) or a page."""
        return await run_in_threadpool(self._search, request)

    def _search(self, request: Request) -> Response:
        query = request.query_params.get("q", "")[:100]
        matches = self._names.find(query) if fold(query) else []
        tongue = choose(request)
        part = request.query_params.get("part") == "list"
        return self._site.page(
            request,
            "_matches.html" if part else "search.html",
            query=query,
            matches=[(m, tongue(type_label(m.term))) for m in matches],
            texts={} if part else self._site.script_texts(tongue),
        )

    async def day(self, request: Request) -> Response:
        """``/city/day?weekday=0..6``: the runs of a timetable day, 0 being Monday."""
        given = request.query_params.get("weekday", str(self._site.now().weekday()))
        if given not in set("0123456"):
            raise InvalidRequest(
                "weekday", f"'{given[:20]}' is no day", "use 0 (Monday) to 6 (Sunday)"
            )
        tongue = choose(request)
        answer = await run_in_threadpool(self._days.answer, int(given), tongue)
        return JSONResponse(answer, headers={"Cache-Control": "no-cache"})


_COUNTED = (
    (("GtfsStop", "PublicTransportStop"), "{n} stop", "{n} stops"),
    (("GtfsRoute",), "{n} public transport line", "{n} public transport lines"),
    (("Building",), "{n} building", "{n} buildings"),
    (("PointOfInterest",), "{n} place", "{n} places"),
)


def _figure(value: float, unit: str, detail: str, source: Source | None) -> Figure:
    return Figure(round(value), unit, detail, source)


def _unit(tongue: Language, one: str, many: str, count: int) -> str:
    """The words of a counted thing without the number, which stands apart."""
    return tongue.plural(one, many, count).replace(tongue.number(count), "", 1).strip()


def _when(tongue: Language, zones: Zones) -> str:
    """The day that the people were counted, or that nobody says."""
    if zones.observed is None:
        return tongue("year not given by the source")
    return tongue("as of {day}", day=tongue.date(zones.observed))


def _noted(figures: list[Figure]) -> list[Figure]:
    """Number the sources in the order in which they are named."""
    sources = list(dict.fromkeys(figure.source for figure in figures if figure.source))
    return [
        replace(figure, note=sources.index(figure.source) + 1) if figure.source else figure
        for figure in figures
    ]


def _kind(tongue: Language, kind: Kind) -> dict[str, Any]:
    return {
        "term": kind.term,
        "count": kind.count,
        "label": tongue(type_label(kind.term, many=True)),
    }


def switches(tongue: Language, present: set[str], *, others: bool) -> list[Switch]:
    """The layers of which the node holds something, top of the map first."""
    drawn = {layer.name for layer in LAYERS if present & set(layer.types)}
    offered = (
        Switch("vehicles", tongue("Vehicles")),
        Switch("stops", tongue("Stops")),
        Switch("transit", tongue("Public transport lines")),
        Switch("roads", tongue("Streets")),
        Switch("zones", tongue("Where people live")),
        Switch("buildings", tongue("Buildings"), tongue("in 3D when close")),
        Switch("places", tongue("Places"), tongue("when close")),
        Switch("others", tongue("Other places")),
        Switch("land", tongue("Green and built land")),
        Switch("water", tongue("Water")),
    )
    if present & {"Vehicle", "GtfsTrip"}:
        drawn.add("vehicles")
    if others:
        drawn.add("others")
    return [switch for switch in offered if switch.key in drawn]
