"""The names inside a subscription: terms to IRIs when it comes, IRIs to terms when it is shown (5.5.7).

Types, attributes and the query languages are gone through; everything else has no names. The texts of
the languages are printed anew only where a name changed, so that a subscriber mostly reads back what
was written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hansa.ngsild.context import Context
from hansa.ngsild.model import ENTITY_MEMBERS
from hansa.ngsild.projection import expand_projection, parse_projection, print_projection
from hansa.ngsild.q import expand_q, parse_q, print_q
from hansa.ngsild.query import And, Compare, Exists, Filter, Or, Range, Uri
from hansa.ngsild.selection import expand_types, parse_types, print_types

__all__ = ["compact_members", "expand_members"]

Rename = Callable[[str], str]


def expand_members(members: dict[str, Any], context: Context) -> dict[str, Any]:
    """The members of a subscription with names as IRIs, also values that are to be expanded."""
    found = _renamed(members, context.expand)
    if "q" in members:
        words = [_listed(members.get(name)) for name in ("expandValues", "jsonKeys")]
        tree = parse_q(members["q"])
        whole = expand_q(
            tree,
            context.expand,
            expand_values=frozenset(words[0]),
            json_keys=frozenset(words[1]),
        )
        found["q"] = _print_q(members["q"], tree, whole)
    return found


def compact_members(members: dict[str, Any], context: Context) -> dict[str, Any]:
    """The members of a subscription with names as terms of `context`."""
    found = _renamed(members, context.compact)
    if "q" in members:
        tree = parse_q(members["q"])
        expanding = {context.expand(name) for name in _listed(members.get("expandValues"))}
        whole = expand_q(tree, context.compact)
        found["q"] = _print_q(members["q"], tree, _compacted_values(whole, expanding, context))
    return found


def _print_q(text: str, before: Filter, after: Filter) -> str:
    return text if before == after else print_q(after)


def _compacted_values(tree: Filter, expanding: set[str], context: Context) -> Filter:
    """`tree` with those values as terms that were expanded when it came."""
    if isinstance(tree, And):
        return And(tuple(_compacted_values(part, expanding, context) for part in tree.parts))
    if isinstance(tree, Or):
        return Or(tuple(_compacted_values(part, expanding, context) for part in tree.parts))
    if isinstance(tree, Exists):
        return tree
    name = tree.path.names[-1]
    if name != "type" and context.expand(name) not in expanding:
        return tree
    values = tuple(_as_text(value, context) for value in tree.values)
    return Compare(tree.path, tree.operator, values)


def _as_text(value: Any, context: Context) -> Any:
    return (
        value
        if isinstance(value, Range) or not isinstance(value, Uri)
        else context.compact(value.value)
    )


def _listed(words: Any) -> list[str]:
    if isinstance(words, list):
        return words
    return [word.strip() for word in words.split(",") if word.strip()] if words else []


def _renamed(members: dict[str, Any], rename: Rename) -> dict[str, Any]:
    found = dict(members)
    if "entities" in found:
        found["entities"] = [_selector(item, rename) for item in found["entities"]]
    if "watchedAttributes" in found:
        found["watchedAttributes"] = [_name(name, rename) for name in found["watchedAttributes"]]
    for name in ("expandValues", "jsonKeys"):
        if name in found:
            words = [_name(word, rename) for word in _listed(found[name])]
            found[name] = words if isinstance(found[name], list) else ",".join(words)
    if "geoproperty" in found.get("geoQ", {}):
        place = found["geoQ"]
        found["geoQ"] = {**place, "geoproperty": rename(place["geoproperty"])}
    if "notification" in found:
        found["notification"] = _notification(found["notification"], rename)
    return found


def _name(name: str, rename: Rename) -> str:
    return name if name in ENTITY_MEMBERS else rename(name)


def _selector(item: dict[str, Any], rename: Rename) -> dict[str, Any]:
    if item["type"] == "*":
        return item
    tree = parse_types(item["type"])
    renamed = expand_types(tree, rename)
    return item if renamed == tree else {**item, "type": print_types(renamed)}


def _notification(told: dict[str, Any], rename: Rename) -> dict[str, Any]:
    found = dict(told)
    if "attributes" in found:
        found["attributes"] = [_name(name, rename) for name in found["attributes"]]
    for name in ("pick", "omit"):
        if name in found:
            found[name] = [_projection(text, name, rename) for text in found[name]]
    return found


def _projection(text: str, language: str, rename: Rename) -> str:
    tree = parse_projection(text, language)
    renamed = expand_projection(tree, rename)
    return text if renamed == tree else print_projection(renamed)
