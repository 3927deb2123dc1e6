"""How the entities of an answer are shown: form, members, language, datasets, linked entities.

The parameters come from the URL or from the body of a query (clauses 6.3.7, 4.21, 4.5.23 and 5.2.23);
both are read by the same rules. ``format`` goes before ``options`` (Table 6.3.7-1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hansa.kernel.errors import BadRequest, InvalidRequest
from hansa.kernel.ids import is_uri
from hansa.ngsild.context import Context
from hansa.ngsild.fallback import conform
from hansa.ngsild.linked import MAX_LEVEL, Join, Sight
from hansa.ngsild.model import LOCATION, Entity
from hansa.ngsild.projection import Projection, expand_projection, parse_projection
from hansa.ngsild.represent import Form, View
from hansa.ngsild.values import check_name
from hansa.web.api.call import GEO_JSON, Call
from hansa.web.api.params import flag, names, number
from hansa.web.api.prefer import preferred_version

__all__ = ["Look", "Parameters", "check_uris", "geometry_property", "read_look"]

Parameters = Mapping[str, Any]

_FORMS: Final[dict[str, Form]] = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}
_KNOWN_OPTIONS: Final = frozenset(_FORMS) | {"sysAttrs", "count"}
_MEMBERS: Final = frozenset({"id", "type", "scope", "createdAt", "modifiedAt", "expiresAt"})

_KEPT: Final = 64
_plain_looks: dict[int, Look] = {}
"""Looks by the identity of their @context, which they keep alive."""


@dataclass(frozen=True, slots=True)
class Look:
    """How the entities of an answer are shown.

    Attributes:
        view: how each of them is shown.
        join: how the entities come along that they link to, if at all.
        pick, omit: the members shown and left out, with those of linked entities; None when not said.
    """

    view: View
    join: Join | None = None
    pick: Projection | None = None
    omit: Projection | None = None

    @property
    def sight(self) -> Sight:
        """The view with what is shown of the linked entities behind."""
        return Sight(self.view, self.pick, self.omit)

    @property
    def may_leave_nothing(self) -> bool:
        """Whether so little is shown that nothing may be left of an entity."""
        return self.pick is not None or self.omit is not None

    def status_of(self, entities: Iterable[Entity]) -> int:
        """200, or 203 when an entity is not shown as it is, to conform to an earlier version."""
        version, compact = self.view.version, self.view.context.compact
        if version is None or all(conform(e, version, compact) is e for e in entities):
            return 200
        return 203


def read_look(
    call: Call,
    context: Context,
    parameters: Parameters | None = None,
    *,
    more_options: frozenset[str] = frozenset(),
) -> Look:
    """What of each entity is shown, and how. `more_options` are further words the operation takes."""
    given = call.query if parameters is None else parameters
    version = preferred_version(call.headers.get(b"prefer"))
    if not given and not call.query:
        return Look(View(context, version=version)) if version else _plain(context)
    form = _form(call, _KNOWN_OPTIONS | more_options)
    join = _join(given)
    attrs = names(given, "attrs")
    pick, omit = _projections(given, context, join)
    if attrs and (pick or omit):
        raise BadRequest("the parameter 'attrs'", "cannot stand beside pick or omit", "use pick")
    picked = frozenset(pick.members) if pick else None
    view = View(
        context=context,
        form=form,
        times="sysAttrs" in call.options or flag(call.query, "sysAttrs"),
        language=given.get("lang") or None,
        pick=_MEMBERS.union(context.expand(check_name(a)) for a in attrs) if attrs else picked,
        omit=omit.plain if omit else frozenset(),
        datasets=_datasets(given),
        version=version,
    )
    return Look(view, join, pick, omit)


def _plain(context: Context) -> Look:
    """The look of a request that asks for nothing special; mostly with the same few @contexts."""
    kept = _plain_looks.get(id(context))
    if kept is None or kept.view.context is not context:
        if len(_plain_looks) >= _KEPT:
            _plain_looks.clear()
        kept = _plain_looks[id(context)] = Look(View(context))
    return kept


def _form(call: Call, known: frozenset[str]) -> Form:
    unknown = call.options - known
    if unknown:
        raise InvalidRequest(
            f"the option '{min(unknown)[:60]}'",
            "is not one of this operation",
            f"use {', '.join(sorted(known))}",
        )
    first = frozenset(names(call.query, "format"))
    forms = {_FORMS[w] for w in first & _FORMS.keys() or call.options if w in _FORMS}
    if len(forms) > 1:
        raise InvalidRequest("the options", "name two representations", "name one")
    return forms.pop() if forms else "normalized"


def _projections(
    given: Parameters, context: Context, join: Join | None
) -> tuple[Projection | None, Projection | None]:
    pick, omit = (_projection(given, name, context, join) for name in ("pick", "omit"))
    clash = pick.clashes_with(omit) if pick and omit else None
    if clash is not None:
        raise BadRequest(
            f"the member '{context.compact(clash)}'", "stands in both pick and omit", "drop one"
        )
    return pick, omit


def _projection(
    given: Parameters, name: str, context: Context, join: Join | None
) -> Projection | None:
    if name not in given:
        return None
    found = expand_projection(parse_projection(given[name], name), context.expand)
    if found.depth > (join.level if join else 0):
        raise BadRequest(
            f"the parameter '{name}'",
            "speaks of linked entities that are not asked for",
            "add join, with a joinLevel that is deep enough",
        )
    return found


def _join(given: Parameters) -> Join | None:
    form = given.get("join", "@none")
    if form not in ("flat", "inline", "@none"):
        raise BadRequest("the parameter 'join'", f"{str(form)[:40]!r} is no join", "flat or inline")
    if form == "@none":
        alone = next((n for n in ("joinLevel", "containedBy") if n in given), None)
        if alone is not None:
            raise BadRequest(
                f"the parameter '{alone}'", "means nothing without join", "add join=inline or flat"
            )
        return None
    level = number(given, "joinLevel", 1, 1, MAX_LEVEL)
    return Join(form, level, frozenset(check_uris(names(given, "containedBy"))))


def _datasets(given: Parameters) -> frozenset[str] | None:
    ids = names(given, "datasetId")
    for id in ids:
        if id != "@none" and not is_uri(id):
            raise BadRequest(f"datasetId {id[:80]!r}", "is not a URI", "give URIs or @none")
    return frozenset(ids) if ids else None


def check_uris(ids: tuple[Any, ...]) -> tuple[str, ...]:
    """Identifiers of entities.

    Raises:
        BadRequest: one of them is not a URI.
    """
    for id in ids:
        if not is_uri(id):
            raise BadRequest(f"entity id {str(id)[:80]!r}", "is not a URI", "correct it")
    return ids


def geometry_property(call: Call, context: Context, kind: str) -> str:
    """The GeoProperty that becomes the geometry of a feature (clause 4.5.16.1).

    Raises:
        BadRequest: one is named although the answer is not GeoJSON.
    """
    name = call.query.get("geometryProperty")
    if name is None:
        return LOCATION
    if kind != GEO_JSON:
        raise BadRequest(
            "the parameter 'geometryProperty'",
            "only makes sense for GeoJSON",
            f"accept {GEO_JSON}, or leave it out",
        )
    return context.expand(check_name(name))
