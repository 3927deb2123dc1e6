"""Topic patterns: ``parks/{park}/trees/{tree}/#`` to what is subscribed to, and to names and values.

``{name}`` stands for one level or a part of one and can be used in the mapping; ``+`` is one level without
a name, ``#`` at the end everything below. As MQTT says (4.7.2), no wildcard stands for a first level
that begins with ``$``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from hansa.kernel.errors import BadRequest

__all__ = ["Pattern"]

_NAME: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LONGEST: Final = 65_535


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, and what it is at the broker.

    Attributes:
        filter: the topic filter to subscribe to.
        names: the named wildcards, in order.
    """

    text: str
    filter: str
    names: tuple[str, ...]
    expression: re.Pattern[str]

    @classmethod
    def parse(cls, text: object, where: str) -> Pattern:
        """The pattern that `text` is.

        Raises:
            BadRequest: it is none; `where` says where it stands.
        """
        example = "for example: parks/{park}/trees/{tree}"
        if not isinstance(text, str) or not text or "\0" in text or len(text.encode()) > _LONGEST:
            raise BadRequest(where, "is not a topic", example)
        levels = text.split("/")
        names = _NAME.findall(text)
        if len(set(names)) != len(names):
            raise BadRequest(where, "names a wildcard twice", example)
        if "#" in text and ("#" in "".join(levels[:-1]) or levels[-1] != "#"):
            raise BadRequest(where, "has '#' elsewhere than alone at its end", example)
        if any(("+" in level and level != "+") for level in levels):
            raise BadRequest(where, "has '+' beside something else in a level", example)
        if re.search(r"[{}]", _NAME.sub("", text)):
            raise BadRequest(where, "has a brace that belongs to no {name}", example)
        wild = ["+" if _NAME.search(level) else level for level in levels]
        return cls(text, "/".join(wild), tuple(names), _expression(levels))

    def match(self, topic: str) -> dict[str, str] | None:
        """The values of the named wildcards, or ``None`` if `topic` is another."""
        found = self.expression.fullmatch(topic)
        return None if found is None else found.groupdict()


def _expression(levels: list[str]) -> re.Pattern[str]:
    parts = []
    for number, level in enumerate(levels):
        before = "/" if number else ""
        if level == "#":
            parts.append("(?:/.*)?" if number else r"(?!\$).*")
            continue
        pieces = _NAME.split(level)
        inner = "".join(
            f"(?P<{piece}>[^/]+?)" if place % 2 else re.escape(piece)
            for place, piece in enumerate(pieces)
        )
        inner = "[^/]*" if level == "+" else inner
        guard = r"(?!\$)" if number == 0 and (level == "+" or len(pieces) > 1) else ""
        parts.append(before + guard + inner)
    return re.compile("".join(parts), re.DOTALL)
