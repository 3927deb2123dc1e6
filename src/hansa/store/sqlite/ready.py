"""What can be made ready of an entity before its turn to be written comes.

The writer is one thread for all, so whatever depends on the entity alone is worked out in the thread
that asks for the write: its texts, what it looks like, its geometries.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import orjson

from hansa.kernel.errors import BadRequest, HansaError, TooLarge
from hansa.ngsild.model import ENTITY_MEMBERS, Entity
from hansa.store.sqlite.schema import PLACE_BITS
from hansa.store.sqlite.shapes import PLACE, Signature, signature
from hansa.store.sqlite.wkb import Packed, pack

__all__ = [
    "Place",
    "Ready",
    "geometries",
    "places_of",
    "ready",
    "ready_if_sound",
    "text_of",
    "whole",
]

_HEAD: Final = ("id", "type", *sorted(ENTITY_MEMBERS - {"id", "type", "@context"}))


class Place(NamedTuple):
    """One GeoProperty instance of an entity."""

    attribute: str
    packed: Packed


class Ready(NamedTuple):
    """An entity's attributes as a JSON text, its signature and its geometries."""

    attributes: str
    spelling: Signature
    places: list[Place]


def ready(entity: Entity) -> Ready:
    """Make `entity` ready.

    Raises:
        BadRequest: it cannot be written as JSON.
        TooLarge: it has too many geometries.
    """
    body = {name: value for name, value in entity.items() if name not in ENTITY_MEMBERS}
    text = text_of(entity, body)  # first: what JSON carries has a signature
    spelling = signature(entity)
    return Ready(text, spelling, places_of(entity, spelling))


def ready_if_sound(entity: Entity | None) -> Ready | None:
    """As :func:`ready`; of a faulty entity nothing, since its turn may never come."""
    try:
        return None if entity is None else ready(entity)
    except HansaError:
        return None


def whole(entity: Entity, attributes: str) -> str:
    """The text of the whole entity, its members first; `attributes` is that of the rest."""
    members = text_of(entity, {name: entity[name] for name in _HEAD if name in entity})
    return members if attributes == "{}" else f"{members[:-1]},{attributes[1:]}"


def text_of(entity: Entity, part: Entity) -> str:
    """A part of `entity` as JSON.

    Raises:
        BadRequest: it cannot be written as JSON.
    """
    try:
        return orjson.dumps(part).decode()
    except orjson.JSONEncodeError as error:
        raise BadRequest(
            f"entity {entity['id']}", f"it cannot be written as JSON ({error})"
        ) from error


def geometries(entity: Entity, names: Iterable[str]) -> list[tuple[str, dict[str, Any]]]:
    """The geometries in some attributes of `entity`, each with the attribute's name."""
    return [
        (name, instance["value"])
        for name in names
        for instance in entity.get(name, ())
        if instance["type"] == PLACE
    ]


def places_of(entity: Entity, spelling: Signature) -> list[Place]:
    """All geometries of `entity`.

    Raises:
        TooLarge: there are too many.
    """
    found = geometries(entity, [name for name, form in spelling[1] if PLACE in form])
    if len(found) >= 1 << PLACE_BITS:
        raise TooLarge(
            f"entity {entity['id']}",
            f"it has {len(found)} geometries",
            f"give it fewer than {1 << PLACE_BITS}, or split it",
        )
    return [Place(name, pack(geometry)) for name, geometry in found]
