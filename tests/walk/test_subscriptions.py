"""A subscription tells its owner what they may see, as they stand when something changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from hansa.hub.subscriptions.interval import interval_notices
from hansa.hub.subscriptions.matcher import Matcher
from hansa.hub.subscriptions.model import read_subscription
from hansa.ngsild.city import city_context, city_iri
from hansa.ngsild.query import Seen
from hansa.store.outbox import Image, Notice
from hansa.trust.identity.owners import owner_of
from hansa.trust.principals import OPERATOR, Narrowing, Principal
from tests.walk.city import NOTE, STORY, WORDS, City, opened
from tests.walk.city import SEALED as HIDDEN_TYPE

AT = "2026-01-01T00:00:00.000000Z"
NAMES = {"open": city_iri("name"), "note": city_iri(NOTE)}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with opened(tmp_path_factory.mktemp("subscriptions")) as found:
        desk = found.node.trust.desk
        for name in ("anna", "berta"):
            desk.accounts.add(name, roles=["planner"])
        yield found


def owner(name: str, **more: Any) -> dict[str, Any]:
    return owner_of(replace(Principal(name, "staff"), **more))


def following(city: City, *owners: dict[str, Any], **more: Any) -> Matcher:
    matcher = Matcher(city.node.local_store(), lambda: 1_000_000, city.node.gate.eyes(None))
    for number, each in enumerate(owners):
        members = {
            "type": "Subscription",
            "entities": [{"type": "*"}],
            "localOnly": True,
            "notificationTrigger": ["entityCreated", "entityUpdated", "entityDeleted"],
            "notification": {"endpoint": {"uri": "http://127.0.0.1:9/x"}},
            **more,
        }
        read = read_subscription(
            f"urn:x:s:{number}", members, made=AT, context=city_context(), owner=each
        )
        matcher.put(read)
    return matcher


def entity(type: str, **values: Any) -> str:
    stamps = {"createdAt": AT, "modifiedAt": AT}
    found = {"id": "urn:x:1", "type": [city_iri(type)], **stamps}
    found |= {
        NAMES[name]: [{"type": "Property", "value": value, **stamps}]
        for name, value in values.items()
    }
    return orjson.dumps(found).decode()


def told(notices: list[Notice]) -> dict[str, str]:
    return {each.subscription[-1]: each.body.decode().lower() for each in notices}


def test_each_owner_is_told_what_they_may_see(city: City) -> None:
    matcher = following(city, owner("berta"), owner("anna"), owner_of(OPERATOR))
    before, after = (
        entity("Building", open=1, note="medlar"),
        entity("Building", open=2, note="medlar!"),
    )
    found = told(matcher.match([Image(7, 5, before, after)]))
    assert found.keys() == {"0", "1", "2"}
    assert "medlar" not in found["0"]
    assert "medlar!" in found["1"]
    assert "medlar!" in found["2"]


def test_a_change_of_what_is_hidden_is_none(city: City) -> None:
    matcher = following(city, owner("berta"), owner("anna"))
    before, after = entity("Building", note="medlar"), entity("Building", note="medlar!")
    assert told(matcher.match([Image(7, 5, before, after)])).keys() == {"1"}
    hidden = entity(HIDDEN_TYPE, open="quince")
    for change in ((None, hidden), (hidden, None), (hidden, entity(HIDDEN_TYPE, open=2))):
        assert told(matcher.match([Image(8, 5, *change)])).keys() == {"1"}


def test_what_leaves_somebodys_sight_is_deleted_for_them(city: City) -> None:
    matcher = following(city, owner("berta"))
    seen, gone = entity("Building", open="pear"), entity(HIDDEN_TYPE, open="quince")
    leaving = told(matcher.match([Image(7, 5, seen, gone)]))["0"]
    assert "deletedat" in leaving
    assert "quince" not in leaving
    coming = told(matcher.match([Image(8, 5, gone, seen)]))["0"]
    assert "pear" in coming
    assert "quince" not in coming


def test_a_condition_on_what_is_hidden_never_holds(city: City) -> None:
    matcher = following(city, owner("berta"), owner("anna"), q=f"{NAMES['note']}==1")
    change = Image(7, 5, None, entity("Building", open=1, note=1))
    assert told(matcher.match([change])).keys() == {"1"}


def test_who_is_no_more_is_told_nothing(city: City) -> None:
    desk = city.node.trust.desk
    desk.accounts.add("clara", roles=["planner"])
    desk.accounts.disable("clara")
    change = Image(7, 5, None, entity("Building", open=1))
    revoked = owner("berta", token="t1", narrowing=Narrowing(frozenset({"read"})))
    matcher = following(city, owner("clara"), owner("nobody"), revoked)
    assert matcher.match([change]) == []


def test_at_intervals_it_is_the_same(city: City) -> None:
    for name, words in (("berta", set()), ("anna", set(WORDS))):
        matcher = following(city, owner(name))
        watcher = matcher.index.get("urn:x:s:0")
        assert watcher is not None
        store = city.node.local_store()
        seen = city.node.gate.eyes(None)(owner(name), store)
        notices = interval_notices(watcher, seen or store, 1, 1)
        text = b"".join(each.body for each in notices).decode().lower()
        assert {word for word in WORDS if word in text} == words


def test_the_owner_is_kept_with_what_they_make(city: City) -> None:
    subscription = {
        "id": "urn:ngsi-ld:Subscription:kept",
        "type": "Subscription",
        "entities": [{"type": "Building"}],
        "notification": {"endpoint": {"uri": "http://127.0.0.1:9/told"}},
    }
    city.operator("POST", f"{STORY}/subscriptions", json=subscription)
    record = city.node.local_store().record("subscription", subscription["id"])
    assert record is not None
    assert orjson.loads(record)["owner"] == {"kind": "operator", "name": "operator"}
    shown = city.operator("GET", f"{STORY}/subscriptions/{subscription['id']}")
    assert "owner" not in shown.json()


def test_a_token_for_some_types_reads_these(city: City) -> None:
    narrowing = Narrowing(frozenset({"read"}), frozenset({city_iri("Building")}))
    anna = Principal("anna", "staff", narrowing=narrowing)
    shapes = city.node.gate.reader(anna).shapes()
    assert shapes
    assert all(city_iri("Building") in shape.types for shape in shapes)
    assert city.node.gate.view(anna).seen != Seen()
    assert city.node.gate.reader(anna).get("urn:ngsi-ld:TransportZone:town:1") is None
