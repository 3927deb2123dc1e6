"""From what a client writes to the record of a registration (clauses 5.2.9, 5.2.10, 5.9.2 and 5.9.3).

The record is the client's document with the names of types, attributes and further properties
expanded. Read-only members are ignored; anything that breaks a restriction of Table 5.2.9-1 is
refused by name. In an update a member that is null (or NGSI-LD Null) is removed, unless it must be
there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hansa.hub.registrations import members
from hansa.hub.registrations.operations import AUXILIARY, DEFAULT, DEFAULT_AUXILIARY
from hansa.kernel.errors import BadRequest, InvalidRequest
from hansa.kernel.ids import is_uri
from hansa.ngsild.context import Context
from hansa.ngsild.model import NULL
from hansa.ngsild.values import check_name, contains_null

__all__ = ["READ_ONLY", "RECORD", "TYPE", "changed", "checked", "own_properties", "read"]

RECORD: Final = "registration"
"""The kind of record that registrations are kept as."""

TYPE: Final = "ContextSourceRegistration"
READ_ONLY: Final = frozenset(
    "lastFailure lastSuccess status timesFailed timesSent createdAt modifiedAt deletedAt".split()
)
_IDENTITY: Final = frozenset({"id", "@id", "type", "@type", "@context"})
_MANDATORY: Final = ("endpoint", "information")

Reader = Callable[[Any, str, Context], Any]

_MEMBERS: Final[dict[str, Reader]] = {
    "endpoint": members.endpoint,
    "information": members.information,
    "contextSourceInfo": members.key_values,
    "contextSourceAlias": members.pseudonym,
    "description": members.text,
    "registrationName": members.text,
    "datasetId": members.datasets,
    "expiresAt": members.instant,
    "location": members.geometry,
    "observationSpace": members.geometry,
    "operationSpace": members.geometry,
    "management": members.management,
    "managementInterval": members.interval,
    "observationInterval": members.interval,
    "mode": members.mode,
    "operations": members.operations,
    "refreshRate": members.duration,
    "scope": members.scopes,
    "tenant": members.text,
}


def read(payload: Any, context: Context) -> dict[str, Any]:
    """A whole registration, as it is sent to be created; it may lack an ``id``.

    Raises:
        InvalidRequest: it is not an object.
        BadRequest: a member breaks its restriction, or one is missing.
    """
    record = _fragment(payload, context)
    if "type" not in record:
        raise BadRequest("the registration", "it has no type", f"say 'type': '{TYPE}'")
    return checked(record)


def changed(current: dict[str, Any], payload: Any, context: Context, now: str) -> dict[str, Any]:
    """A registration after an update (clause 5.5.8): members given replace those that are there."""
    fragment = _fragment(payload, context, updating=True)
    if fragment.get("id", current["id"]) != current["id"]:
        raise BadRequest(
            f"registration {current['id']}", "its id cannot be changed", "leave the id out"
        )
    record = {**current, **fragment, "modifiedAt": now}
    for name in [name for name, value in record.items() if value is None]:
        del record[name]
    return checked(record)


def checked(record: dict[str, Any]) -> dict[str, Any]:
    """`record`, whose members fit each other and the mode of the registration (clause 5.9.2)."""
    for name in _MANDATORY:
        if name not in record:
            raise BadRequest("the registration", f"it has no {name}", f"add '{name}'")
    mode = record.get("mode", "inclusive")
    if mode == "auxiliary" and "operations" not in record:
        record["operations"] = list(DEFAULT_AUXILIARY)
    offered = record.get("operations", DEFAULT)
    if mode == "auxiliary" and not AUXILIARY.issuperset(offered):
        raise BadRequest(
            "an auxiliary registration",
            "only offers what reads entities",
            f"set operations to some of {', '.join(sorted(AUXILIARY))}",
        )
    if mode == "exclusive":
        for info in record["information"]:
            _check_exclusive(info)
    return record


def own_properties(record: dict[str, Any]) -> dict[str, Any]:
    """The properties of a source that are not defined by the specification, by IRI."""
    return {k: v for k, v in record.items() if k not in _MEMBERS and k not in _KNOWN}


_KNOWN: Final = _IDENTITY | READ_ONLY | {"context", "localOnly"}


def _check_exclusive(info: dict[str, Any]) -> None:
    named = info.get("entities", ())
    if not named or any("id" not in entity for entity in named):
        raise BadRequest(
            "an exclusive registration",
            "does not say by id which entities it is about",
            "give the id of each entity, or register with mode redirect",
        )
    if not (info.get("propertyNames") or info.get("relationshipNames")):
        raise BadRequest(
            "an exclusive registration",
            "names no attributes",
            "add propertyNames or relationshipNames, or register with mode redirect",
        )


def _fragment(payload: Any, context: Context, *, updating: bool = False) -> dict[str, Any]:
    if not isinstance(payload, dict):
        raise InvalidRequest("the registration", "is not a JSON object", "send { … }")
    record: dict[str, Any] = {}
    if (id := payload.get("id", payload.get("@id"))) is not None or "id" in payload:
        record["id"] = _id(id)
    if (type := payload.get("type", payload.get("@type"))) is not None or "type" in payload:
        if type != TYPE:
            raise BadRequest("the registration", f"its type is not '{TYPE}'", "correct the type")
        record["type"] = TYPE
    for name, value in payload.items():
        if name in _IDENTITY or name in READ_ONLY:
            continue
        if value is None or value == NULL:
            _check_removal(name, updating)
            record[_expanded(name, context)] = None
        elif name in _MEMBERS:
            record[name] = _MEMBERS[name](value, name, context)
        else:
            record[_expanded(name, context)] = _free(name, value)
    return record


def _expanded(name: str, context: Context) -> str:
    if name in _MEMBERS or name == "localOnly":
        return name
    return context.expand(check_name(name))


def _free(name: str, value: Any) -> Any:
    if name == "localOnly" and not isinstance(value, bool):
        raise BadRequest("localOnly", "is not true or false", "correct it")
    if contains_null(value):
        raise BadRequest(f"member '{name}'", f"it holds {NULL!r}", "leave it out")
    return value


def _check_removal(name: str, updating: bool) -> None:
    if not updating or name in _MANDATORY:
        raise BadRequest(f"member '{name}'", "it is null", "leave it out, or give a value")


def _id(value: Any) -> str:
    if not is_uri(value) or value == NULL:
        raise BadRequest(
            f"registration id {str(value)[:120]!r}",
            "is not a URI",
            "use for example urn:ngsi-ld:ContextSourceRegistration:17, or leave it out",
        )
    return str(value)
