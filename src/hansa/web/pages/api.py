"""The API for readers: the OpenAPI description as a plain page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hansa.web.api.openapi import openapi
from hansa.web.shell.language import choose
from hansa.web.shell.site import Site

__all__ = ["ApiPage", "Group", "groups"]

_VERBS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an operation: name, where it stands, what it means."""

    name: str
    place: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One verb on one path."""

    verb: str
    path: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    answers: tuple[tuple[str, str], ...]


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
        texts = self._site.script_texts(choose(request))
        return self._site.page(request, "api.html", groups=groups(openapi()), texts=texts)


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
    }
    return Operation(
        verb.upper(),
        path,
        given.get("summary", ""),
        given.get("description", ""),
        tuple(Parameter(p["name"], p["in"], p.get("description", "")) for p in parameters),
        tuple(answers.items()),
    )


def _resolved(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a local ``$ref`` points to."""
    if "$ref" not in node:
        return node
    target: Any = document
    for step in node["$ref"].removeprefix("#/").split("/"):
        target = target[step]
    return _resolved(document, target)
