"""Many subscriptions to one change are told what each would be told alone (5.8.6)."""

from __future__ import annotations

from typing import Any, cast

import orjson
import pytest

from hansa.hub.subscriptions import matcher as room
from hansa.hub.subscriptions.matcher import Matcher
from hansa.hub.subscriptions.model import read_subscription
from hansa.ngsild.context import CORE, Context
from hansa.store.outbox import Image
from hansa.store.port import Reader

AT = "2026-01-01T00:00:00.000000Z"
TERMS = Context([{"Auto": "https://x.example/Car", "tempo": "https://x.example/speed"}])
BOTH = ["attributeCreated", "attributeUpdated", "attributeDeleted", "entityDeleted"]

VARIANTS: list[dict[str, Any]] = [
    {},
    {"format": "simplified"},
    {"format": "concise"},
    {"sysAttrs": True},
    {"showChanges": True},
    {"pick": ["id", "https://x.example/speed"]},
    {"omit": ["https://x.example/speed"]},
    {"accept": "application/ld+json"},
    {"accept": "application/geo+json"},
    {"context": TERMS},
    {"context": TERMS, "accept": "application/ld+json"},
    {"lang": "de"},
    {"datasetId": ["urn:x:d:1"]},
]


def members(accept: str | None = None, **told: Any) -> dict[str, Any]:
    outer = {name: told.pop(name) for name in ("lang", "datasetId") if name in told}
    endpoint = {"uri": "http://127.0.0.1:9/x"} | ({"accept": accept} if accept else {})
    return {
        "type": "Subscription",
        "entities": [{"type": "https://x.example/Car"}],
        "notificationTrigger": BOTH,
        "notification": {"endpoint": endpoint, **told},
        **outer,
    }


def following(*variants: int) -> Matcher:
    matcher = Matcher(cast(Reader, None), lambda: 1_000_000)
    for number in variants:
        told = dict(VARIANTS[number % len(VARIANTS)])
        context = told.pop("context", CORE)
        link = "https://x.example/terms" if context is TERMS else "https://x.example/core"
        id = f"urn:x:s:{number}"
        matcher.put(read_subscription(id, members(**told), made=AT, context=context, link=link))
    return matcher


def car(**attributes: Any) -> str:
    entity = {"id": "urn:x:1", "type": ["https://x.example/Car"], "createdAt": AT, "modifiedAt": AT}
    entity |= {f"https://x.example/{name}": value for name, value in attributes.items()}
    return orjson.dumps(entity).decode()


def speed(value: int, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, "createdAt": AT, "modifiedAt": AT, **more}


NAME = [{"type": "LanguageProperty", "languageMap": {"de": "Wagen", "en": "car"}}]
BEFORE = car(speed=[speed(1), speed(2, datasetId="urn:x:d:1")], name=NAME)
CHANGES = {
    "created": (None, BEFORE),
    "updated": (BEFORE, car(speed=[speed(3), speed(4, datasetId="urn:x:d:1")], name=NAME)),
    "reduced": (BEFORE, car(speed=[speed(3)], name=NAME)),
    "removed": (BEFORE, car(name=NAME)),
    "deleted": (BEFORE, None),
}


@pytest.mark.parametrize("change", CHANGES)
def test_together_they_are_told_what_each_is_told_alone(change: str) -> None:
    image = Image(7, 5, *CHANGES[change])
    numbers = range(2 * len(VARIANTS))
    together = {n.subscription: n for n in following(*numbers).match([image])}
    for number in numbers:
        alone = {n.subscription: n for n in following(number).match([image])}
        id = f"urn:x:s:{number}"
        assert (id in together) == (id in alone), VARIANTS[number % len(VARIANTS)]
        if id in alone:
            assert orjson.loads(together[id].body) == orjson.loads(alone[id].body)
            assert together[id].link == alone[id].link


def test_equal_words_are_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    real = room.shown
    monkeypatch.setattr(room, "shown", lambda *given: calls.append(1) or real(*given))
    matcher = following(*(number * len(VARIANTS) for number in range(50)))
    found = matcher.match([Image(7, 5, *CHANGES["updated"])])
    assert len(found) == 50
    assert len({notice.id for notice in found}) == 50
    assert len(calls) == 1


def test_only_who_is_followed_has_eyes() -> None:
    asked: list[Any] = []

    def eyes(owner: Any, _store: Any) -> None:
        asked.append(owner)

    matcher = Matcher(cast(Reader, None), lambda: 1_000_000, eyes)
    image = Image(7, 5, *CHANGES["updated"])
    for number, owner in enumerate((None, {"account": "anna"}, {"account": "anna"})):
        matcher.put(read_subscription(f"urn:x:s:{number}", members(), made=AT, owner=owner))
    assert len(matcher.match([image, image])) == 6
    assert asked == [{}, {"account": "anna"}]  # once for each, however many there are
    matcher.drop("urn:x:s:1")
    matcher.put(read_subscription("urn:x:s:2", members(), made=AT))
    asked.clear()
    assert len(matcher.match([image])) == 2
    assert asked == [{}]


def test_it_follows_while_somebody_waits_for_changes() -> None:
    matcher = Matcher(cast(Reader, None), lambda: 1_000_000)
    regular = {**members(), "timeInterval": 5}
    del regular["notificationTrigger"]
    matcher.put(read_subscription("urn:x:s:0", regular, made=AT))
    assert not matcher.follows
    matcher.put(read_subscription("urn:x:s:1", members(), made=AT))
    assert matcher.follows
    matcher.put(read_subscription("urn:x:s:1", regular, made=AT))
    assert not matcher.follows
    matcher.put(read_subscription("urn:x:s:1", members(), made=AT))
    assert matcher.drop("urn:x:s:1") is not None
    assert matcher.drop("urn:x:s:1") is None
    assert not matcher.follows
