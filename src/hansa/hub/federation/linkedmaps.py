"""Entity maps of sources, linked with a map of this node (clauses 5.14.4.4, 5.14.5.4 and 4.5.25).

While a map is made here, a source that offers to make one is asked for its own. Where it does, its map is
named under ``linkedMaps``, and goes along with every question that is put to it through the map of this node
(5.7.2.4), so that it, too, looks only where something was. One that declines (5.5.14) is asked for entities
instead. A registration that can only be asked by several questions has no one map to link, and is asked
for entities as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from hansa.hub.federation.asker import Asker
from hansa.hub.federation.asks import Question
from hansa.hub.federation.dispatch import Dispatch
from hansa.hub.federation.incoming import json_in
from hansa.hub.federation.sources import Answer, Failure
from hansa.hub.federation.warnings import Warned
from hansa.hub.registrations.matching import Part
from hansa.hub.registrations.model import Registration
from hansa.kernel.errors import HansaError
from hansa.kernel.ids import is_uri

__all__ = ["LINK", "Link", "Links", "link_all"]

LINK: Final = "NGSILD-EntityMap"
_PLACE: Final = "/ngsi-ld/v1/entityMaps/"
_LONGEST: Final = 2_000
_BROKEN: Final = (111, 199)

Compact = Callable[[str], str]
Making = Callable[[Part, Compact], Question]


@dataclass(frozen=True, slots=True)
class Link:
    """The map of a source: its identifier, and where it is, in the words of the source."""

    id: str
    location: str


@dataclass(slots=True)
class Links:
    """The maps of sources, by registration; the entities in them; and what went wrong.

    Attributes:
        done: the registrations that need not be asked for entities.
    """

    maps: dict[str, Link] = field(default_factory=dict)
    entities: dict[str, list[str]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    warned: list[Warned] = field(default_factory=list)

    def left(self, registrations: Iterable[Registration]) -> list[Registration]:
        """Those that are to be asked for entities."""
        return [each for each in registrations if each.id not in self.done]


async def link_all(
    dispatch: Dispatch, asker: Asker, parts: Sequence[Part], operation: str, making: Making
) -> Links:
    """Ask every source of `parts` that offers `operation` for a map."""
    by_registration: dict[str, list[Part]] = {}
    for part in parts:
        if operation in part.registration.operations:
            by_registration.setdefault(part.registration.id, []).append(part)
    alone = [group[0] for group in by_registration.values() if len(group) == 1]
    links = Links()
    for part, made in zip(
        alone,
        await asyncio.gather(*(_made(dispatch, asker, part, making) for part in alone)),
        strict=True,
    ):
        id = part.registration.id
        if isinstance(made, Warned):
            links.warned.append(made)
            links.done.add(id)
        elif made is not None:
            link, ids, warned = made
            links.maps[id] = link
            links.done.add(id)
            links.warned += warned
            for entity in ids:
                links.entities.setdefault(entity, []).append(id)
    return links


async def _made(
    dispatch: Dispatch, asker: Asker, part: Part, making: Making
) -> tuple[Link, list[str], list[Warned]] | Warned | None:
    """The map that a source made; None if it makes none; a warning if it cannot be asked at all."""
    registration = part.registration
    speech = await dispatch.speech(registration, asker)
    if isinstance(speech, Failure):
        return speech.warned(registration)
    asked = making(part, speech.context.compact)
    answer = await dispatch.send(registration, asker, speech, asked, asks=True)
    if isinstance(answer, Failure):
        return answer.warned(registration) if answer.code in _BROKEN else None
    try:
        said = json_in(answer.response, dispatch.depth)
    except HansaError:
        return None
    if not isinstance(said, dict) or not isinstance(said.get("entityMap"), dict):
        return None
    link = _link(said, answer)
    if link is None:
        return None
    ids = [id for id in said["entityMap"] if is_uri(id) and part.may_be(id)]
    odd = len(ids) < len(said["entityMap"])
    fact = "its entity map holds an entity that was not asked for"
    return link, ids, [Warned(111, registration.id, fact)] if odd else []


def _link(said: Mapping[str, Any], answer: Answer) -> Link | None:
    id = said.get("id")
    if not is_uri(id) or len(str(id)) > _LONGEST:
        return None
    given = answer.response.headers.get(LINK.lower(), "")
    good = given.isascii() and given.isprintable() and 0 < len(given) <= _LONGEST
    return Link(str(id), given if good else _PLACE + quote(str(id), safe=":"))
