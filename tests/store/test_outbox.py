"""The outbox of a store: images, queues, dead letters and standing (:mod:`hansa.store.outbox`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from hansa.hub.attributes import update
from hansa.hub.entities import create, delete
from hansa.store.outbox import Notice, Settled
from hansa.store.sqlite import SqliteStore, open_store

NOW = "2026-01-01T00:00:00.000000Z"
SPEED = "https://x.example/speed"
URI = "http://a.example/n"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(open_store(tmp_path / "a.sqlite")) as found:
        yield found


def car(speed: int, id: str = "urn:x:1") -> dict[str, object]:
    return {"id": id, "type": ["Car"], SPEED: [{"type": "Property", "value": speed}]}


def notice(number: int, entity: str = "urn:x:1", due: int = 0, subscription: str = "s") -> Notice:
    body = orjson.dumps({"number": number})
    return Notice(f"urn:n:{number}", "k", subscription, URI, entity, due, "a/b", None, body)


def numbers(box: SqliteStore, now: int = 10, limit: int = 64) -> list[int]:
    rows = box.outbox.due(URI, now, limit)
    return [orjson.loads(row.notice.body)["number"] for row in rows]


def settle(
    box: SqliteStore, index: int, fault: str | None = None, again: int | None = None
) -> None:
    row = box.outbox.due(URI, 10)[index]
    result = Settled(row.number, "k", row.notice.subscription, 5, fault, again)
    box.outbox.settle([result]).result()


# -- images ----------------------------------------------------------------------------------------


def test_images_are_made_only_while_asked_for(box: SqliteStore) -> None:
    box.write([create(car(1), NOW)]).result()
    assert box.outbox.images() == []
    box.outbox.keep_images(True)
    box.write([update("urn:x:1", {SPEED: [{"type": "Property", "value": 2}]}, NOW)]).result()
    box.write([delete("urn:x:1", NOW)]).result()
    box.outbox.keep_images(False)
    box.write([create(car(3), NOW)]).result()
    first, second = box.outbox.images()
    assert [first.seq, second.seq] == [2, 3]
    values = [orjson.loads(text or "null") for text in (first.before, first.after, second.before)]
    assert [value[SPEED][0]["value"] for value in values] == [1, 2, 2]
    assert second.after is None


def test_keeping_images_outlives_the_process(box: SqliteStore) -> None:
    box.outbox.keep_images(True)
    box.close()
    with closing(open_store(box.path)) as again:
        again.write([create(car(1), NOW)]).result()
        assert len(again.outbox.images()) == 1


def test_a_refused_write_leaves_no_image(box: SqliteStore) -> None:
    box.outbox.keep_images(True)
    box.write([create(car(1), NOW), create(car(2), NOW), create(car(3, "urn:x:2"), NOW)]).result()
    assert [image.seq for image in box.outbox.images()] == [1, 2]


def test_a_write_that_breaks_leaves_no_image(box: SqliteStore) -> None:
    box.outbox.keep_images(True)

    def broken(_: object) -> None:
        raise ZeroDivisionError

    write = create(car(1), NOW)
    with pytest.raises(ZeroDivisionError):
        box.write([write, type(write)("urn:x:2", broken)]).result()  # type: ignore[arg-type]
    assert box.outbox.images() == []


def test_notices_come_as_images_go(box: SqliteStore) -> None:
    box.outbox.keep_images(True)
    box.write([create(car(n, f"urn:x:{n}"), NOW) for n in range(3)]).result()
    assert box.outbox.post([notice(1)], until=2).result() == [URI]
    assert [image.seq for image in box.outbox.images()] == [3]
    assert numbers(box) == [1]


# -- queues ----------------------------------------------------------------------------------------


def test_what_is_due_comes_in_order(box: SqliteStore) -> None:
    box.outbox.post([notice(1, "a"), notice(2, "b"), notice(3, "a")]).result()
    assert numbers(box) == [1, 2, 3]
    assert numbers(box, limit=1) == [1]
    assert box.outbox.endpoints() == [URI]
    assert box.outbox.due("http://other.example", 10) == []


def test_nothing_overtakes_what_waits_for_the_same_entity(box: SqliteStore) -> None:
    box.outbox.post([notice(1, "a", due=99), notice(2, "b"), notice(3, "a")]).result()
    box.outbox.post([notice(4, "a", subscription="t")]).result()
    assert numbers(box) == [2, 4]
    assert numbers(box, now=100) == [1, 2, 3, 4]
    assert box.outbox.next_due(URI) == 0


def test_a_success_removes_and_counts(box: SqliteStore) -> None:
    box.outbox.post([notice(1)]).result()
    settle(box, 0)
    assert numbers(box) == []
    assert box.outbox.endpoints() == []
    found = box.outbox.standing("k", "s")
    assert (found.sent, found.failed, found.last_success, found.status) == (1, 0, 5, "ok")


def test_a_failure_waits_and_counts(box: SqliteStore) -> None:
    box.outbox.post([notice(1)]).result()
    settle(box, 0, "no answer", again=50)
    assert numbers(box) == []
    (row,) = box.outbox.due(URI, 50)
    assert (row.attempts, row.fault) == (1, "no answer")
    found = box.outbox.standing("k", "s")
    assert (found.sent, found.failed, found.waiting, found.status) == (1, 1, 1, "failed")


def test_what_is_given_up_lets_others_pass_and_can_come_back(box: SqliteStore) -> None:
    box.outbox.post([notice(1), notice(2)]).result()
    settle(box, 0, "refused")
    assert numbers(box) == [2]
    (dead,) = box.outbox.dead("k", "s")
    assert (dead.fault, dead.dead) == ("refused", True)
    assert box.outbox.dead("k", "t") == []
    assert box.outbox.standing("k", "s").dead == 1
    assert box.outbox.replay([dead.number, 77]).result() == 1
    assert numbers(box) == [1, 2]
    settle(box, 0, "refused")
    assert box.outbox.drop([dead.number]).result() == 1
    assert box.outbox.dead() == []


def test_a_notice_joins_one_that_has_to_wait(box: SqliteStore) -> None:
    later = 1 << 60
    box.outbox.post([notice(1, "", due=later)]).result()
    held = notice(2, "", due=later)
    joined = Notice(
        **{name: getattr(held, name) for name in held.__slots__ if name != "merge"},
        merge=lambda body: orjson.dumps({"number": orjson.loads(body)["number"] + 10}),
    )
    box.outbox.post([joined]).result()
    (row,) = box.outbox.due(URI, later)
    assert (row.notice.id, orjson.loads(row.notice.body)) == ("urn:n:2", {"number": 11})


def test_a_subscription_that_is_gone_leaves_nothing(box: SqliteStore) -> None:
    box.outbox.post([notice(1), notice(2, subscription="t")]).result()
    settle(box, 0, "no answer", again=0)
    box.outbox.forget("k", "s").result()
    assert numbers(box) == [2]
    assert box.outbox.standing("k", "s").sent == 0


def test_what_waits_moves_with_its_subscription(box: SqliteStore) -> None:
    box.outbox.post([notice(1)]).result()
    box.outbox.move("k", "s", "http://b.example/n").result()
    assert numbers(box) == []
    assert len(box.outbox.due("http://b.example/n", 10)) == 1


def test_old_and_too_many_dead_letters_go(box: SqliteStore) -> None:
    box.outbox.post([notice(n, str(n)) for n in range(5)]).result()
    for _ in range(5):
        settle(box, 0, "refused")
    assert box.outbox.thin_out(0, 3).result() == 2
    assert [orjson.loads(row.notice.body)["number"] for row in box.outbox.dead()] == [4, 3, 2]
    assert box.outbox.thin_out(1 << 62, 3).result() == 3
