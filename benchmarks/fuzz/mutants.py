"""Mutants: requests that the node took, with bytes of them changed.

A pool holds requests that were answered in a way that was not seen before; each mutant is one of them
with one to four parts altered (bytes, slices, values of JSON, parts of another request). What is answered
in a new way joins the pool, so that the search goes on from there.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from random import Random
from typing import Any, Final

from benchmarks.fuzz.requests import TEXTS, Request, Requests
from benchmarks.fuzz.throw import Answer

__all__ = ["Mutants", "mutate_bytes", "mutate_json"]

_POOL: Final = 800
_FRESH: Final = 0.15
_TAKEN: Final = 0.7
"""How often a mutant is one of a request that was granted."""
_DIGITS: Final = re.compile(rb"[a-zA-Z0-9:/._-]{20,}|\d+")
_TOKENS: Final = (
    *(text.encode("utf-8", "replace") for text in TEXTS),
    b"\xff\xfe", b"\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x1f", b"\x7f", b'"', b":", b"{}", b"[]",
    b"9" * 400, b"-", b"e", b".", b"\\u0000", b"\\ud800", b"//", b"null", b"true", b"1e999", b"@value", b"@list",
)  # fmt: skip


class Mutants:
    """An endless stream of mutants."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._source = Requests(random)
        self._taken: list[Request] = []
        self._pool: list[Request] = []
        self._seen: set[tuple[str, int, bytes]] = set()

    def one(self) -> Request:
        """The next request: seldom a fresh one, mostly a mutant of one that was of interest."""
        random = self._random
        if not self._pool or random.random() < _FRESH:
            return self._source.one()
        taken = self._taken and random.random() < _TAKEN
        found = random.choice(self._taken if taken else self._pool)
        for _ in range(random.choice((1, 1, 2, 4))):
            found = self._mutant(found)
        return found

    def learn(self, request: Request, answer: Answer) -> None:
        """Keep what was answered in a new way."""
        place = request.what, answer.status, _DIGITS.sub(b"", answer.start)[:160]
        if place in self._seen or len(request.body) > 20_000:
            return
        self._seen.add(place)
        for pool in (self._pool, *([self._taken] if answer.status < 300 else [])):
            if len(pool) < _POOL:
                pool.append(request)
            else:
                pool[self._random.randrange(_POOL)] = request

    def _mutant(self, old: Request) -> Request:
        random = self._random
        other = random.choice(self._pool)
        part = random.choice("pqqhbbbbbb" if old.body else "pqqqqh")
        if part == "p":
            path = mutate_bytes(random, old.path, other.path)
            return replace(old, path=b"/ngsi-ld/v1/" + _visible(path).lstrip(b"/")[12:])
        if part == "q":
            return replace(old, query=_visible(mutate_bytes(random, old.query, other.query)))
        if part == "h" and old.headers:
            headers = list(old.headers)
            at = random.randrange(len(headers))
            name, value = headers[at]
            taken = random.choice(other.headers)[1]
            headers[at] = name, _line(mutate_bytes(random, value, taken))
            return replace(old, headers=headers)
        if random.random() < 0.5:
            return replace(old, body=mutate_json(random, old.body, other.body))
        return replace(old, body=mutate_bytes(random, old.body, other.body))


def _visible(text: bytes) -> bytes:
    """What a line of a request may hold: a server lets nothing else through."""
    return bytes(each for each in text if 0x21 <= each <= 0x7E)


def _line(text: bytes) -> bytes:
    return text.translate(None, b"\r\n\0").strip()


def mutate_bytes(random: Random, old: bytes, other: bytes) -> bytes:
    """`old` with one thing changed; `other` is something of the same kind."""
    at, end = sorted(random.randint(0, len(old)) for _ in range(2))
    way = random.randrange(7)
    if way == 0 and old:
        at = random.randrange(len(old))
        return old[:at] + bytes([old[at] ^ 1 << random.randrange(8)]) + old[at + 1 :]
    if way == 1:
        return old[:at] + random.choice(_TOKENS) + old[at:]
    if way == 2:
        return old[:at] + old[end:]
    if way == 3:
        return old[:end] + old[at:end] * random.choice((1, 1, 2, 40)) + old[end:]
    if way == 4:
        cut = random.randint(0, len(other))
        return old[:at] + other[cut : cut + random.randint(1, 60)] + old[end:]
    if way == 5:
        numbers = list(re.finditer(rb"-?\d+(\.\d+)?", old))
        if numbers:
            found = random.choice(numbers)
            big = random.choice(
                (b"0", b"-1", b"1e400", b"9" * 19, b"9" * 320, b"0.1", b"01", b"1e-400")
            )
            return old[: found.start()] + big + old[found.end() :]
    return old[:at] + random.choice(_TOKENS) + old[end:]


def mutate_json(random: Random, old: bytes, other: bytes) -> bytes:
    """`old` with one value of its JSON changed; as it is if it is no JSON."""
    try:
        document = json.loads(old)
        places = list(_places(document))
        rest = [value for _, _, value in _places(json.loads(other))] if other else [None]
    except (ValueError, RecursionError):
        return mutate_bytes(random, old, other)
    if not places:
        return old
    holder, key, value = random.choice(places)
    way = random.randrange(7)
    if way == 0:
        del holder[key]
    elif way == 1:
        holder[key] = random.choice(rest or [None])
    elif way == 2:
        holder[key] = random.choice(TEXTS)
    elif way == 3:
        holder[key] = random.choice((None, True, 0, -1, 2**63, 1e308, [], {}, [[]], {"@value": 1}))
    elif way == 4:
        holder[key] = [value, value] if random.random() < 0.5 else {random.choice(TEXTS): value}
    elif way == 5 and isinstance(holder, dict):
        holder[random.choice((*TEXTS, "value", "object", "type", "@context"))] = value
    else:
        for _ in range(random.choice((3, 30, 300))):
            value = [value]
        holder[key] = value
    return json.dumps(document).encode("utf-8", "surrogatepass")


def _places(document: Any) -> Any:
    """Every place in a document: what holds it, under which key, and what is there."""
    waiting = [document] if isinstance(document, dict | list) else []
    while waiting:
        holder = waiting.pop()
        pairs = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for key, value in list(pairs):
            yield holder, key, value
            if isinstance(value, dict | list):
                waiting.append(value)
