"""What the value member of each kind of attribute may hold (clauses 4.5.2 to 4.5.24 and 4.6).

One checker per kind turns a client's value into the internal one, or raises
:class:`~hansa.kernel.errors.BadRequest`. NGSI-LD Null is dealt with before these are called.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import orjson

from hansa.kernel.errors import BadRequest
from hansa.kernel.ids import is_uri
from hansa.ngsild.context import Context
from hansa.ngsild.geojson import check_geojson
from hansa.ngsild.model import NULL, VALUE_MEMBER

__all__ = [
    "CHECKS",
    "check_datetime",
    "check_language",
    "check_name",
    "check_scopes",
    "contains_null",
    "is_datetime",
    "is_null_value",
    "null_value",
    "without_nulls",
]

_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?Z")
_LANGUAGE: Final = re.compile(r"@none|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_SCOPE: Final = re.compile(r"/?[^\W\d_]\w*(?:/[^\W\d_]\w*)*")
_RESERVED: Final = ("id", "type")
_NAME: Final = re.compile(r"[^\W\d_]\w*(?::[^\W\d_]\w*)?")
_KEPT_NAMES: Final = 10_000
_LONGEST_KEPT: Final = 200

_good_names: set[str] = set()
"""Names that were found valid: data use the same few again and again."""


def check_name(name: object) -> str:
    """A name of a type or attribute (clause 4.6.2): a term, ``prefix:term`` or an absolute IRI.

    Hyphens and dots are let through inside names, because published data models use them.
    """
    if isinstance(name, str) and name in _good_names:
        return name
    found = _name(name)
    if len(found) <= _LONGEST_KEPT and len(_good_names) < _KEPT_NAMES:
        _good_names.add(found)
    return found


def _name(name: object) -> str:
    if name in _RESERVED:
        raise BadRequest(
            f"the name {name!r}",
            "stands for a keyword of JSON-LD in the core @context",
            "choose another name",
        )
    if isinstance(name, str) and (
        _NAME.fullmatch(name)
        or _NAME.fullmatch(name.replace("-", "_").replace(".", "_"))
        or ("://" in name and is_uri(name))
        or (name.startswith("urn:") and is_uri(name))
    ):
        return name
    raise BadRequest(
        f"the name {str(name)[:80]!r}",
        "is not a valid name of a type or attribute",
        "start with a letter and use letters, digits and '_' (or 'prefix:name', or a full IRI)",
    )


def is_datetime(value: object) -> bool:
    """Whether `value` is a DateTime (clause 4.6.3): ISO 8601 in UTC with a final ``Z``."""
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value[:19])
    except ValueError:
        return False
    return True


def check_datetime(value: object, subject: str) -> str:
    """`value`, which must be a DateTime (see :func:`is_datetime`)."""
    if is_datetime(value):
        return str(value)
    raise BadRequest(
        subject,
        f"{str(value)[:80]!r} is not a DateTime",
        "write it as 2026-11-23T08:30:00Z, in UTC",
    )


def check_language(value: object, subject: str) -> str:
    """A language tag as language maps have them (clause 4.5.18): RFC 5646, or ``@none``."""
    if isinstance(value, str) and _LANGUAGE.fullmatch(value):
        return value
    raise BadRequest(
        subject,
        f"{str(value)[:40]!r} is not a language tag",
        "use RFC 5646 tags such as 'en' or 'es-CL', or '@none'",
    )


def check_scopes(value: object) -> list[str]:
    """The scopes of an entity (clause 4.18): one, or a list of them."""
    scopes = value if isinstance(value, list) else [value]
    for scope in scopes:
        if not isinstance(scope, str) or not _SCOPE.fullmatch(scope):
            raise BadRequest(
                f"scope {str(scope)[:80]!r}",
                "is not a scope",
                "write levels that start with a letter, as in /Madrid/Gardens",
            )
    if not scopes:
        raise BadRequest("scope", "the list is empty", "leave it out or name a scope")
    return list(dict.fromkeys(scopes))


def contains_null(value: object) -> bool:
    """Whether NGSI-LD Null stands anywhere inside a JSON value."""
    if isinstance(value, str):
        return value == NULL
    if isinstance(value, dict):
        return any(map(contains_null, value.values()))
    return isinstance(value, list) and any(map(contains_null, value))


def without_nulls(value: Any) -> Any:
    """An object without the members, at any depth, that NGSI-LD Null asks to remove."""
    if not isinstance(value, dict):
        return value
    return {name: without_nulls(inner) for name, inner in value.items() if inner != NULL}


def is_null_value(kind: str, value: object) -> bool:
    """Whether `value` is NGSI-LD Null in the form that this kind of attribute uses (clause 4.5.0)."""
    if kind == "LanguageProperty":
        return value in (NULL, {"@none": NULL})
    if kind in {"ListProperty", "ListRelationship"}:
        return value in (NULL, [NULL], [{"object": NULL}])
    return value == NULL


def null_value(kind: str) -> Any:
    """NGSI-LD Null in the form that this kind of attribute uses (clause 4.5.0)."""
    if kind == "LanguageProperty":
        return {"@none": NULL}
    return [NULL] if kind in {"ListProperty", "ListRelationship"} else NULL


def _wrong(name: str, kind: str, fact: str, remedy: str) -> BadRequest:
    return BadRequest(f"attribute '{name}'", f"{kind}: {fact}", remedy)


def _property(value: Any, name: str, context: Context) -> Any:
    if value is None:
        raise _wrong(name, "Property", "its value is null", f"leave it out, or patch with {NULL!r}")
    return value


def _geo_property(value: Any, name: str, context: Context) -> Any:
    check_geojson(value, f"attribute '{name}'")
    return orjson.loads(value) if isinstance(value, str) else value


def _uri(value: Any, name: str, kind: str) -> str:
    if is_uri(value):
        return str(value)
    raise _wrong(name, kind, f"{str(value)[:80]!r} is not a URI", "give the URI of an entity")


def _relationship(value: Any, name: str, context: Context) -> Any:
    if isinstance(value, list) and value:
        return [_uri(item, name, "Relationship") for item in value]
    return _uri(value, name, "Relationship")


def _language_property(value: Any, name: str, context: Context) -> Any:
    if not isinstance(value, dict) or not value:
        raise _wrong(name, "LanguageProperty", "languageMap is not an object", 'write {"en": "…"}')
    for language, text in value.items():
        check_language(language, f"attribute '{name}'")
        if not _is_text(text):
            raise _wrong(
                name, "LanguageProperty", f"the '{language}' text is not a string", "give text"
            )
    return value


def _is_text(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, str) for item in value)
    return isinstance(value, str)


def _vocab_property(value: Any, name: str, context: Context) -> Any:
    if not _is_text(value):
        raise _wrong(
            name, "VocabProperty", "vocab is not a string", "give a term or a list of terms"
        )
    if isinstance(value, list):
        return [context.expand(item) for item in value]
    return context.expand(value)


def _json_property(value: Any, name: str, context: Context) -> Any:
    if isinstance(value, dict) or (
        isinstance(value, list) and all(isinstance(item, dict) for item in value)
    ):
        return value
    raise _wrong(
        name, "JsonProperty", "json is not an object or a list of objects", "wrap it in {}"
    )


def _list_property(value: Any, name: str, context: Context) -> Any:
    if not isinstance(value, list):
        raise _wrong(name, "ListProperty", "valueList is not a list", "write [ … ]")
    if any(item is None for item in value):
        raise _wrong(name, "ListProperty", "the list holds null", "leave the item out")
    return value


def _list_relationship(value: Any, name: str, context: Context) -> Any:
    if not isinstance(value, list):
        raise _wrong(name, "ListRelationship", "objectList is not a list", "write [ … ]")
    return [
        _uri(item.get("object") if isinstance(item, dict) else item, name, "ListRelationship")
        for item in value
    ]


CHECKS: Final[dict[str, Callable[[Any, str, Context], Any]]] = {
    "Property": _property,
    "GeoProperty": _geo_property,
    "Relationship": _relationship,
    "LanguageProperty": _language_property,
    "VocabProperty": _vocab_property,
    "JsonProperty": _json_property,
    "ListProperty": _list_property,
    "ListRelationship": _list_relationship,
}
"""The checker of each kind: (value, attribute name, context) to the internal value."""

assert CHECKS.keys() == VALUE_MEMBER.keys()  # noqa: S101 - a new kind needs its checker
