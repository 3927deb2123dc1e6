"""What the query languages of NGSI-LD have in common: a reader with a place, and logical terms.

q (clause 4.9), type selection (4.17) and scope queries (4.19) all join terms with ``;`` (and) and
``|`` (or; the last two also ``,``), and group them with parentheses. *And* binds tighter than *or*.
Each language brings only the reading and printing of its own terms.

An error states the character where reading stopped, counted from 1, and what was expected there.
Length, nesting and the number of terms are limited, so that no text can exhaust a reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

from hansa.kernel.errors import BadRequest
from hansa.ngsild.query import And, Or

__all__ = [
    "MAX_DEPTH",
    "MAX_LENGTH",
    "MAX_TERMS",
    "Reader",
    "map_terms",
    "print_terms",
    "read_terms",
]

MAX_LENGTH: Final = 65_536
MAX_TERMS: Final = 500
MAX_DEPTH: Final = 30

T = TypeVar("T")
U = TypeVar("U")

_SPACES: Final = re.compile(r" *")


class Reader:
    """A text, and how far it has been read. Spaces between signs have no meaning.

    Raises:
        BadRequest: the text is empty, too long, or holds half a character (a lone surrogate).
    """

    __slots__ = ("depth", "language", "pos", "terms", "text")

    def __init__(self, text: object, language: str) -> None:
        if not isinstance(text, str) or not text.strip(" "):
            raise BadRequest(
                language, "is empty or not a text", "leave it out or write a condition"
            )
        if len(text) > MAX_LENGTH:
            raise BadRequest(language, f"is longer than {MAX_LENGTH} characters", "shorten it")
        if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
            raise BadRequest(language, "is not valid Unicode text", "encode it as UTF-8")
        self.language = language
        self.text = text
        self.pos = 0
        self.depth = 0
        self.terms = 0
        self.skip()

    def error(self, expected: str, at: int | None = None) -> BadRequest:
        """The refusal of what stands at `at` (or where the reader is)."""
        at = self.pos if at is None else at
        found = f"{self.text[at : at + 20]!r}" if at < len(self.text) else "the end"
        return BadRequest(
            f"{self.language}, character {at + 1}",
            f"expected {expected}, found {found}",
            f"what stands before that character is understood; there, write {expected}",
        )

    def skip(self) -> None:
        """Go past spaces."""
        if self.text.startswith(" ", self.pos):
            self.pos += len(_SPACES.match(self.text, self.pos)[0])  # type: ignore[index]

    def next_is(self, *signs: str) -> bool:
        """Whether one of `signs` comes next."""
        return self.text.startswith(signs, self.pos)

    def accept(self, sign: str) -> bool:
        """Go past `sign` and the spaces after it, if it comes next."""
        if not self.text.startswith(sign, self.pos):
            return False
        self.pos += len(sign)
        self.skip()
        return True

    def expect(self, sign: str, expected: str = "") -> None:
        """Go past `sign`; refuse anything else."""
        if not self.accept(sign):
            raise self.error(expected or f"'{sign}'")

    def take(self, shape: re.Pattern[str]) -> str:
        """Go past what matches `shape` here, and return it; empty when nothing does."""
        found = shape.match(self.text, self.pos)
        if found is None:
            return ""
        self.pos = found.end()
        return found[0]

    def enter(self) -> None:
        """Go one level deeper; refuse when it is too deep."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"at most {MAX_DEPTH} levels of nesting")

    def leave(self) -> None:
        """Come back up one level."""
        self.depth -= 1

    def count(self) -> None:
        """Note one more term; refuse when there are too many."""
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise self.error(f"at most {MAX_TERMS} conditions")

    @property
    def done(self) -> bool:
        """Whether the whole text has been read."""
        return self.pos >= len(self.text)


def read_terms(reader: Reader, read: Callable[[Reader], T], or_signs: str) -> T | And[T] | Or[T]:
    """Read the whole text as terms joined by ``;`` and any of `or_signs`."""
    tree = _read_or(reader, read, or_signs)
    if not reader.done:
        raise reader.error(f"';' or '{or_signs[0]}' or the end")
    return tree


def _read_or(reader: Reader, read: Callable[[Reader], T], or_signs: str) -> T | And[T] | Or[T]:
    parts = [_read_and(reader, read, or_signs)]
    while any(reader.accept(sign) for sign in or_signs):
        parts.append(_read_and(reader, read, or_signs))
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _read_and(reader: Reader, read: Callable[[Reader], T], or_signs: str) -> T | And[T] | Or[T]:
    parts = [_read_one(reader, read, or_signs)]
    while reader.accept(";"):
        parts.append(_read_one(reader, read, or_signs))
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _read_one(reader: Reader, read: Callable[[Reader], T], or_signs: str) -> T | And[T] | Or[T]:
    if not reader.accept("("):
        reader.count()
        term = read(reader)
        reader.skip()
        return term
    reader.enter()
    tree = _read_or(reader, read, or_signs)
    reader.expect(")", f"';', '{or_signs[0]}' or ')'")
    reader.leave()
    return tree


def print_terms(tree: Any, show: Callable[[T], str], *, group_and: bool = False) -> str:
    """The text of `tree`, which :func:`read_terms` reads to the same tree.

    `group_and` puts every *and* in parentheses, as type selection and scope queries want it.
    """
    text = _print(tree, show, (Or, And) if group_and else (Or,))
    return f"({text})" if group_and and isinstance(tree, And) else text


def _print(tree: Any, show: Callable[[T], str], in_or: tuple[type, ...]) -> str:
    """`in_or` says which kinds of part stand in parentheses within an *or*."""
    if not isinstance(tree, And | Or):
        return show(tree)
    grouped = (And, Or) if isinstance(tree, And) else in_or
    texts = (
        f"({_print(part, show, in_or)})" if isinstance(part, grouped) else _print(part, show, in_or)
        for part in tree.parts
    )
    return (";" if isinstance(tree, And) else "|").join(texts)


def map_terms(tree: Any, change: Callable[[T], U]) -> U | And[U] | Or[U]:
    """The same tree with every term changed."""
    if isinstance(tree, And):
        return And(tuple(map_terms(part, change) for part in tree.parts))
    if isinstance(tree, Or):
        return Or(tuple(map_terms(part, change) for part in tree.parts))
    return change(tree)
