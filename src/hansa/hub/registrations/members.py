"""The members of a registration, each checked against its restriction (Tables 5.2.8-1 to 5.2.34-1).

Every reader takes the value, the member's name and the @context, and gives what is stored.
"""

from __future__ import annotations

import re
from typing import Any, Final

from hansa.hub.registrations.operations import GROUPS, NAMES
from hansa.kernel.errors import BadRequest
from hansa.kernel.ids import is_uri
from hansa.ngsild.context import Context
from hansa.ngsild.geojson import check_geojson
from hansa.ngsild.q import check_pattern
from hansa.ngsild.temporal import parse_duration
from hansa.ngsild.values import check_datetime, check_name, check_scopes

__all__ = [
    "datasets",
    "duration",
    "endpoint",
    "geometry",
    "information",
    "instant",
    "interval",
    "key_values",
    "management",
    "mode",
    "operations",
    "pseudonym",
    "scopes",
    "text",
]

_MODES: Final = ("inclusive", "exclusive", "redirect", "auxiliary")
_MIME: Final = ("application/json", "application/ld+json")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PSEUDONYM: Final = re.compile(r"[^\s,()\x00-\x1f\x7f]{1,255}")
_VERSION: Final = re.compile(r"[1-9]\d{0,2}\.\d{1,3}", re.ASCII)
_MOST_INFOS: Final = 1000
_LONGEST_TEXT: Final = 10_000
_LONGEST_PAIRS: Final = 8_000  # characters; servers take heads of 8 to 16 KiB
_MANAGEMENT: Final = ("timeout", "cooldown", "cacheDuration", "localOnly")


def _bad(name: str, fact: str, remedy: str) -> BadRequest:
    return BadRequest(f"member '{name}' of the registration", fact, remedy)


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise _bad(name, "is not a list with something in it", "write [ … ], or leave it out")
    if len(value) > _MOST_INFOS:
        raise _bad(name, f"has more than {_MOST_INFOS:,} items", "register several sources")
    return value


def text(value: Any, name: str, context: Context) -> str:
    """Text that is not empty."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise _bad(name, "is not text, or empty", "give a string")
    if len(value) > _LONGEST_TEXT:
        raise _bad(name, f"has {len(value):,} characters", f"write at most {_LONGEST_TEXT:,}")
    return value


def pseudonym(value: Any, name: str, context: Context) -> str:
    """What stands for a broker in a Via header (RFC 7230)."""
    if not isinstance(value, str) or not _PSEUDONYM.fullmatch(value):
        raise _bad(name, "is not one word", "give the contextSourceAlias that the source tells")
    return value


def endpoint(value: Any, name: str, context: Context) -> str:
    """The address of a source: of its API, or of what the API is under."""
    if not is_uri(value) or not value.startswith(("http://", "https://")) or "?" in value:
        raise _bad(
            name, f"{str(value)[:80]!r} is not an address of HTTP", "write https://host[/path]"
        )
    return str(value)


def instant(value: Any, name: str, context: Context) -> str:
    """A DateTime."""
    return check_datetime(value, f"member '{name}'")


def duration(value: Any, name: str, context: Context) -> str:
    """An ISO 8601 duration."""
    parse_duration(value, f"member '{name}'")
    return str(value)


def geometry(value: Any, name: str, context: Context) -> Any:
    """A GeoJSON geometry, also inside a GeoProperty."""
    inner = value["value"] if isinstance(value, dict) and "value" in value else value
    check_geojson(inner, f"member '{name}'")
    return inner


def scopes(value: Any, name: str, context: Context) -> list[str]:
    """One scope or several."""
    return check_scopes(value)


def datasets(value: Any, name: str, context: Context) -> list[str]:
    """Identifiers of datasets."""
    found = _list([value] if isinstance(value, str) else value, name)
    for item in found:
        if item != "@none" and not is_uri(item):
            raise _bad(name, f"{str(item)[:80]!r} is not a URI", "give URIs or @none")
    return found


def mode(value: Any, name: str, context: Context) -> str:
    """How the source stands to what is held here."""
    if value not in _MODES:
        raise _bad(name, f"{str(value)[:40]!r} is no mode", f"use one of {', '.join(_MODES)}")
    return str(value)


def operations(value: Any, name: str, context: Context) -> list[str]:
    """Names of operations and of groups of them."""
    found = _list(value, name)
    for item in found:
        if not isinstance(item, str) or (item not in NAMES and item not in GROUPS):
            raise _bad(name, f"{str(item)[:60]!r} is no operation", "see clause 4.20 for the names")
    return found


def interval(value: Any, name: str, context: Context) -> dict[str, str]:
    """A TimeInterval (clause 5.2.11)."""
    if not isinstance(value, dict) or "startAt" not in value:
        raise _bad(name, "is not a time interval", 'write {"startAt": …, "endAt": …}')
    found = {"startAt": check_datetime(value["startAt"], f"{name}.startAt")}
    if value.get("endAt") is not None:
        found["endAt"] = check_datetime(value["endAt"], f"{name}.endAt")
        if found["endAt"] < found["startAt"]:
            raise _bad(name, "ends before it starts", "exchange the two")
    return found


def management(value: Any, name: str, context: Context) -> dict[str, Any]:
    """RegistrationManagementInfo (clause 5.2.34)."""
    if not isinstance(value, dict):
        raise _bad(name, "is not an object", 'write for example {"timeout": 2000}')
    for member, content in value.items():
        where = f"{name}.{member}"
        if member not in _MANAGEMENT:
            raise _bad(where, "is not known", f"use some of {', '.join(_MANAGEMENT)}")
        if member == "cacheDuration":
            parse_duration(content, where)
        elif member == "localOnly":
            if not isinstance(content, bool):
                raise _bad(where, "is not true or false", "correct it")
        elif isinstance(content, bool) or not isinstance(content, int | float) or content <= 0:
            raise _bad(where, "is not a number above 0", "give milliseconds")
    return value


def key_values(value: Any, name: str, context: Context) -> list[dict[str, str]]:
    """What to convey to the source (clauses 4.3.6.5 and 4.3.6.6)."""
    for pair in _list(value, name):
        if not isinstance(pair, dict) or not isinstance(pair.get("key"), str):
            raise _bad(name, "an item is not a key with a value", 'write {"key": …, "value": …}')
        key, content = pair["key"], pair.get("value")
        if not _TOKEN.fullmatch(key):
            raise _bad(name, f"{key[:40]!r} cannot be the name of a header", "use letters and -")
        if not isinstance(content, str) or not content.isprintable() or not content.isascii():
            raise _bad(name, f"the value of {key!r} is not a line of plain text", "correct it")
        _check_steering(name, key, content)
    size = sum(len(pair["key"]) + len(pair["value"]) for pair in value)
    if size > _LONGEST_PAIRS:
        raise _bad(
            name, f"has {size:,} characters", f"send at most {_LONGEST_PAIRS:,} with each request"
        )
    return [{"key": pair["key"], "value": pair["value"]} for pair in value]


def _check_steering(name: str, key: str, content: str) -> None:
    where = f"{name}, {key}"
    if key in ("accept", "contentType") and content not in _MIME:
        raise _bad(where, f"{content[:60]!r} is not possible", f"use one of {', '.join(_MIME)}")
    if key == "jsonldContext" and not content.startswith(("http://", "https://")):
        raise _bad(where, "is not the address of an @context", "give a URL")
    if key == "ngsildConformance" and not _VERSION.fullmatch(content):
        raise _bad(where, f"{content[:20]!r} is not a version", "write it like 1.8")


def information(value: Any, name: str, context: Context) -> list[dict[str, Any]]:
    """RegistrationInfo (clause 5.2.10), with names expanded."""
    return [_info(item, f"{name}[{n}]", context) for n, item in enumerate(_list(value, name))]


def _info(value: Any, name: str, context: Context) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad(name, "is not an object", "name entities, propertyNames or relationshipNames")
    found: dict[str, Any] = {}
    if value.get("entities") is not None:
        found["entities"] = [
            _entity(item, f"{name}.entities", context)
            for item in _list(value["entities"], f"{name}.entities")
        ]
    for member in ("propertyNames", "relationshipNames"):
        if value.get(member) is not None:
            names = _list(value[member], f"{name}.{member}")
            found[member] = [context.expand(check_name(item)) for item in names]
    if not found:
        raise _bad(
            name,
            "says neither which entities nor which attributes",
            "add entities, propertyNames or relationshipNames",
        )
    return found


def _entity(value: Any, name: str, context: Context) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad(name, "an item is not an object", 'write {"type": …}')
    types = value.get("type", value.get("@type"))
    listed = types if isinstance(types, list) else [types]
    if not listed or not all(isinstance(item, str) for item in listed):
        raise _bad(name, "an item has no type", "name the type")
    found: dict[str, Any] = {"type": [context.expand(check_name(item)) for item in listed]}
    if value.get("id") is not None:
        if not is_uri(value["id"]):
            raise _bad(name, f"the id {str(value['id'])[:80]!r} is not a URI", "correct it")
        found["id"] = value["id"]
    if value.get("idPattern") is not None:
        pattern = value["idPattern"]
        fault = check_pattern(pattern) if isinstance(pattern, str) and pattern else "not text"
        if fault is not None:
            raise _bad(
                name,
                f"idPattern {str(pattern)[:80]!r} is not a regular expression: {fault}",
                "use RE2 syntax",
            )
        found["idPattern"] = pattern
    return found
