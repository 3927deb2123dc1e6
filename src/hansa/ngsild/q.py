"""The query language q (ETSI GS CIM 009, clause 4.9), parsed once to a tree.

``speed>50;brandName!="Mercedes"`` is read from left to right by recursive descent: an attribute path
(see :mod:`.path`), then an operator, then a value, a list of values or a range. A bare value is tried
as a number, a DateTime, Date or Time, ``true`` or ``false``, a URI, and last as a single word (the
clause's example ``gender==Male``), which is a text like a quoted one.

Regular expressions follow RE2, whose time is linear in the text. They may stand bare, up to the next
``;``, ``|`` or closing parenthesis that is not theirs, or in quotes; inside quotes a backslash is the
expression's own, and only ``\\"`` stands for a quotation mark.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time
from functools import lru_cache
from typing import Final, get_args

import re2

from hansa.kernel.ids import is_uri
from hansa.ngsild.path import expand_path, print_path, read_path, read_quoted
from hansa.ngsild.query import AttributePath, Compare, Exists, Filter, Operator, Range, Scalar, Uri
from hansa.ngsild.reader import Reader, map_terms, print_terms, read_terms
from hansa.ngsild.temporal import print_datetime, print_time, read_moment

__all__ = ["check_pattern", "expand_q", "parse_q", "print_q"]

_OPERATORS: Final[tuple[Operator, ...]] = tuple(sorted(get_args(Operator), key=len, reverse=True))
_EQUALITY: Final = ("==", "!=")
_PATTERNS: Final = ("~=", "!~=")
_TEMPORAL: Final = ("observedAt", "createdAt", "modifiedAt", "deletedAt", "expiresAt")

_END: Final = r"(?=\.\.|[ ;|,)]|\Z)"
_NUMBER: Final = re.compile(rf"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?{_END}")
_TIME: Final = r"\d\d:\d\d:\d\d(?:[.,]\d+)?Z"
_MOMENT: Final = re.compile(rf"(?:\d{{4}}-\d\d-\d\d(?:T{_TIME})?|{_TIME}){_END}", re.ASCII)
_BARE_URI: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s;|,\"()]*(?:\([^\s;|,\"()]*\)[^\s;|,\"()]*)*"
)
_WORD: Final = re.compile(rf"[^\W\d_][\w\-]*{_END}")
_LARGEST_INTEGER: Final = 2**63 - 1
_SHORT: Final = 200


def parse_q(text: object, language: str = "q") -> Filter:
    """The tree of a query; names stay as written.

    Args:
        text: for example ``'temperature>=20;temperature<=25'``, already percent-decoded.
        language: what errors call it: ``q``, or ``csf`` for the same language elsewhere.

    Raises:
        BadRequest: the text breaks the grammar or a limit; says where, and what was expected.
    """
    if isinstance(text, str) and len(text) <= _SHORT:  # the same few are asked again and again
        return _read_short(text, language)
    return read_terms(Reader(text, language), _read_term, "|")


@lru_cache(maxsize=1_000)
def _read_short(text: str, language: str) -> Filter:
    return read_terms(Reader(text, language), _read_term, "|")


def print_q(tree: Filter) -> str:
    """The text of `tree`, which :func:`parse_q` reads to the same tree."""
    return print_terms(tree, _print_term)


def expand_q(
    tree: Filter,
    expand: Callable[[str], str],
    *,
    expand_values: frozenset[str] = frozenset(),
    json_keys: frozenset[str] = frozenset(),
) -> Filter:
    """`tree` with names as IRIs.

    Args:
        expand: a term to its IRI.
        expand_values: names of attributes whose values in the query are terms, to be expanded too.
        json_keys: names of attributes whose values are never expanded.

    A text compared with a core DateTime member (``observedAt``, ``createdAt`` ...) becomes a DateTime,
    and values of ``type`` become IRIs.
    """
    expanding = {expand(name) for name in expand_values - json_keys}

    def change(term: Compare | Exists) -> Compare | Exists:
        path = expand_path(term.path, expand)
        if isinstance(term, Exists) or term.operator in _PATTERNS:
            return replace(term, path=path)
        target = _target(path)
        if target in _TEMPORAL:
            return replace(term, path=path, values=tuple(map(_as_moment, term.values)))
        if target in expanding or path.names == ("type",):
            values = tuple(_as_iri(value, expand) for value in term.values)
            return replace(term, path=path, values=values)
        return replace(term, path=path)

    return map_terms(tree, change)


def check_pattern(pattern: str) -> str | None:
    """What is wrong with a regular expression in RE2 syntax; ``None`` when it is sound."""
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as fault:
        detail = fault.args[0] if fault.args else ""
        words = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
        return words.partition(":")[0]
    return None


# -- reading ---------------------------------------------------------------------------------------


def _read_term(reader: Reader) -> Compare | Exists:
    path = read_path(reader)
    if reader.done or reader.next_is(";", "|", ")"):
        return Exists(path)
    operator = _read_operator(reader)
    if operator in _PATTERNS:
        return Compare(path, operator, (_read_pattern(reader),))
    first = _read_scalar(reader, operator)
    if operator not in _EQUALITY:
        return Compare(path, operator, (first,))
    if reader.accept(".."):
        return Compare(path, operator, (_read_range(reader, first),))
    values = [first]
    while reader.accept(","):
        reader.count()
        values.append(_read_scalar(reader, operator))
    return Compare(path, operator, tuple(values))


def _read_operator(reader: Reader) -> Operator:
    for operator in _OPERATORS:
        if reader.accept(operator):
            return operator
    raise reader.error("an operator (== != >= > <= < ~= !~=), ';' or '|'")


def _read_range(reader: Reader, low: Scalar) -> Range:
    start = reader.pos
    high = _read_scalar(reader, ">")
    if _kind(low) is not _kind(high) or isinstance(low, bool | Uri):
        raise reader.error("two numbers, texts, DateTimes, Dates or Times around '..'", start)
    return Range(low, high)


def _kind(value: Scalar) -> type:
    return float if type(value) is int else type(value)


def _read_scalar(reader: Reader, operator: Operator) -> Scalar:
    if reader.next_is('"'):
        return read_quoted(reader)
    start = reader.pos
    value = _read_bare(reader)
    if isinstance(value, bool | Uri | _Word) and operator not in _EQUALITY:
        raise reader.error(f"a number, a quoted text or a moment after {operator}", start)
    reader.skip()
    return str(value) if isinstance(value, _Word) else value


class _Word(str):
    """A text without quotes."""

    __slots__ = ()


def _read_bare(reader: Reader) -> Scalar:
    start = reader.pos
    if number := reader.take(_NUMBER):
        return _number(reader, number, start)
    if moment := reader.take(_MOMENT):
        return _moment(reader, moment, start)
    if uri := reader.take(_BARE_URI):
        if not is_uri(uri):
            raise reader.error("a URI without characters that URIs must escape", start)
        return Uri(uri)
    word = reader.take(_WORD)
    if word in ("true", "false"):
        return word == "true"
    if word:
        return _Word(word)
    raise reader.error(
        "a number, a quoted text, true, false, a URI or a moment such as 2017-12-24T12:00:00Z"
    )


def _number(reader: Reader, text: str, start: int) -> int | float:
    if text.lstrip("-").isdigit() and len(text) < 21 and abs(int(text)) <= _LARGEST_INTEGER:
        return int(text)
    number = float(text)
    if math.isinf(number):
        raise reader.error("a number that fits 64 bits", start)
    return number


def _moment(reader: Reader, text: str, start: int) -> datetime | date | time:
    try:
        moment = read_moment(text)
    except ValueError:
        moment = None
    if moment is None:
        raise reader.error("a moment that exists", start)
    return moment


def _read_pattern(reader: Reader) -> str:
    start = reader.pos
    pattern = _quoted_pattern(reader) if reader.next_is('"') else _bare_pattern(reader)
    if not pattern:
        raise reader.error("a regular expression", start)
    fault = check_pattern(pattern)
    if fault is not None:
        raise reader.error(f"a regular expression in RE2 syntax ({fault})", start)
    reader.skip()
    return pattern


def _quoted_pattern(reader: Reader) -> str:
    start = reader.pos
    found = reader.take(re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL))
    if not found:
        raise reader.error("a closing '\"'", start)
    return _unquoted(found[1:-1])


def _bare_pattern(reader: Reader) -> str:
    start, open_groups, text = reader.pos, 0, reader.text
    while reader.pos < len(text):
        char = text[reader.pos]
        if char == "\\":
            reader.pos += 1
        elif open_groups == 0 and char in ";|)":
            break
        open_groups += (char == "(") - (char == ")")
        reader.pos += 1
    reader.pos = min(reader.pos, len(text))
    return _unquoted(text[start : reader.pos].rstrip(" "))


def _unquoted(pattern: str) -> str:
    r"""`pattern` with ``\"`` as a plain quotation mark (both mean the same to RE2)."""
    return re.sub(r"\\(.)", lambda m: '"' if m[1] == '"' else m[0], pattern, flags=re.DOTALL)


# -- printing and expanding ------------------------------------------------------------------------


def _print_term(term: Compare | Exists) -> str:
    path = print_path(term.path)
    if isinstance(term, Exists):
        return path
    if term.operator in _PATTERNS:
        pattern = str(term.values[0]).replace('"', '\\"')
        return f'{path}{term.operator}"{pattern}"'
    return path + term.operator + ",".join(map(_print_value, term.values))


def _print_value(value: Scalar | Range) -> str:
    match value:
        case Range():
            return f"{_print_value(value.low)}..{_print_value(value.high)}"
        case Uri():
            bare = _BARE_URI.fullmatch(value.value)
            return value.value if bare else json.dumps(value.value, ensure_ascii=False)
        case datetime():
            return print_datetime(value)
        case time():
            return print_time(value)
        case date():
            return value.isoformat()
        case _:
            return json.dumps(value, ensure_ascii=False)


def _target(path: AttributePath) -> str | None:
    """The last name of what `path` looks at; ``None`` when it looks inside a value."""
    while path.linked is not None:
        path = path.linked
    return None if path.trail else path.names[-1]


def _as_moment(value: Scalar | Range) -> Scalar | Range:
    if isinstance(value, Range):
        low, high = _as_moment(value.low), _as_moment(value.high)
        return value if isinstance(low, Range) or isinstance(high, Range) else Range(low, high)
    if not isinstance(value, str):
        return value
    try:
        moment = read_moment(value)
    except ValueError:
        return value
    return moment if isinstance(moment, datetime) else value


def _as_iri(value: Scalar | Range, expand: Callable[[str], str]) -> Scalar | Range:
    if isinstance(value, Uri):
        return Uri(expand(value.value))
    return Uri(expand(value)) if isinstance(value, str) else value
