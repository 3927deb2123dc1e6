"""The live console: who sees what, and sending letters again."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from hansa.node import Node
from hansa.store.outbox import Notice, Settled

from . import town

SUBSCRIPTION = {
    "id": "urn:ngsi-ld:Subscription:1",
    "type": "Subscription",
    "subscriptionName": "Alarm centre",
    "entities": [{"type": "Sensor"}],
    "notification": {"endpoint": {"uri": "https://alarm.example/in?key=open-sesame"}},
}


def give_up(node: Node, number: int = 1) -> None:
    """Put a letter into the outbox, and let it be given up."""
    outbox = node.local_store().outbox
    notice = Notice(
        id=f"urn:ngsi-ld:Notification:{number}",
        kind="subscription",
        subscription=SUBSCRIPTION["id"],
        endpoint=SUBSCRIPTION["notification"]["endpoint"]["uri"],  # type: ignore[index]
        entity="urn:ngsi-ld:Sensor:1",
        due=0,
        media_type="application/json",
        link=None,
        body=b'{"data": "<script>"}',
    )
    outbox.post([notice]).result()
    (queued,) = outbox.due(notice.endpoint, 10)
    outbox.settle(
        [Settled(queued.number, "subscription", notice.subscription, 5, "answered 503")]
    ).result()


def subscribe(pages: TestClient) -> None:
    answer = pages.post("/ngsi-ld/v1/subscriptions", json=SUBSCRIPTION)
    assert answer.status_code == 201


def test_an_empty_console_says_what_would_be_here(empty_pages: TestClient) -> None:
    page = empty_pages.get("/live").text
    for text in (
        "Nothing has changed of late",
        "Nobody has subscribed yet",
        "Nothing was imported",
    ):
        assert text in page


def test_changes_are_shown_newest_first_and_by_type(
    empty_node: Node, empty_pages: TestClient
) -> None:
    for n, type in enumerate(("Sensor", "Lamp", "Sensor")):
        entity: dict[str, Any] = {"id": f"urn:ngsi-ld:{type}:{n}", "type": type}
        town.write(empty_node, [entity | {"speed": {"type": "Property", "value": n}}])
    page = empty_pages.get("/live").text
    assert page.index("urn:ngsi-ld:Sensor:2") < page.index("urn:ngsi-ld:Lamp:1")
    rows = empty_pages.get("/live", params={"part": "rows", "type": "Lamp"}).text
    assert "<html" not in rows
    assert "Lamp:1" in rows
    assert "Sensor:2" not in rows


def test_a_run_of_changes_to_one_entity_is_one_row(
    empty_node: Node, empty_pages: TestClient
) -> None:
    for n in range(7):
        entity = {"id": "urn:ngsi-ld:Lamp:1", "type": "Lamp"}
        town.write(empty_node, [entity | {"speed": {"type": "Property", "value": n}}])
    rows = empty_pages.get("/live", params={"part": "rows"}).text
    assert rows.count("/entity/urn%3Angsi-ld%3ALamp%3A1") + rows.count("/entity/urn:") == 2
    assert "× 6" in rows


def test_changes_are_read_by_name_or_by_the_end_of_the_identifier(
    empty_node: Node, empty_pages: TestClient
) -> None:
    long = "urn:ngsi-ld:Vehicle:town:"
    name = {"type": "Property", "value": "Old oak"}
    town.write(empty_node, [{"id": f"{long}7-20261124", "type": "Vehicle"}])
    town.write(empty_node, [{"id": "urn:ngsi-ld:Tree:1", "type": "Tree", "name": name}])
    rows = empty_pages.get("/live", params={"part": "rows"}).text
    assert ">Old oak</a>" in rows
    assert ">7-20261124</a>" in rows
    assert f'title="{long}7-20261124"' in rows
    assert f">{long}" not in rows


def test_subscriptions_are_shown_without_their_keys(empty_pages: TestClient) -> None:
    subscribe(empty_pages)
    page = empty_pages.get("/live").text
    assert "Alarm centre" in page
    assert "nothing sent yet" in page
    assert "https://alarm.example/in" in page
    assert "sesame" not in page


def test_letters_are_shown_and_dropped(empty_node: Node, empty_pages: TestClient) -> None:
    subscribe(empty_pages)
    give_up(empty_node)
    page = empty_pages.get("/live").text
    assert "letters given up" in page
    assert "answered 503" in page
    assert "<script>" not in page.split('id="failed"')[1].split("</section>")[0]
    (letter,) = empty_node.local_store().outbox.dead()
    answer = empty_pages.post(
        "/live/letters",
        data={"letter": str(letter.number), "do": "drop"},
        headers={"Origin": "http://127.0.0.1:1356"},
        follow_redirects=False,
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/live#failed")
    assert empty_node.local_store().outbox.dead() == []


def test_letters_are_sent_again(empty_node: Node, empty_pages: TestClient) -> None:
    subscribe(empty_pages)
    give_up(empty_node)
    (letter,) = empty_node.local_store().outbox.dead()
    with empty_pages:
        form = {"letter": str(letter.number), "do": "replay"}
        assert empty_pages.post("/live/letters", data=form).status_code == 200
    outbox = empty_node.local_store().outbox
    assert outbox.dead() == []
    assert outbox.standing("subscription", SUBSCRIPTION["id"]).waiting == 1


@pytest.mark.parametrize(
    ("form", "origin", "status"),
    [
        ({"letter": "1"}, "https://elsewhere.example", 403),
        ({"letter": "one"}, None, 400),
        ({"letter": "9" * 30}, None, 400),
        ({"letter": "1" * 20_000}, None, 413),
    ],
)
def test_odd_forms_are_refused(
    empty_pages: TestClient, form: dict[str, str], origin: str | None, status: int
) -> None:
    headers = {"Origin": origin} if origin else {}
    assert empty_pages.post("/live/letters", data=form, headers=headers).status_code == status


def test_the_public_sees_changes_but_not_whom_the_node_tells(pages: TestClient) -> None:
    page = pages.get("/live").text
    assert "Only who operates this node" in page
    assert "Could not be delivered" not in page
    assert pages.post("/live/letters", data={"letter": "1"}).status_code == 401
