"""The API for readers: the OpenAPI description as a plain page.

What every operation shares, the headers of requests and the problems that can be answered, stands once,
below; who may do what stands first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from hansa.web.api.openapi import openapi
from hansa.web.api.openapi_parts import HEADERS, PROBLEMS
from hansa.web.shell.language import choose
from hansa.web.shell.site import Site

__all__ = ["ApiPage", "Group", "groups"]

_VERBS = ("get", "post", "put", "patch", "delete")

_EXAMPLE: Final = (
    "curl -X PATCH '{base}/ngsi-ld/v1/entities/ID' -H \"Authorization: Bearer $HANSA_TOKEN\" "
    "-H 'Content-Type: application/json' -d '{{\"name\": \"New name\"}}'"
)

_RENEW: Final = "hansa init FOLDER --new-token"

_GROUPS: Final = {
    "entities": "Entities",
    "entityOperations": "Many entities at once",
    "types": "Types",
    "attributes": "Attributes",
    "temporal": "History",
    "jsonldContexts": "Terms (@context)",
    "snapshots": "Snapshots",
    "subscriptions": "Subscriptions",
    "entityMaps": "Entity maps",
    "csourceRegistrations": "Other brokers as sources",
    "csourceSubscriptions": "Subscriptions to sources",
    "info": "About this node",
    "sources": "Sources",
    "policies": "Policies",
    "algorithms": "Algorithms",
    "privacy": "Privacy",
    "open-book": "Open book",
    "log": "The log",
    "me": "My data",
    "clients": "Programs and cities",
    "accounts": "Accounts of this node",
    "providers": "Accounts from elsewhere",
    "told": "Live",
}
"""What the first part of a path is about."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an operation: name, where it stands, what it means."""

    name: str
    place: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One verb on one path; a guarded one needs the operator's token."""

    verb: str
    path: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    answers: tuple[tuple[str, str], ...]
    guarded: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """The operations of one tag."""

    name: str
    operations: tuple[Operation, ...]


class ApiPage:
    """``/api``"""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def page(self, request: Request) -> Response:
        """The whole description on one page, folded up."""
        tongue = choose(request)
        document = openapi(request.app.routes)
        base = self._site.base(request)
        return self._site.page(
            request,
            "api.html",
            groups=[
                (tongue(_GROUPS.get(group.name, group.name)), group) for group in groups(document)
            ],
            headers=[Parameter(h["name"], h["in"], h["description"]) for h in HEADERS],
            problems=PROBLEMS.items(),
            new_token=_RENEW,
            example=_EXAMPLE.format(base=base),
            texts=self._site.script_texts(tongue),
        )


def groups(document: Mapping[str, Any]) -> list[Group]:
    """The operations of an OpenAPI 3 document by their first tag, in the order of the document."""
    found: dict[str, list[Operation]] = {}
    for path, item in document["paths"].items():
        for verb in _VERBS:
            if verb in item:
                tags = item[verb].get("tags") or ["API"]
                found.setdefault(tags[0], []).append(_operation(document, path, verb, item))
    return [Group(name, tuple(operations)) for name, operations in found.items()]


def _operation(
    document: Mapping[str, Any], path: str, verb: str, item: Mapping[str, Any]
) -> Operation:
    given = item[verb]
    parameters = [
        _resolved(document, p) for p in (*item.get("parameters", ()), *given.get("parameters", ()))
    ]
    answers = {
        status: _resolved(document, answer).get("description", "")
        for status, answer in given.get("responses", {}).items()
        if status not in PROBLEMS
    }
    return Operation(
        verb.upper(),
        path,
        given.get("summary", ""),
        given.get("description", ""),
        tuple(
            Parameter(p["name"], p["in"], p.get("description", ""))
            for p in parameters
            if p["in"] != "header"
        ),
        tuple(answers.items()),
        bool(given.get("security")),
    )


def _resolved(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a local ``$ref`` points to."""
    if "$ref" not in node:
        return node
    target: Any = document
    for step in node["$ref"].removeprefix("#/").split("/"):
        target = target[step]
    return _resolved(document, target)
