"""The attribute projection language (ETSI GS CIM 009, clause 4.21): ``pick`` and ``omit``.

``name,locatedAt{name|population}`` names members of an entity and, in braces, members of the entities
that a Relationship points to. A comma and a pipe both separate. A member without braces says nothing
of linked entities: they are shown whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from hansa.kernel.errors import BadRequest
from hansa.ngsild.model import ENTITY_MEMBERS
from hansa.ngsild.reader import Reader
from hansa.ngsild.values import check_name

__all__ = ["Projection", "expand_projection", "parse_projection", "print_projection"]

_NAME: Final = re.compile(r"[^\s{},|]+")


@dataclass(frozen=True, slots=True)
class Projection:
    """Members by name, each with what is projected of the entities it links to (None: not said)."""

    members: Mapping[str, Projection | None]

    @property
    def depth(self) -> int:
        """How many relationships the deepest member goes along."""
        return max((1 + inner.depth for inner in self.members.values() if inner), default=0)

    @property
    def plain(self) -> frozenset[str]:
        """The members that stand without braces."""
        return frozenset(name for name, inner in self.members.items() if inner is None)

    def of(self, name: str) -> Projection | None:
        """What is projected of the entities that `name` links to."""
        return self.members.get(name)

    def clashes_with(self, omitted: Projection) -> str | None:
        """A member that this picks although `omitted` leaves it out."""
        for name, inner in self.members.items():
            if name not in omitted.members:
                continue
            other = omitted.members[name]
            if other is None:
                return name
            if inner is not None and (found := inner.clashes_with(other)) is not None:
                return found
        return None


def parse_projection(texts: str | Iterable[str], language: str) -> Projection:
    """The tree of a projection; names stay as written.

    Args:
        texts: one text (from a URL) or several (from a body), which add up.
        language: what errors call it: ``pick`` or ``omit``.

    Raises:
        BadRequest: the text breaks the grammar or a limit; says where, and what was expected.
    """
    members: dict[str, Projection | None] = {}
    for text in [texts] if isinstance(texts, str) else texts:
        reader = Reader(text, language)
        _read_members(reader, members)
        if not reader.done:
            raise reader.error("',', '|' or the end")
    return Projection(members)


def _read_members(reader: Reader, members: dict[str, Projection | None]) -> None:
    while True:
        reader.count()
        start = reader.pos
        name = reader.take(_NAME)
        if not name:
            raise reader.error("the name of a member")
        if name not in ENTITY_MEMBERS:
            check_name(name)
        reader.skip()
        inner = _read_inner(reader)
        if name in members:
            raise BadRequest(
                f"{reader.language}, character {start + 1}",
                f"the member '{name}' is named twice",
                "name it once",
            )
        members[name] = inner
        if not (reader.accept(",") or reader.accept("|")):
            return


def _read_inner(reader: Reader) -> Projection | None:
    if not reader.next_is("{"):
        return None
    reader.enter()
    reader.expect("{")
    inner: dict[str, Projection | None] = {}
    _read_members(reader, inner)
    reader.expect("}", "',', '|' or '}'")
    reader.leave()
    return Projection(inner)


def print_projection(tree: Projection) -> str:
    """The text of `tree`, which :func:`parse_projection` reads to the same tree."""
    return ",".join(
        name if inner is None else f"{name}{{{print_projection(inner)}}}"
        for name, inner in tree.members.items()
    )


def expand_projection(tree: Projection, expand: Callable[[str], str]) -> Projection:
    """`tree` with its names as IRIs; members of an entity that are no attributes keep their names."""
    return Projection(
        {
            name if name in ENTITY_MEMBERS else expand(name): inner
            and expand_projection(inner, expand)
            for name, inner in tree.members.items()
        }
    )
