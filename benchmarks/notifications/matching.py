"""What it costs to find whom a change concerns, with few and with many subscriptions.

Each subscription is for cars of one fleet (a type) with a condition on speed; a change concerns one
fleet. What is measured is the matcher alone: reading the images, finding, evaluating, writing the body. Changes
come one by one, as they do on a quiet day: what is done once for many of them counts in full.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any, cast

import orjson

from hansa.hub.subscriptions.matcher import Matcher
from hansa.hub.subscriptions.model import read_subscription
from hansa.store.outbox import Image
from hansa.store.port import Reader

_AT = "2026-01-01T00:00:00.000000Z"


def costs(counts: tuple[int, ...] = (10, 100, 1_000, 10_000)) -> Iterator[tuple[int, float]]:
    """How many subscriptions, and microseconds for one change with one notification."""
    for count in counts:
        matcher = Matcher(cast(Reader, None), lambda: 0)
        for number in range(count):
            matcher.put(read_subscription(f"urn:x:s:{number}", _members(number), made=_AT))
        images = [_image(seq, seq % count) for seq in range(1, 2_001)]
        rounds = []
        for _ in range(5):
            started = time.perf_counter()
            found = sum(len(matcher.match([image])) for image in images)
            rounds.append(time.perf_counter() - started)
            assert found == len(images)
        yield count, statistics.median(rounds) / len(images) * 1e6


def _members(number: int) -> dict[str, Any]:
    return {
        "type": "Subscription",
        "entities": [{"type": f"https://x.example/Fleet{number}"}],
        "watchedAttributes": ["https://x.example/speed"],
        "q": f"https://x.example/speed>={number % 50}",
        "notification": {"endpoint": {"uri": "http://127.0.0.1:9/x"}},
    }


def _image(seq: int, fleet: int) -> Image:
    return Image(seq, 0, _entity(fleet, 100 + seq), _entity(fleet, 101 + seq))


def _entity(fleet: int, speed: int) -> str:
    attributes = {
        f"https://x.example/a{n}": [{"type": "Property", "value": n, "modifiedAt": _AT}]
        for n in range(8)
    }
    entity = {
        "id": f"urn:x:car:{fleet}",
        "type": [f"https://x.example/Fleet{fleet}"],
        "createdAt": _AT,
        "modifiedAt": _AT,
        "https://x.example/speed": [{"type": "Property", "value": speed, "modifiedAt": _AT}],
        **attributes,
    }
    return orjson.dumps(entity).decode()
