"""Many writers and readers at once: nobody's change is lost, nobody sees half of one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import orjson

from hansa.kernel.errors import Conflict
from hansa.ngsild.query import Query
from hansa.store.port import Edited, Entity, Store, Write, Written

from .build import entity, fill, put, read

_THREADS, _TURNS = 8, 60


def _increment(old: Entity | None) -> Edited:
    count = 0 if old is None else old["urn:a:n"][0]["value"]
    return Edited(entity("urn:x:counter", n=count + 1), detail=count + 1)


def _together(work: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(_THREADS) as pool:
        for each in [pool.submit(work, number) for number in range(_THREADS)]:
            each.result()


def test_no_increment_is_lost(store: Store) -> None:
    seen: list[int] = []

    def work(number: int) -> None:
        for _ in range(_TURNS):
            [outcome] = store.write([Write("urn:x:counter", _increment)]).result()
            assert isinstance(outcome, Written)
            seen.append(outcome.detail)

    _together(work)
    total = _THREADS * _TURNS
    counter = read(store, "urn:x:counter")
    assert counter is not None
    assert counter["urn:a:n"][0]["value"] == total
    assert sorted(seen) == list(range(1, total + 1))
    changes = store.changes(0)
    assert [change.seq for change in changes] == list(range(1, total + 1))
    assert [change.attributes["urn:a:n"][0]["value"] for change in changes] == sorted(seen)


def test_refusals_and_faults_in_a_group_touch_nobody_else(store: Store) -> None:
    def refuse(old: Entity | None) -> Edited:
        raise Conflict("entity", "not now")

    def fail(old: Entity | None) -> Edited:
        raise RuntimeError("a fault of the caller")

    def work(number: int) -> None:
        for turn in range(_TURNS):
            mine = entity(f"urn:x:{number}:{turn}", n=turn)
            if turn % 3 == 0:
                good, bad = store.write([put(mine), Write("urn:x:counter", refuse)]).result()
                assert isinstance(good, Written)
                assert isinstance(bad, Conflict)
            elif turn % 3 == 1:
                broken = store.write([put(mine), Write("urn:x:counter", fail)])
                assert isinstance(broken.exception(), RuntimeError)
            else:
                store.write([put(mine), Write("urn:x:counter", _increment)]).result()

    _together(work)
    expected = {f"urn:x:{n}:{t}" for n in range(_THREADS) for t in range(_TURNS) if t % 3 != 1}
    kept = {orjson.loads(document)["id"] for document in store.scan()}
    assert kept == expected | {"urn:x:counter"}
    counter = read(store, "urn:x:counter")
    assert counter is not None
    assert counter["urn:a:n"][0]["value"] == _THREADS * _TURNS // 3
    assert store.last_change() == len(expected) + _THREADS * _TURNS // 3


def test_readers_see_whole_requests_only(store: Store) -> None:
    """Two entities always change together; no reader ever finds them different."""
    fill(store, entity("urn:x:a", n=0), entity("urn:x:b", n=0))
    done = threading.Event()

    def watch() -> int:
        looks = 0
        while not done.is_set() or not looks:
            page = store.query(Query(count=True))
            one, two = (orjson.loads(d)["urn:a:n"] for d in page.documents)
            assert one == two
            assert page.total == 2
            looks += 1
        return looks

    with ThreadPoolExecutor(4) as pool:
        watchers = [pool.submit(watch) for _ in range(3)]
        try:
            for turn in range(200):
                store.write(
                    [put(entity("urn:x:a", n=turn)), put(entity("urn:x:b", n=turn))]
                ).result()
        finally:
            done.set()
        assert all(each.result() > 0 for each in watchers)


def test_a_cancelled_request_is_not_applied_and_harms_nobody(store: Store) -> None:
    held, go_on = threading.Event(), threading.Event()

    def slow(old: Entity | None) -> Edited:
        held.set()
        assert go_on.wait(10)
        return Edited(entity("urn:x:1"))

    first = store.write([Write("urn:x:1", slow)])
    assert held.wait(10)
    gone = store.write([put(entity("urn:x:2"))])
    last = store.write([put(entity("urn:x:3"))])
    assert gone.cancel()
    assert not first.cancel(), "what is under way cannot be called back"
    go_on.set()
    assert last.result() == [Written(2, created=True, deleted=False)]
    assert read(store, "urn:x:2") is None
