"""The words in which a source is spoken to: which @context, and payloads brought into it (4.3.6.6).

The @context of the request is kept where the source can fetch it by its address; otherwise names are
sent in full, which every broker understands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from hansa.ngsild.context import CORE, Context
from hansa.ngsild.core import CORE_URL, CORE_URLS
from hansa.ngsild.model import ENTITY_MEMBERS, INSTANCE_MEMBERS, VALUE_MEMBER, declared_kind

__all__ = ["Speech", "reworded", "reworded_attribute", "speech_of"]

_NAMES: Final = frozenset({"vocab", "objectType", "valueType"})
_VALUES: Final = frozenset(VALUE_MEMBER.values())
_KEYWORDS: Final = ENTITY_MEMBERS | {"@id", "@type"}


@dataclass(frozen=True, slots=True)
class Speech:
    """An @context to speak in, and its address; None when it is the core one."""

    context: Context
    url: str | None


_PLAIN: Final = Speech(CORE, None)


def speech_of(context: Context) -> Speech:
    """How to speak to a source on behalf of a request made in `context`."""
    source = context.source
    if isinstance(source, list) and len(source) == 1:
        source = source[0]
    if not isinstance(source, str) or not source.startswith(("http://", "https://")):
        return _PLAIN
    return _PLAIN if source in CORE_URLS or source == CORE_URL else Speech(context, source)


def reworded(payload: Any, spoken: Context, wanted: Context) -> Any:
    """An entity or fragment in the words of another @context; without an @context of its own."""
    if not isinstance(payload, dict):
        return payload
    return {
        _name(name, spoken, wanted): _member(name, value, spoken, wanted)
        for name, value in payload.items()
        if name != "@context"
    }


def reworded_attribute(payload: Any, spoken: Context, wanted: Context) -> Any:
    """The content of an attribute (or its instances) in the words of another @context."""
    if isinstance(payload, list) and payload and all(_is_instance(item) for item in payload):
        return [reworded_attribute(item, spoken, wanted) for item in payload]
    if not isinstance(payload, dict) or not (_is_instance(payload) or _has_subs(payload)):
        return payload
    found = {}
    for name, value in payload.items():
        if name == "@context":
            continue
        if name in _NAMES:
            found[name] = _renamed(value, spoken, wanted)
        elif name in INSTANCE_MEMBERS or name.startswith("@"):
            found[name] = value
        else:
            inner = reworded_attribute(value, spoken, wanted)
            found[wanted.compact(spoken.expand(name))] = inner
    return found


def _name(name: str, spoken: Context, wanted: Context) -> str:
    return name if name in _KEYWORDS else wanted.compact(spoken.expand(name))


def _member(name: str, value: Any, spoken: Context, wanted: Context) -> Any:
    if name in ("type", "@type"):
        return _renamed(value, spoken, wanted)
    return value if name in _KEYWORDS else reworded_attribute(value, spoken, wanted)


def _renamed(value: Any, spoken: Context, wanted: Context) -> Any:
    if isinstance(value, list):
        return [_renamed(item, spoken, wanted) for item in value]
    return wanted.compact(spoken.expand(value)) if isinstance(value, str) else value


def _is_instance(value: Any) -> bool:
    return isinstance(value, dict) and (bool(declared_kind(value)) or not _VALUES.isdisjoint(value))


def _has_subs(value: dict[str, Any]) -> bool:
    """Whether an object without a value is a patch of members (partial update)."""
    return "observedAt" in value or "unitCode" in value or "datasetId" in value
