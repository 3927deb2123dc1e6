"""What things are called on pages: types, attributes, codes.

Known types have a name of their own; any other term is spelt out (``maximumAllowedSpeed`` becomes
"maximum allowed speed"). All names go through the page's language.
"""

from __future__ import annotations

import re
from typing import Final

from hansa.ngsild.model import DEFAULT_VOCABULARY
from hansa.web.pages.labels import ATTRIBUTES

__all__ = [
    "FOOTWAYS",
    "GEOMETRIES",
    "MAIN_ROADS",
    "attribute_label",
    "heading",
    "short_id",
    "spelt_out",
    "type_label",
]

_NO_CONTEXT: Final = "ngsi-ld:default-context/"
"""What the city's @context makes of names that were written without one."""

_TYPES: Final = {
    "RoadSegment": ("Road segment", "Road segments"),
    "RoadNode": ("Road junction", "Road junctions"),
    "TransportZone": ("Zone", "Zones"),
    "PrivateCount": ("Count with noise", "Counts with noise"),
    "GtfsStop": ("Stop", "Stops"),
    "GtfsStation": ("Station", "Stations"),
    "GtfsRoute": ("Line", "Lines"),
    "GtfsShape": ("Path of a line", "Paths of lines"),
    "GtfsTrip": ("Trip", "Trips"),
    "GtfsAgency": ("Transport agency", "Transport agencies"),
    "GtfsService": ("Timetable service", "Timetable services"),
    "GtfsCalendarRule": ("Calendar rule", "Calendar rules"),
    "GtfsCalendarDateRule": ("Calendar exception", "Calendar exceptions"),
    "PublicTransportRoute": ("Route pattern", "Route patterns"),
    "PublicTransportStop": ("Stop", "Stops"),
    "Vehicle": ("Vehicle", "Vehicles"),
    "Building": ("Building", "Buildings"),
    "PointOfInterest": ("Place", "Places"),
    "OSMWater": ("Water", "Waters"),
    "OSMPlace": ("Settlement", "Settlements"),
    "LandCover": ("Land cover", "Land covers"),
    "DataSource": ("Data source", "Data sources"),
    "Alert": ("Alert", "Alerts"),
    "GtfsAccessPoint": ("Entrance", "Entrances"),
    "GtfsFrequency": ("Frequency of trips", "Frequencies of trips"),
    "GtfsGenericNode": ("Junction in a station", "Junctions in stations"),
    "GtfsBoardingArea": ("Boarding area", "Boarding areas"),
    "BikeHireDockingStation": ("Bicycle hire station", "Bicycle hire stations"),
    "RentalZone": ("Hire zone", "Hire zones"),
    "Device": ("Device", "Devices"),
    "Dataset": ("Data set", "Data sets"),
    "Distribution": ("File of a data set", "Files of data sets"),
}

MAIN_ROADS: Final = frozenset({"motorway", "trunk", "primary", "secondary", "tertiary"})
FOOTWAYS: Final = frozenset(
    {"footway", "path", "steps", "cycleway", "track", "pedestrian", "bridleway", "corridor"}
)
"""Classes of roads that are no streets."""

GEOMETRIES: Final = {
    "LineString": "course",
    "Polygon": "surface",
    "MultiPoint": "several points",
    "MultiLineString": "several lines",
    "MultiPolygon": "several areas",
    "GeometryCollection": "several shapes",
}
"""What a geometry is called where its place cannot be written down."""

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")


def spelt_out(term: str) -> str:
    """A camel-case or underscored term as words in lower case."""
    short = re.split(r"[/#]", term.rstrip("/#"))[-1] if "://" in term else term
    words = [w if w.isupper() and len(w) > 1 else w.lower() for w in _WORD.findall(short)]
    return " ".join(words) or short


def type_label(term: str, *, many: bool = False) -> str:
    """The English name of a type, in the plural if `many`."""
    if term in _TYPES:
        return _TYPES[term][many]
    spelt = spelt_out(term)
    return spelt[:1].upper() + spelt[1:]


def short_id(id: str) -> str:
    """The end of an identifier, by which people tell one from another of its type."""
    return id.rstrip(":/#").rpartition("/" if "://" in id else ":")[2] or id


def heading(text: str) -> str:
    """`text` with a capital letter, as it stands at the beginning of a row or column."""
    return text[:1].upper() + text[1:]


def attribute_label(term: str) -> str:
    """The English name of an attribute; one without a @context goes by its bare name."""
    bare = term.removeprefix(_NO_CONTEXT).removeprefix(DEFAULT_VOCABULARY)
    return ATTRIBUTES.get(bare) or spelt_out(bare)
