"""What an entry of the log says: when, what kind of act, under which rules; of whom only commitments. Pure.

An entry never names a person or a thing. It holds *commitments*: SHA-256 of a random salt and the value.
With salt and value (an *opening*, kept beside the log and not in it) anyone can check that the entry means
them; without the salt, trying all values in the world finds nothing, because 32 random bytes would have to
be tried as well. Erasing an opening therefore erases what the entry says, while the log still verifies.

An act may concern several things. Each has a commitment of its own with a salt of its own, and the entry
holds the root of the Merkle tree over them: so one of them can be opened, or erased, without the others.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Literal, Protocol

import orjson

from hansa.trust.log.hashing import (
    inclusion_proof,
    node_hash,
    root,
    verify_inclusion,
)
from hansa.trust.log.notes import decoded, encoded

__all__ = ["KINDS", "Entry", "Event", "Opening", "Openings", "Side", "commit", "sealed"]

KINDS: Final = {
    "account": "An account was made, changed or closed",
    "agreement": "An agreement was made, changed or ended",
    "algorithm": "The record of an algorithm was changed",
    "consent": "A consent was given or withdrawn",
    "erasure": "Data about somebody were erased",
    "grant": "Access was granted",
    "log": "The log itself was begun or taken up again",
    "login": "Somebody logged in, or out",
    "policy": "A policy was changed",
    "read": "Restricted data were read",
    "refusal": "Access was refused",
    "source": "The record of a source was changed",
}
"""The kinds of acts that are logged, and what each means."""

Side = Literal["who", "what"]

_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#~+-]{0,199}")
_MOST_RULES: Final = 50
_MOST_THINGS: Final = 1 << 20
_SALT: Final = 32
_LABEL: Final = b"hansa log commitment v1\x00"


@dataclass(frozen=True, slots=True)
class Event:
    """An act to be logged.

    Attributes:
        kind: one of :data:`KINDS`.
        who: the principal, by the name that is its own in this node.
        what: the things that it concerns: identifiers of entities, policies, sources.
        rules: identifiers of the rules that decided. They are public: nothing personal.
        reason: a code for why, public as well.
        at: when it was, if that was before it is logged.
    """

    kind: str
    who: str
    what: Sequence[str] = ()
    rules: Sequence[str] = ()
    reason: str = "none"
    at: datetime | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"'{self.kind}' is not a kind of act that the log knows")
        for code in (self.reason, *self.rules):
            if not _CODE.fullmatch(code):
                raise ValueError(f"'{code[:50]}' may not stand in the log: codes alone are public")
        if len(self.rules) > _MOST_RULES or len(self.what) > _MOST_THINGS:
            raise ValueError("the act has too many rules or things for one entry")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it stands in the log."""

    time: str
    kind: str
    who: bytes
    what: bytes
    things: int
    rules: tuple[str, ...]
    reason: str

    def to_bytes(self) -> bytes:
        """The bytes that the log keeps and hashes; always the same for the same entry."""
        document = {
            "kind": self.kind,
            "reason": self.reason,
            "rules": list(self.rules),
            "things": self.things,
            "time": self.time,
            "what": encoded(self.what),
            "who": encoded(self.who),
        }
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)

    @classmethod
    def parse(cls, content: bytes) -> Entry:
        """An entry from its bytes.

        Raises:
            ValueError: it is none.
        """
        try:
            raw: dict[str, Any] = orjson.loads(content)
            return cls(
                str(raw["time"]),
                str(raw["kind"]),
                decoded(raw["who"], "who"),
                decoded(raw["what"], "what"),
                int(raw["things"]),
                tuple(map(str, raw["rules"])),
                str(raw["reason"]),
            )
        except (TypeError, KeyError, AttributeError) as fault:
            raise ValueError(f"it is no entry of a gate's log ({fault!r})") from fault


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens one commitment of one entry.

    Attributes:
        index: the entry's place in the log.
        side: whether it is the principal or a thing.
        value, salt: what was committed to, and the random bytes.
        place, path: where the thing stands among the entry's things, and its audit path.
    """

    index: int
    side: Side
    value: str
    salt: bytes
    place: int = 0
    path: tuple[bytes, ...] = ()

    def opens(self, entry: Entry) -> bool:
        """Whether the entry's commitment is to this value."""
        made = commit(self.salt, self.value)
        if self.side == "who":
            return made == entry.who
        return verify_inclusion(self.place, entry.things, made, self.path, entry.what)


class Openings(Protocol):
    """Where openings are kept: beside the log, found by whom or what they are about, and erasable."""

    def keep(self, openings: Sequence[Opening]) -> None:
        """Keep them; they are durable on return. One of the same index and value is replaced."""

    def about(self, side: Side, value: str) -> list[Opening]:
        """Those about one principal or thing, in the log's order."""

    def erase(self, side: Side, value: str) -> int:
        """Erase those about one principal or thing, for good; how many there were."""


def commit(salt: bytes, value: str) -> bytes:
    """The commitment to a value."""
    return hashlib.sha256(_LABEL + salt + value.encode("utf-8", "surrogatepass")).digest()


@lru_cache(maxsize=1)
def _second(now: datetime) -> str:
    """The time of an entry; acts that are written together share it."""
    return f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _levels(leaves: list[bytes]) -> list[list[bytes]]:
    """The hashes of all perfect subtrees over some leaves, by height."""
    levels = [leaves]
    while len(below := levels[-1]) > 1:
        pairs = zip(below[::2], below[1::2], strict=False)
        levels.append([node_hash(left, right) for left, right in pairs])
    return levels


def sealed(
    event: Event,
    index: int,
    now: datetime,
    chance: Callable[[int], bytes] = secrets.token_bytes,
) -> tuple[Entry, list[Opening]]:
    """The entry for an act, and what opens it.

    Args:
        event: the act.
        index: the place that the entry will have in the log.
        now: the time, of which the second is kept.
        chance: gives random bytes.
    """
    salt = chance(_SALT)
    openings = [Opening(index, "who", event.who, salt)]
    salts = [chance(_SALT) for _ in event.what]
    leaves = [commit(each, value) for each, value in zip(salts, event.what, strict=True)]
    levels = _levels(leaves)

    def node(height: int, place: int) -> bytes:
        return levels[height][place]

    for place, value in enumerate(event.what):
        path = tuple(inclusion_proof(place, len(leaves), node)) if len(leaves) > 1 else ()
        openings.append(Opening(index, "what", value, salts[place], place, path))
    entry = Entry(
        _second(event.at or now),
        event.kind,
        commit(salt, event.who),
        leaves[0] if len(leaves) == 1 else root(len(leaves), node),
        len(leaves),
        tuple(event.rules),
        event.reason,
    )
    return entry, openings
