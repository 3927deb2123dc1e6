"""Who may subscribe has subscriptions of their own, is told what they may see when it is sent, and no longer than they may."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from hansa.hub.notify.leave import Leave
from hansa.hub.subscriptions.matcher import Matcher
from hansa.hub.subscriptions.model import read_subscription
from hansa.kernel.errors import Forbidden
from hansa.ngsild.city import city_context, city_iri
from hansa.store.outbox import Image, Queued
from hansa.trust.identity.owners import owner_of
from hansa.trust.principals import LOCAL, Principal
from hansa.web.api import subscription_kind
from tests.notify.receiver import Receiver, receiving
from tests.trust.policy.documents import constraint, rule
from tests.trust.policy.ruled import Ruled, prop, ruled

SUBSCRIPTIONS = "/subscriptions"
ONE = "urn:ngsi-ld:Subscription:one"
OF_TREES = constraint("entityType", "isAnyOf", ["Tree"])
OF_HEIGHTS = constraint("attribute", "isAnyOf", ["height"])


@pytest.fixture
def city(tmp_path: Path) -> Iterator[Ruled]:
    with ruled(tmp_path) as made:
        made.person("ana")
        made.person("bo")
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def wish(to: str = "http://127.0.0.1:9/told", id: str = ONE, **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "type": "Subscription",
        "entities": [{"type": "Tree"}],
        "notification": {"endpoint": {"uri": to}},
        **more,
    }


def tree(number: int, **values: Any) -> dict[str, Any]:
    attributes = {name: prop(value) for name, value in values.items()}
    return {"id": f"urn:ngsi-ld:Tree:{number}", "type": "Tree", **attributes}


def until(done: Callable[[], bool]) -> None:
    """Wait for what happens in the background."""
    for _ in range(400):
        if done():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def test_each_has_their_own_and_the_operator_sees_all(city: Ruled) -> None:
    assert city.ask("public", "POST", SUBSCRIPTIONS, json=wish()).status_code == 401
    assert city.ask("public", "GET", SUBSCRIPTIONS).status_code == 401
    assert city.ask("ana", "POST", SUBSCRIPTIONS, json=wish()).status_code == 201
    other = wish(id="urn:ngsi-ld:Subscription:two")
    assert city.ask("bo", "POST", SUBSCRIPTIONS, json=other).status_code == 201
    for who, ids in (("ana", [ONE]), ("bo", [other["id"]]), ("operator", [ONE, other["id"]])):
        answer = city.ask(who, "GET", SUBSCRIPTIONS + "?count=true")
        assert [each["id"] for each in answer.json()] == ids
        assert answer.headers["ngsild-results-count"] == str(len(ids))
    address, patch = f"{SUBSCRIPTIONS}/{ONE}", {"isActive": False}
    nowhere = f"{SUBSCRIPTIONS}/urn:ngsi-ld:Subscription:none"
    for verb, more in (("GET", {}), ("PATCH", {"json": patch}), ("DELETE", {})):
        hidden, absent = (city.ask("bo", verb, url, **more) for url in (address, nowhere))
        assert hidden.status_code == absent.status_code == 404
        assert hidden.text.replace(":one", "") == absent.text.replace(":none", "")
    assert city.ask("ana", "PATCH", address, json=patch).status_code == 204
    assert city.ask("ana", "GET", address).json()["status"] == "paused"
    assert city.ask("ana", "DELETE", address).status_code == 204
    assert city.ask("ana", "GET", "/csourceSubscriptions").status_code == 403


def test_a_rule_may_forbid_to_subscribe_alone(city: Ruled) -> None:
    city.declare("quiet", prohibition=[rule("subscribe", "name:ana")])
    answer = city.ask("ana", "POST", SUBSCRIPTIONS, json=wish())
    assert answer.status_code == 403 and "quiet:1/prohibition/1" in answer.text
    assert city.ask("ana", "GET", "/entities?type=Tree").status_code == 200
    assert city.ask("bo", "POST", SUBSCRIPTIONS, json=wish()).status_code == 201


def test_nobody_has_too_many(city: Ruled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription_kind, "_MOST", 2)
    for number, status in enumerate((201, 201, 403)):
        more = wish(id=f"urn:ngsi-ld:Subscription:{number}")
        assert city.ask("ana", "POST", SUBSCRIPTIONS, json=more).status_code == status
    assert city.ask("bo", "POST", SUBSCRIPTIONS, json=wish()).status_code == 201


def test_what_is_told_is_what_they_may_see_as_long_as_they_may(
    city: Ruled, receiver: Receiver
) -> None:
    city.declare("heights", prohibition=[rule("read", "name:ana", OF_HEIGHTS)])
    assert city.ask("ana", "POST", SUBSCRIPTIONS, json=wish(receiver.url)).status_code == 201
    city.put(tree(1, height=7, name="an elm"))
    (got,) = receiver.wait(1)
    assert got.entity["name"]["value"] == "an elm" and "height" not in got.entity
    city.declare("quiet", prohibition=[rule("subscribe", "name:ana")])
    city.put(tree(2, name="an oak"))
    until(lambda: not city.node.local_store().outbox.images(1))
    city.node.trust.policies.withdraw(LOCAL, "quiet")
    city.put(tree(3, name="an ash"))
    last = receiver.wait_for(lambda got: any("Tree:3" in repr(each.body) for each in got))
    assert not [each for each in last if "Tree:2" in repr(each.body)]


def test_what_waits_is_not_sent_when_its_subscriber_may_not_see_it_any_more(
    city: Ruled, receiver: Receiver
) -> None:
    receiver.answer = lambda _: 503
    assert city.ask("ana", "POST", SUBSCRIPTIONS, json=wish(receiver.url)).status_code == 201
    city.put(tree(1, name="an elm"))
    receiver.wait(1)
    city.declare("trees", prohibition=[rule("read", "name:ana", OF_TREES)])
    tried = len(receiver.got)
    receiver.answer = lambda _: 200
    outbox = city.node.local_store().outbox
    until(lambda: not outbox.standing("subscription", ONE).waiting)
    assert len(receiver.got) <= tried + 1, "but for an attempt that was under way"


def test_whose_account_is_disabled_is_told_nothing(city: Ruled, receiver: Receiver) -> None:
    assert city.ask("ana", "POST", SUBSCRIPTIONS, json=wish(receiver.url)).status_code == 201
    two = wish(receiver.url, id="urn:ngsi-ld:Subscription:two")
    assert city.ask("bo", "POST", SUBSCRIPTIONS, json=two).status_code == 201
    city.node.trust.desk.accounts.disable("ana")
    city.put(tree(1, name="an elm"))
    receiver.wait(1)
    assert [each.body["subscriptionId"] for each in receiver.got] == [two["id"]]


# -- cutting what waits ------------------------------------------------------------------------------


def queued(city: Ruled, form: str, accept: str, **more: Any) -> tuple[Leave, Queued, Any]:
    """A notification to ana, written before anything was forbidden to her."""
    members = {
        "type": "Subscription",
        "entities": [{"type": city_iri("Tree")}],
        "notification": {
            "format": form,
            "endpoint": {"uri": "http://127.0.0.1:9/x", "accept": accept},
            **more,
        },
    }
    owner = owner_of(city.node.trust.desk.accounts.get("ana").principal())
    subscription = read_subscription(
        ONE, members, made="2026-01-01T00:00:00Z", context=city_context(), owner=owner
    )
    store = city.node.local_store()
    leave = Leave(city.node.gate.eyes(None), store, lambda: 1_000_000_000)
    matcher = Matcher(store, lambda: 1, leave.look)
    matcher.put(subscription)
    raw = store.get("urn:ngsi-ld:Tree:1")
    assert raw is not None
    (notice,) = matcher.match([Image(7, 5, None, raw.decode())])
    return leave, Queued(1, notice, made=0), subscription


@pytest.mark.parametrize(
    "accept", ["application/json", "application/ld+json", "application/geo+json"]
)
@pytest.mark.parametrize("form", ["normalized", "concise", "simplified"])
def test_what_waits_is_cut_to_what_may_be_seen_now(city: Ruled, form: str, accept: str) -> None:
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [-70, -30]}}
    city.put({**tree(1, height=7, name="an elm"), "location": place})
    leave, row, subscription = queued(city, form, accept)
    assert leave.left(row, subscription) == (row.notice, subscription)
    hidden = constraint("attribute", "isAnyOf", ["height", "location"])
    city.declare("heights", prohibition=[rule("read", "name:ana", hidden)])
    left = leave.left(row, subscription)
    assert left is not None
    before, after = (orjson.loads(each.body) for each in (row.notice, left[0]))
    assert "height" in repr(before["data"]) and "-70" in repr(before["data"])
    assert "an elm" in repr(after["data"])
    assert "height" not in repr(after["data"]) and "-70" not in repr(after["data"])
    assert {**after, "data": 0} == {**before, "data": 0}
    later = leave.left(replace(row, made=2_000_000_000), subscription)
    assert later == (row.notice, subscription), "it was written under what holds now"
    city.declare("trees", prohibition=[rule("read", "name:ana", OF_TREES)])
    assert leave.left(row, subscription) is None


def test_an_entity_that_is_gone_is_judged_by_what_is_told_of_it(city: Ruled) -> None:
    city.put(tree(1, height=7))
    leave, row, subscription = queued(city, "normalized", "application/json")
    city.ask("operator", "DELETE", "/entities/urn:ngsi-ld:Tree:1")
    assert leave.left(row, subscription) is not None
    few = constraint("idPattern", "eq", "Tree:1$")
    city.declare("one", prohibition=[rule("read", "name:ana", few)])
    assert leave.left(row, subscription) is None


# -- handing on --------------------------------------------------------------------------------------


def test_what_a_machine_hands_on_is_what_it_may_republish(city: Ruled) -> None:
    city.put(tree(1, height=7))
    broker = Principal("client:broker", "service")
    gate = city.node.gate
    city.declare("keep", prohibition=[rule("republish", "kind:service", OF_HEIGHTS)])
    for passes_on, there in ((False, True), (True, False)):
        raw = gate.reader(broker, passes_on=passes_on).get("urn:ngsi-ld:Tree:1")
        assert raw is not None and (city_iri("height") in orjson.loads(raw)) is there
    assert gate.reader(LOCAL, passes_on=True).get("urn:ngsi-ld:Tree:1")
    city.declare("all", prohibition=[rule("republish", "kind:service")])
    with pytest.raises(Forbidden, match="prohibition"):
        gate.reader(broker, passes_on=True)
