"""A place in a policy that is being read: it says where a fault is, and what stands there must be. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from hansa.kernel.errors import BadRequest, HansaError

__all__ = ["LONGEST", "MOST", "Place"]

T = TypeVar("T")

LONGEST: Final = 500
"""Characters of a text."""

MOST: Final = 100
"""Names in a list."""

_NAME: Final = re.compile(r"[A-Za-z0-9@][A-Za-z0-9:/._#~+%@-]{0,499}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the policy; for example ``permission[0].constraint[2]``."""

    path: str = ""

    def at(self, part: str | int) -> Place:
        """The place of a member, or of an item."""
        if isinstance(part, int):
            return Place(f"{self.path}[{part}]")
        return Place(f"{self.path}.{part}" if self.path else part)

    def fault(self, fact: str, remedy: str) -> BadRequest:
        """The refusal of what stands here."""
        return BadRequest(f"the policy, {self.path}" if self.path else "the policy", fact, remedy)

    def asked(self, read: Callable[[], T]) -> T:
        """What `read` makes of what stands here; its refusal becomes one of this place."""
        try:
            return read()
        except HansaError as error:
            raise self.fault(error.fact, error.remedy) from error
        except (ValueError, OverflowError) as error:
            raise self.fault(f"cannot be read ({str(error)[:100]})", "look at it again") from error

    def members(self, value: object, known: Mapping[str, bool]) -> dict[str, Any]:
        """The members of an object; `known` says which may be there, and whether they must.

        Raises:
            BadRequest: it is no object, one is unknown or missing.
        """
        if not isinstance(value, Mapping):
            raise self.fault("is no object", f"give one with {', '.join(known)}")
        for name in value:
            if name not in known:
                raise self.fault(
                    f"has the unknown member {str(name)[:50]!r}",
                    f"leave it out; known are {', '.join(known)}",
                )
        for name, needed in known.items():
            if needed and name not in value:
                raise self.fault(f"lacks the member '{name}'", "add it")
        return dict(value)

    def items(self, value: object, most: int, *, least: int = 0) -> list[Any]:
        """The items of a list."""
        if not isinstance(value, list):
            raise self.fault("is no list", "put it in square brackets")
        if not least <= len(value) <= most:
            raise self.fault(f"has {len(value):,} items", f"give {least} to {most:,}")
        return value

    def text(self, value: object, longest: int = LONGEST) -> str:
        """A text that can be shown: not empty, on one line, without signs that nobody sees."""
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise self.fault("is no text on one line", "write one")
        if len(value) > longest:
            raise self.fault(f"is longer than {longest} characters", "shorten it")
        return value

    def name(self, value: object) -> str:
        """A name or an IRI."""
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            raise self.fault(
                "is no name",
                "use letters, digits and -._:/#~+%@, beginning with a letter or a digit",
            )
        return value

    def names(self, value: object) -> tuple[str, ...]:
        """A list of names, each once."""
        items = self.items(value, MOST, least=1)
        return tuple(dict.fromkeys(self.at(i).name(item) for i, item in enumerate(items)))

    def whole_number(self, value: object, low: int, high: int) -> int:
        """A whole number within bounds."""
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.fault(
                f"is no whole number from {low:,} to {high:,}", "write one, without quotes"
            )
        return value

    def one_of(self, value: object, known: tuple[str, ...]) -> str:
        """One of some words."""
        if not isinstance(value, str) or value not in known:
            raise self.fault(f"{str(value)[:50]!r} is not known", f"use {', '.join(known)}")
        return value
