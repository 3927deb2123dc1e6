"""Scopes and the scope query language (ETSI GS CIM 009, clauses 4.18 and 4.19).

A scope such as ``/Madrid/Gardens/ParqueNorte`` puts an entity into a hierarchy. A scope query names
scopes, with ``+`` for any one level and a last ``#`` for a scope and all below it; ``/#`` is any
scope. ``;`` is *and*, ``|`` and ``,`` are *or*, as in type selection. The first slash may be left
out, as in the clause's fifth example; ``/Madrid`` and ``Madrid`` are the same scope.
"""

from __future__ import annotations

import re
from typing import Final

from hansa.ngsild.query import And, Or, ScopeFilter, ScopePattern
from hansa.ngsild.reader import Reader, print_terms, read_terms

__all__ = ["in_scope", "is_scope", "parse_scope_query", "print_scope_query", "scope_levels"]

_LEVEL: Final = re.compile(r"[^\W\d_]\w*")
_LEVEL_PATTERN: Final = re.compile(r"[^\W\d_]\w*|\+")
_MAX_LEVELS: Final = 64


def is_scope(text: object) -> bool:
    """Whether `text` is a scope by the grammar of clause 4.18, at most 64 levels deep."""
    if not isinstance(text, str):
        return False
    levels = scope_levels(text)
    return len(levels) <= _MAX_LEVELS and all(map(_LEVEL.fullmatch, levels))


def scope_levels(scope: str) -> tuple[str, ...]:
    """The levels of a scope: ("Madrid", "Gardens") for ``/Madrid/Gardens``."""
    return tuple(scope.removeprefix("/").split("/"))


def parse_scope_query(text: object) -> ScopeFilter:
    """The tree of a scope query.

    Raises:
        BadRequest: the text breaks the grammar or a limit; says where, and what was expected.
    """
    return read_terms(Reader(text, "scopeQ"), _read_scope, "|,")


def _read_scope(reader: Reader) -> ScopePattern:
    slash = reader.accept("/")
    levels: list[str] = []
    while not (reader.next_is("#") and (slash or levels)):
        level = reader.take(_LEVEL_PATTERN)
        if not level:
            raise reader.error("a scope level: a letter and what follows, '+', or a last '#'")
        levels.append(level)
        if len(levels) > _MAX_LEVELS:
            raise reader.error(f"at most {_MAX_LEVELS} levels")
        if not reader.accept("/"):
            return ScopePattern(tuple(levels))
    reader.accept("#")
    return ScopePattern((*levels, "#"))


def print_scope_query(tree: ScopeFilter) -> str:
    """The text of `tree`, which :func:`parse_scope_query` reads to the same tree."""
    return print_terms(tree, _print_pattern, group_and=True)


def _print_pattern(pattern: ScopePattern) -> str:
    return "/" + "/".join(pattern.levels)


def in_scope(tree: ScopeFilter, scopes: list[str]) -> bool:
    """Whether an entity with these scopes meets a scope query."""
    if isinstance(tree, And):
        return all(in_scope(part, scopes) for part in tree.parts)
    if isinstance(tree, Or):
        return any(in_scope(part, scopes) for part in tree.parts)
    return any(_matches(tree.levels, scope_levels(scope)) for scope in scopes)


def _matches(pattern: tuple[str, ...], levels: tuple[str, ...]) -> bool:
    if pattern[-1] == "#":
        pattern = pattern[:-1]
        levels = levels[: len(pattern)]
    return len(pattern) == len(levels) and all(
        wanted in ("+", level) for wanted, level in zip(pattern, levels, strict=True)
    )
