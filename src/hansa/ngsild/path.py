"""Attribute paths, as q and orderBy write them: ``speed``, ``a.b[c.d]``, ``sensor{Device:humidity}``.

The specification (clause 4.9) knows only plain names. Real clients also write hyphens, ``prefix:name``
and full IRIs, so these are read too. Dots separate names; in a full IRI the ones up to its last slash
or hash belong to the IRI. Inside braces the last colon ends the entity types, as the clause's grammar
has it. Members inside brackets are JSON member names; one with a dot or bracket stands in quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final

from hansa.ngsild.model import ENTITY_MEMBERS, INSTANCE_MEMBERS
from hansa.ngsild.query import AttributePath
from hansa.ngsild.reader import Reader

__all__ = ["check_text", "expand_path", "print_path", "read_path", "read_quoted"]

_DOTTED: Final = re.compile(r"[^\s\[\]{}()<>=!~;|,\"]+")
_NEXT_IRI: Final = re.compile(r"\.(?=[A-Za-z][A-Za-z0-9+\-]*://)")
_NAME: Final = re.compile(r"[^\W\d_][\w\-]*(?::[^\s\[\]{}()<>=!~;|,\"]*[^\s\[\]{}()<>=!~;|,\".])?")
_TYPES: Final = re.compile(r"([^\s\[\]{}()<>=!~;|\"]+):(?!//)(?=[^\W\d_])")
_MEMBER: Final = re.compile(r"[^.\[\]\"]+")


def read_path(reader: Reader) -> AttributePath:
    """Read an attribute path where `reader` stands.

    Raises:
        BadRequest: there is none, or it breaks off.
    """
    start = reader.pos
    names = _names(reader.take(_DOTTED))
    for name in names:
        if not _NAME.fullmatch(name):
            raise reader.error("the name of an attribute", start)
    reader.skip()
    if reader.next_is("[") and not reader.next_is("[]"):
        return AttributePath(names, _read_trail(reader))
    if not reader.next_is("{"):
        return AttributePath(names)
    if len(names) > 1:
        raise reader.error("a single name before '{'", start)
    reader.enter()
    reader.expect("{")
    types = _read_types(reader)
    linked = read_path(reader)
    reader.expect("}")
    reader.leave()
    return AttributePath(names, (), linked, types)


def _names(dotted: str) -> tuple[str, ...]:
    """The names in a dotted path whose names may be IRIs."""
    names: list[str] = []
    for chunk in _NEXT_IRI.split(dotted):
        body = max(chunk.rfind("/"), chunk.rfind("#")) + 1 if "://" in chunk else 0
        first, *others = chunk[body:].split(".")
        names += [chunk[:body] + first, *others]
    return tuple(names)


def _read_types(reader: Reader) -> tuple[str, ...]:
    start = reader.pos
    found = reader.take(_TYPES)
    if not found:
        return ()
    types = tuple(found[:-1].split(","))
    for name in types:
        if not _NAME.fullmatch(name):
            raise reader.error("entity types, then ':'", start)
    return types


def _read_trail(reader: Reader) -> tuple[str, ...]:
    reader.expect("[")
    members = [_read_member(reader)]
    while reader.accept("."):
        members.append(_read_member(reader))
    reader.expect("]", "'.' or ']'")
    return tuple(members)


def _read_member(reader: Reader) -> str:
    if reader.next_is('"'):
        return read_quoted(reader)
    member = reader.take(_MEMBER).rstrip(" ")
    if not member:
        raise reader.error("the name of a member of the value")
    return member


_STRINGS: Final = json.JSONDecoder(strict=False)


def read_quoted(reader: Reader) -> str:
    """Read a JSON string (RFC 8259, section 7) where `reader` stands."""
    start = reader.pos
    try:
        found = _STRINGS.raw_decode(reader.text, start)
    except json.JSONDecodeError as fault:
        expected = "a closing '\"'" if "Untermin" in fault.msg else "a JSON escape sequence"
        raise reader.error(expected, min(fault.pos, len(reader.text))) from None
    text, reader.pos = str(found[0]), found[1]
    check_text(reader, text, start)
    reader.skip()
    return text


def check_text(reader: Reader, text: str, start: int) -> None:
    """Refuse half characters, which an escape sequence can smuggle in."""
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise reader.error("whole Unicode characters", start)


def print_path(path: AttributePath) -> str:
    """The text of `path`, which :func:`read_path` reads to the same path."""
    text = ".".join(path.names)
    if path.trail:
        text += f"[{'.'.join(map(_print_member, path.trail))}]"
    if path.linked is not None:
        types = f"{','.join(path.linked_types)}:" if path.linked_types else ""
        text += f"{{{types}{print_path(path.linked)}}}"
    return text


def _print_member(member: str) -> str:
    plain = _MEMBER.fullmatch(member) and member == member.strip(" ")
    return member if plain else json.dumps(member, ensure_ascii=False)


def expand_path(path: AttributePath, expand: Callable[[str], str]) -> AttributePath:
    """`path` with its names as IRIs; core members keep their names, members of values too."""
    first, *others = path.names
    names = (
        first if first in ENTITY_MEMBERS else expand(first),
        *(name if name in INSTANCE_MEMBERS else expand(name) for name in others),
    )
    return AttributePath(
        names,
        path.trail,
        None if path.linked is None else expand_path(path.linked, expand),
        tuple(map(expand, path.linked_types)),
    )
