"""The entity type selection language (ETSI GS CIM 009, clause 4.17).

``(Home;Vehicle)|Motorhome`` selects entities that are both a Home and a Vehicle, or a Motorhome. A
comma is another way to write *or*. The clause wants parentheses around every *and*; a bare one is
read too, and binds tighter than *or*, as in q. Types are names, ``prefix:name`` or full IRIs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from hansa.ngsild.query import TypeFilter, TypeName
from hansa.ngsild.reader import Reader, map_terms, print_terms, read_terms

__all__ = ["expand_types", "parse_types", "print_types"]

_TYPE: Final = re.compile(r"[^\W\d_][\w\-]*(?::[^\s;|,()\"<>{}]+)?")


def parse_types(text: object) -> TypeFilter:
    """The tree of a type selection; names stay as written.

    Raises:
        BadRequest: the text breaks the grammar or a limit; says where, and what was expected.
    """
    return read_terms(Reader(text, "type selection"), _read_type, "|,")


def _read_type(reader: Reader) -> TypeName:
    name = reader.take(_TYPE)
    if not name:
        raise reader.error("the name of an entity type")
    return TypeName(name)


def print_types(tree: TypeFilter) -> str:
    """The text of `tree`, which :func:`parse_types` reads to the same tree."""
    return print_terms(tree, _name, group_and=True)


def _name(term: TypeName) -> str:
    return term.name


def expand_types(tree: TypeFilter, expand: Callable[[str], str]) -> TypeFilter:
    """`tree` with its names as IRIs."""

    def change(term: TypeName) -> TypeName:
        return TypeName(expand(term.name))

    return map_terms(tree, change)
