"""Messages to entities: a mapping file of topics, each with a mapping as tables have it.

Where a table has columns, a message has the named wildcards of its topic and, by path, the members of its
payload (``data.temperature``, ``rxInfo.0.rssi``); a payload that is no JSON is the column ``payload``.
The first topic of the file that fits a message takes it.
"""

from __future__ import annotations

from collections.abc import Mapping as Mapping_
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from hansa.kernel.clock import iso
from hansa.kernel.errors import BadRequest
from hansa.spokes.mqtt.topics import Pattern
from hansa.spokes.plain import number
from hansa.spokes.port import Place, Plain, Refusal
from hansa.spokes.quality import mark, moment_of
from hansa.spokes.table.map import RowMap
from hansa.spokes.table.mapping import Mapping, make_mapping, refuse_unknown
from hansa.spokes.table.read import Row

__all__ = ["Message", "TopicMap", "at_path"]

_KINDS: Final = ("json", "number", "text")
_TOP: Final = frozenset({"topics", "terms", "timezone", "missing"})
_SHARED: Final = ("terms", "timezone", "missing")
_PAYLOAD: Final = "payload"


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it came.

    Attributes:
        retained: whether the broker had kept it, so that it may be old.
        receipt: by which it is acknowledged once it is written: the number of the connection, that of the
            message in it, and its quality of service; None for one that is not waited for.
    """

    topic: str
    payload: bytes
    arrived: datetime
    retained: bool = False
    receipt: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class _Route:
    """One topic of the mapping file."""

    pattern: Pattern
    payload: str
    mapping: Mapping
    rows: RowMap
    measured: frozenset[str]


class TopicMap:
    """A whole mapping file.

    Raises:
        BadRequest: it is not understood; says where.
    """

    def __init__(
        self, document: dict[str, Any], label: str, namespace: str, silence: timedelta
    ) -> None:
        refuse_unknown(document, _TOP, label, "")
        topics = document.get("topics")
        if not isinstance(topics, list) or not topics:
            raise BadRequest(label, "has no topics", "write [[topics]] above the settings of each")
        shared: dict[str, Any] = {name: document[name] for name in _SHARED if name in document}
        self._silence = silence
        self._routes = [
            _route(data, shared, f"{label}, topic {place}", namespace)
            for place, data in enumerate(topics, 1)
        ]

    @property
    def filters(self) -> list[str]:
        """What to subscribe to."""
        return list(dict.fromkeys(route.pattern.filter for route in self._routes))

    @property
    def types(self) -> list[str]:
        """The types (terms or IRIs) of the entities."""
        names = (r.mapping.terms.get(r.mapping.type, r.mapping.type) for r in self._routes)
        return list(dict.fromkeys(names))

    def item(self, message: Message) -> Plain | Refusal | None:
        """What a message says of its entity; ``None`` if its topic is not in the mapping."""
        for route in self._routes:
            names = route.pattern.match(message.topic)
            if names is not None:
                return self._mapped(route, names, message)
        return None

    def _mapped(self, route: _Route, names: dict[str, str], message: Message) -> Plain | Refusal:
        place = Place(f"topic {message.topic[:200]}")
        try:
            values = _values(route, names, message.payload)
        except ValueError as fault:
            return Refusal(place, str(fault))
        try:
            item = route.rows.item(Row(values, place))
        except RecursionError:
            return Refusal(place, "it is nested too deeply")
        if isinstance(item, Refusal):
            return item
        if len(item) <= 2:
            return Refusal(place, "it says nothing that the mapping asks for")
        observed = self._observed(item, route, message)
        mark(item, observed, message.arrived, self._silence)
        return item

    def _observed(self, item: Plain, route: _Route, message: Message) -> list[datetime]:
        """The times that the message names; what names none was seen when the message arrived."""
        found = []
        for name, attribute in item.items():
            if not isinstance(attribute, dict):
                continue
            if "observedAt" in attribute:
                found.append(moment_of(attribute["observedAt"]))
            elif name in route.measured and not message.retained:
                attribute["observedAt"] = iso(message.arrived)
        return found


def _route(data: Any, shared: dict[str, Any], label: str, namespace: str) -> _Route:
    if not isinstance(data, dict):
        raise BadRequest(label, "is not a table of settings", "write [[topics]]")
    settings = shared | data
    pattern = Pattern.parse(settings.pop("topic", None), f"{label}, 'topic'")
    payload = settings.pop("payload", "json")
    if payload not in _KINDS:
        raise BadRequest(
            label, f"the payload {payload!r} is unknown", f"use one of {', '.join(_KINDS)}"
        )
    mapping = make_mapping(settings, label)
    if payload != "json":
        known = {*pattern.names, _PAYLOAD}
        for column, where in mapping.columns():
            if column not in known:
                raise BadRequest(
                    f"{label}, {where}",
                    f"a payload that is a {payload} has no '{column}'",
                    f"it has: {', '.join(sorted(known))}",
                )
    names = {mapping.terms.get(a.name, a.name) for a in mapping.attributes if a.column}
    return _Route(
        pattern, payload, mapping, RowMap(mapping, namespace), frozenset({*names, "location"})
    )


def _values(route: _Route, names: dict[str, str], payload: bytes) -> dict[str, Any]:
    """The columns that the mapping speaks of, with their values."""
    if route.payload == "json":
        try:
            document = orjson.loads(payload)
        except orjson.JSONDecodeError as fault:
            raise ValueError(f"it is not JSON ({fault.msg})") from None
        wanted = {column for column, _ in route.mapping.columns()} - names.keys()
        return names | {column: at_path(document, column) for column in wanted}
    try:
        text = payload.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None
    return {**names, _PAYLOAD: number(text) if route.payload == "number" else text}


def at_path(document: Any, path: str) -> Any:
    """What stands at a path such as ``data.0.value``; ``None`` if there is nothing. ``.`` is all."""
    if path == ".":
        return document
    if isinstance(document, Mapping_) and path in document:
        return document[path]
    for part in path.replace("[", ".").replace("]", "").split("."):
        if isinstance(document, Mapping_):
            document = document.get(part)
        elif isinstance(document, list) and part.isdecimal() and len(part) < 10:
            document = document[int(part)] if int(part) < len(document) else None
        else:
            return None
    return document
