"""How notifications look and where they go: the data type NotificationParams (clause 5.2.14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from hansa.hub.fields import Fields
from hansa.hub.notify.endpoint import Endpoint, read_endpoint
from hansa.ngsild.linked import MAX_LEVEL, Join
from hansa.ngsild.model import ENTITY_MEMBERS
from hansa.ngsild.projection import Projection, parse_projection
from hansa.ngsild.represent import Form

__all__ = ["Show", "read_notification", "told_members"]

_COUNTED: Final = frozenset(
    {"status", "timesSent", "timesFailed", "lastNotification", "lastSuccess", "lastFailure"}
)
_NOTIFICATION: Final = frozenset(
    {"endpoint", "attributes", "format", "join", "joinLevel", "omit", "pick", "showChanges"}
    | {"sysAttrs"}
)
_FORMS: Final[dict[str, Form]] = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}
_SHARE: Final = frozenset({"id", "type", "scope"})
_ALWAYS: Final = ENTITY_MEMBERS - {"@context"}


@dataclass(frozen=True, slots=True)
class Show:
    """How entities stand in a notification (clause 5.2.14.1)."""

    form: Form = "normalized"
    times: bool = False
    changes: bool = False
    pick: Projection | None = None
    omit: Projection | None = None
    join: Join | None = None


def told_members(notification: dict[str, Any], subject: str) -> dict[str, Any]:
    """The members of ``notification`` that the subscriber sets; those that the node counts are left out."""
    told = Fields(notification, f"{subject}, member 'notification'").known(_NOTIFICATION | _COUNTED)
    return {name: value for name, value in told.items() if name in _NOTIFICATION}


def read_notification(told: Fields) -> tuple[Endpoint, Show]:
    """The data type NotificationParams (5.2.14.1)."""
    told.only(_NOTIFICATION)
    endpoint = read_endpoint(told.part("endpoint"))
    form = told.one_of("format", tuple(_FORMS)) or "normalized"
    changes = told.flag("showChanges") is True
    if changes and _FORMS[form] == "simplified":
        raise told.wrong("showChanges", f"cannot be true with the format {form}")
    join = _join(told)
    pick, omit = _projections(told, join)
    show = Show(_FORMS[form], told.flag("sysAttrs") is True, changes, pick, omit, join)
    return endpoint, show


def _join(told: Fields) -> Join | None:
    form = told.one_of("join", ("flat", "inline", "@none"))
    level = told.whole("joinLevel", MAX_LEVEL)
    if form in ("flat", "inline"):
        return Join(cast(Literal["flat", "inline"], form), level or 1)
    if level is not None:
        raise told.wrong("joinLevel", "means nothing without join", "add join: flat or inline")
    return None


def _projections(told: Fields, join: Join | None) -> tuple[Projection | None, Projection | None]:
    attributes = told.texts("attributes")
    texts = {name: told.texts(name) for name in ("pick", "omit")}
    if attributes is not None:
        for name, given in texts.items():
            if given is not None:
                raise told.wrong("attributes", f"cannot stand beside {name}", "use pick alone")
        found = parse_projection(attributes, "attributes")
        if _SHARE & found.members.keys() or found.depth:
            raise told.wrong("attributes", "names something that is no attribute", "use pick")
        return Projection({**dict.fromkeys(sorted(_ALWAYS)), **found.members}), None
    pick, omit = (
        None if given is None else parse_projection(given, name) for name, given in texts.items()
    )
    for name, tree in (("pick", pick), ("omit", omit)):
        if tree is not None and tree.depth > (join.level if join else 0):
            raise told.wrong(name, "speaks of linked entities that are not asked for", "add join")
    clash = pick.clashes_with(omit) if pick and omit else None
    if clash is not None:
        raise told.wrong("pick", f"names '{clash}', which omit leaves out", "drop one of the two")
    return pick, omit
