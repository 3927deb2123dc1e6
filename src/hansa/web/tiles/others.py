"""What no layer of the table draws: own data of any type, on one general layer "other places".

First the types are chosen: those of which an entity has a location, unless the table draws them or
they are left out on purpose. Then the layers, one for each dimension of geometry: while there are
few of these entities they are seen from everywhere; many of them only from close, without
identifiers until they stand apart, so that a table of all trees of a city does not slow its tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from hansa.ngsild.model import LOCATION
from hansa.spokes.provenance import VANISHED_AT
from hansa.store.port import Shape
from hansa.web.tiles.layers import LAYERS, Layer
from hansa.web.tiles.mvt import LINE, POINT, POLYGON

__all__ = ["FEW", "other_layers", "other_types"]

FEW: Final = 5_000
"""So many entities, together, are drawn at every zoom."""

_LEFT_OUT: Final = (
    "Vehicle",  # has a layer of its own, which moves
    "VehiclePosition",
    "RoadNode",  # ends of streets that are drawn
    "DataSource",
    "GtfsAccessPoint",  # parts of stations
    "GtfsAgency",
    "GtfsBoardingArea",
    "GtfsCalendarDateRule",
    "GtfsCalendarRule",
    "GtfsFrequency",
    "GtfsGenericNode",
    "GtfsRoute",
    "GtfsService",
    "GtfsTrip",
)

_KINDS: Final = (("other-areas", POLYGON), ("other-lines", LINE), ("other-points", POINT))


def other_types(shapes: Iterable[Shape], expand: Callable[[str], str]) -> dict[str, int]:
    """Types (IRIs) for the general layer, with the number of their entities.

    Args:
        shapes: what the store holds.
        expand: city-context term to IRI.
    """
    known = {expand(term) for layer in LAYERS for term in layer.types}
    known |= {expand(term) for term in _LEFT_OUT}
    found: dict[str, int] = {}
    for shape in shapes:
        if VANISHED_AT in shape.attributes:
            continue
        if LOCATION in shape.attributes and known.isdisjoint(shape.types):
            for name in shape.types:
                found[name] = found.get(name, 0) + shape.count
    return dict(sorted(found.items()))


def other_layers(types: dict[str, int]) -> tuple[Layer, ...]:
    """The general layer for what :func:`other_types` found: areas, lines, points."""
    many = sum(types.values()) > FEW
    return tuple(
        Layer(
            name=name,
            types=tuple(types),
            kind=kind,
            columns={"name": ("name",)},
            from_zoom=11 if many else 0,
            known_from=14 if many else 0,
            smallest=16.0 if many and kind != POINT else 0.0,
        )
        for name, kind in _KINDS
    )
