"""The addresses under ``/hansa/v1`` in the OpenAPI document: what there is beside NGSI-LD.

Paths, verbs and parameters in paths are those of the routes that serve them. What each is for, who may ask and what may be
asked stands in :data:`TEXTS`; a route without a line there, and a line without a route, fail the tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from starlette.routing import BaseRoute, Route

from hansa.web.api.openapi_parts import PROBLEMS

__all__ = ["PREFIX", "TEXTS", "own_paths"]

PREFIX: Final = "/hansa/v1/"

_ANYBODY: Final = ""
_MINE: Final = "Who has an account, about themselves."
_WRITE: Final = "Who has an account, by a token of theirs that may write."
_STAFF: Final = "Staff, programs and partner cities."
_OFFICER: Final = "Data officers and administrators."
_ADMIN: Final = "Administrators."

TEXTS: Final[dict[str, tuple[str, str, str]]] = {
    "GET /accounts": ("The accounts of the node", _ADMIN, ""),
    "GET /algorithms": ("The register of algorithms", _ANYBODY, ""),
    "GET /algorithms/form": ("The fields of an algorithm's record", _ANYBODY, ""),
    "GET /algorithms/{id}": ("The record of an algorithm", _ANYBODY, ""),
    "PUT /algorithms/{id}": ("Declare an algorithm, or change its record", _OFFICER, ""),
    "DELETE /algorithms/{id}": ("Retire an algorithm", _OFFICER, ""),
    "GET /clients": ("Programs and cities that prove who they are by a key", _ADMIN, ""),
    "GET /log": ("The gate's log: its keys, size, witnesses", _ANYBODY, ""),
    "GET /log/entries": ("Entries of the log", _ANYBODY, "from limit"),
    "GET /me": ("Whom the node takes the sender for", _ANYBODY, ""),
    "GET /me/data": ("What is held about the sender, and who read it", _MINE, ""),
    "GET /me/data/export": ("The same, with histories, as a ZIP archive", _MINE, ""),
    "POST /me/requests": ("Ask that something be corrected or erased", _WRITE, ""),
    "PUT /me/consents/{purpose}": ("Agree to a purpose, for some days", _WRITE, ""),
    "DELETE /me/consents/{purpose}": ("Withdraw a consent", _WRITE, ""),
    "GET /open-book": ("Open book: how much there is, and where more is told", _ANYBODY, ""),
    "GET /open-book/sources": ("The sources, and whether they do as they say", _ANYBODY, ""),
    "GET /open-book/sources/{id}": ("One of them", _ANYBODY, ""),
    "GET /open-book/frugality": ("What is kept, and what was dropped", _ANYBODY, ""),
    "GET /open-book/access": ("How much is read, counted without persons", _ANYBODY, ""),
    "GET /policies": ("The policies: who may see what", _ANYBODY, ""),
    "GET /policies/form": ("What a policy may say", _ANYBODY, ""),
    "GET /policies/explain": (
        "What somebody may see, and by which rules",
        "Who asks about others than the public: staff.",
        "who what attribute tenant purpose",
    ),
    "GET /policies/{name}": ("A policy, as it is in force or was", _ANYBODY, "version"),
    "GET /policies/{name}/versions": ("All its versions", _ANYBODY, ""),
    "PUT /policies/{name}": ("Put a policy in force", _OFFICER, ""),
    "DELETE /policies/{name}": ("Withdraw a policy", _OFFICER, ""),
    "POST /policies/{name}/restore": ("Put an earlier version in force", _OFFICER, "version"),
    "POST /policies/{name}/preview": ("What a change would change, for whom", _OFFICER, ""),
    "GET /privacy": ("Sources that anonymise, their steps and measures", _ANYBODY, ""),
    "GET /privacy/personal": ("What is personal by its name", _ANYBODY, ""),
    "GET /privacy/counts": ("The noisy counts that were given", _ANYBODY, "source"),
    "POST /privacy/counts": ("Count with noise, out of a budget", _STAFF, ""),
    "GET /privacy/sources/{id}": ("One of the sources that anonymise", _ANYBODY, ""),
    "GET /providers": ("Who else vouches for people", _ADMIN, ""),
    "GET /sources": ("The register of sources", _ANYBODY, ""),
    "GET /sources/form": ("The fields of a source's record", _ANYBODY, "spoke"),
    "GET /sources/{id}": ("The record of a source", _ANYBODY, ""),
    "GET /sources/{id}/versions": ("All its versions", _ANYBODY, ""),
    "PUT /sources/{id}": ("Declare a source, or change its record", _OFFICER, ""),
    "DELETE /sources/{id}": ("Withdraw a source", _OFFICER, ""),
    "POST /told/{secret}": (
        "Where a service tells a live source what is new",
        "The service that was given the secret.",
        "",
    ),
}
"""Verb and path to what it is for, who may ask, and the parameters of its query."""

_PARAMETERS: Final = {
    "attribute": "An attribute of it.",
    "from": "The first entry that is meant.",
    "limit": "How many entries at most.",
    "purpose": "What they would ask for.",
    "source": "Of this source alone.",
    "spoke": "The adapter whose values are filled in.",
    "tenant": "Of this tenant.",
    "version": "The number of a version.",
    "what": "A type, or the identifier of an entity.",
    "who": "An account, client:NAME, algorithm:NAME; the public if left out.",
}
_OK: Final = {"GET": "200", "PUT": "200", "POST": "200", "DELETE": "204"}
_CREATED: Final = frozenset({"POST /me/requests"})
_LIKELY: Final = ("400", "401", "403", "404", "405", "409", "413", "503")


def own_paths(routes: Iterable[BaseRoute]) -> dict[str, dict[str, Any]]:
    """The path items of those routes that are under the prefix."""
    found: dict[str, dict[str, Any]] = {}
    for route in routes:
        if isinstance(route, Route) and f"{route.path}/".startswith(PREFIX):
            path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
            item = found.setdefault(path, {"servers": [{"url": "/"}]})
            for verb in sorted((route.methods or set()) - {"HEAD"}):
                item[verb.lower()] = _operation(verb, path)
    return dict(sorted(found.items()))


def _operation(verb: str, path: str) -> dict[str, Any]:
    name = f"{verb} /{path.removeprefix(PREFIX)}"
    summary, who, asked = TEXTS[name]
    parameters: list[dict[str, Any]] = [
        {"name": each, "in": "path", "required": True, "schema": {"type": "string"}}
        for each in re.findall(r"\{(\w+)\}", path)
    ]
    for each in asked.split():
        described = {"description": _PARAMETERS[each], "schema": {"type": "string"}}
        parameters.append({"name": each, "in": "query", **described})
    found: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "", f"{verb.title()} {path.removeprefix(PREFIX).title()}"),
        "summary": summary,
        "description": f"{summary}. {who or 'Anybody may ask.'}",
        "tags": [path.removeprefix(PREFIX).split("/")[0]],
        "parameters": parameters,
        "responses": _responses(verb, name),
    }
    if who and not name.startswith("POST /told"):
        found["security"] = [{"operator": []}]
    if verb in ("POST", "PUT"):
        content = {"application/json": {"schema": {"type": ["object", "array"]}}}
        found["requestBody"] = {"required": verb == "PUT", "content": content}
    return found


def _responses(verb: str, name: str) -> dict[str, Any]:
    status = "201" if name in _CREATED else _OK[verb]
    if name == "POST /told/{secret}":
        status = "204"
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    kind = "application/zip" if name.endswith("/export") else "application/json"
    done: dict[str, Any] = {"description": "Done." if verb != "GET" else "What was asked for."}
    if status != "204":
        done["content"] = {kind: {}}
    refused = {
        each: {"description": PROBLEMS[each], "content": {"application/problem+json": problem}}
        for each in _LIKELY
    }
    return {status: done, **refused}
