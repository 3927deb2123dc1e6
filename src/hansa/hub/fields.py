"""Reading the members of a JSON object one by one, each checked and named in what is refused.

Subscriptions, registrations and their parts are such objects. A member that is misspelt is refused by
name, so that it never silently means nothing.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from typing import Any, Final

from hansa.kernel.errors import BadRequest
from hansa.kernel.ids import is_uri

__all__ = ["Fields"]

_MOST_TEXTS: Final = 10_000
_MOST_OBJECTS: Final = 5_000
"""Longest lists: reading longer ones would keep others waiting."""
_LONGEST_TEXT: Final = 65_536


class Fields:
    """A JSON object whose members are read with a check of their type.

    Args:
        found: what stands in the place of the object.
        subject: what errors call it, for example ``"the subscription"``.

    Raises:
        BadRequest: it is no object.
    """

    __slots__ = ("members", "subject")

    def __init__(self, found: Any, subject: str) -> None:
        if not isinstance(found, dict):
            raise BadRequest(subject, "is not a JSON object", "write { … }")
        self.members: dict[str, Any] = found
        self.subject = subject

    def __contains__(self, name: str) -> bool:
        return name in self.members

    def wrong(self, name: str, fact: str, remedy: str = "") -> BadRequest:
        """An error about the member `name`."""
        return BadRequest(f"the member '{name}' of {self.subject}", fact, remedy)

    def only(self, known: Iterable[str]) -> None:
        """Refuse members that are not among `known`."""
        for name in self.members.keys() - set(known):
            near = difflib.get_close_matches(name, list(known), n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"use {', '.join(sorted(known))}"
            raise self.wrong(name[:60], "is not one that it can have", hint)

    def known(self, known: Iterable[str]) -> dict[str, Any]:
        """The members that are among `known`; others are left out, as JSON-LD may say more (5.5.4).

        One that looks like a known one misspelt is refused.
        """
        names = list(known)
        for name in self.members.keys() - set(names):
            near = difflib.get_close_matches(name, (n for n in names if n[0] != "@"), 1, 0.75)
            if near:
                raise self.wrong(name[:60], "is not known", f"did you mean '{near[0]}'?")
        return {name: value for name, value in self.members.items() if name in names}

    def need(self, name: str) -> None:
        """Refuse an object without the member `name`."""
        if name not in self.members:
            raise BadRequest(self.subject, f"has no member '{name}'", "add it")

    def text(self, name: str, most: int = _LONGEST_TEXT) -> str | None:
        """A member that is a text with something in it, of at most so many characters."""
        if name not in self.members:
            return None
        found = self.members[name]
        if not isinstance(found, str) or not found:
            raise self.wrong(name, "is not a text with something in it", 'write "…"')
        if len(found) > most:
            raise self.wrong(name, f"has {len(found):,} characters", f"write at most {most:,}")
        return found

    def one_of(self, name: str, allowed: tuple[str, ...]) -> str | None:
        """A member that is one of a few words."""
        found = self.text(name)
        if found is not None and found not in allowed:
            raise self.wrong(name, f"{found[:40]!r} is unknown", f"use {', '.join(allowed)}")
        return found

    def flag(self, name: str) -> bool | None:
        """A member that is true or false."""
        if name not in self.members:
            return None
        found = self.members[name]
        if not isinstance(found, bool):
            raise self.wrong(name, "is neither true nor false", "write true or false")
        return found

    def positive(self, name: str, most: float = 1e9) -> float | None:
        """A member that is a number greater than 0."""
        if name not in self.members:
            return None
        found = self.members[name]
        number = isinstance(found, int | float) and not isinstance(found, bool)
        if not number or not math.isfinite(found) or not 0 < found <= most:
            raise self.wrong(name, "is not a number greater than 0", f"at most {most:g}")
        return float(found)

    def whole(self, name: str, most: int) -> int | None:
        """A member that is a whole number from 1 to `most`."""
        if name not in self.members:
            return None
        found = self.members[name]
        if type(found) is not int or not 1 <= found <= most:
            raise self.wrong(name, f"is not a whole number from 1 to {most}")
        return found

    def texts(self, name: str) -> list[str] | None:
        """A member that is a list of texts with at least one in it."""
        if name not in self.members:
            return None
        found = self.members[name]
        if not isinstance(found, list) or not found:
            raise self.wrong(name, "is not a list with something in it", 'write ["…"]')
        self._limit(name, found, _MOST_TEXTS)
        for item in found:
            if not isinstance(item, str) or not item:
                raise self.wrong(name, "has an item that is not a text", 'write ["…"]')
        return found

    def uris(self, name: str, *besides: str) -> list[str] | None:
        """A member that is a list of URIs, or of the words `besides`."""
        found = self.texts(name)
        for item in found or ():
            if item not in besides and not is_uri(item):
                raise self.wrong(name, f"{item[:80]!r} is not a URI", "give absolute URIs")
        return found

    def fields(self, name: str) -> Fields | None:
        """A member that is itself an object."""
        return self.part(name) if name in self.members else None

    def part(self, name: str) -> Fields:
        """A member that is itself an object, and must be there."""
        self.need(name)
        return Fields(self.members[name], f"{self.subject}, member '{name}'")

    def _limit(self, name: str, found: list[Any], most: int) -> None:
        if len(found) > most:
            raise self.wrong(name, f"has {len(found):,} items", f"send at most {most:,}")

    def list_of_fields(self, name: str) -> list[Fields] | None:
        """A member that is a list of objects with at least one in it."""
        if name not in self.members:
            return None
        found = self.members[name]
        if not isinstance(found, list) or not found:
            raise self.wrong(name, "is not a list with something in it", "write [{ … }]")
        self._limit(name, found, _MOST_OBJECTS)
        return [
            Fields(item, f"{self.subject}, {name}[{number}]") for number, item in enumerate(found)
        ]
