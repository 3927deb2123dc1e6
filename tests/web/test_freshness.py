"""Freshness by type, read off the change feed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from hansa.store.port import Change
from hansa.web import freshness
from hansa.web.freshness import Freshness, Kept


class Feed:
    """A change feed in memory; counts how often it is read."""

    def __init__(self) -> None:
        self.all: list[Change] = []
        self.read = 0

    def add(self, *types: str) -> None:
        self.all.append(Change(len(self.all) + 1, datetime.now(UTC), "urn:x:1", types, "updated"))

    def last_change(self) -> int:
        return len(self.all)

    def changes(self, after: int, limit: int = 1000) -> list[Change]:
        self.read += 1
        return self.all[after : after + limit]


def test_only_the_type_that_changed_grows() -> None:
    feed = Feed()
    feed.add("a")
    fresh = Freshness(feed)
    before = fresh.of(["a"]), fresh.of(["b"])
    feed.add("b")
    assert fresh.of(["a"]) == before[0]
    assert fresh.of(["b"]) > before[1]
    assert fresh.of(["a", "b"]) == fresh.of(["b"])


def test_an_unchanged_feed_is_not_read() -> None:
    feed = Feed()
    fresh = Freshness(feed)
    feed.add("a")
    fresh.of(["a"])
    fresh.of(["a"])
    assert feed.read == 1


def test_after_a_large_import_every_type_counts_as_changed() -> None:
    feed = Feed()
    fresh = Freshness(feed)
    before = fresh.of(["never"])
    for _ in range(freshness.READ_AT_MOST + 1):
        feed.add("a")
    assert fresh.of(["never"]) > before
    assert feed.read == 0


def test_a_shorter_feed_is_another_one() -> None:
    feed = Feed()
    for _ in range(5):
        feed.add("a")
    fresh = Freshness(feed)
    assert fresh.of(["a"]) == 5
    feed.all = feed.all[:2]
    assert fresh.of(["a"]) == 2


def test_what_is_known_survives_a_restart() -> None:
    feed = Feed()
    feed.add("a")
    first = Freshness(feed)
    feed.add("b")
    versions = first.of(["a"]), first.of(["b"])
    again = Freshness(feed, first.state())
    assert (again.of(["a"]), again.of(["b"])) == versions
    feed.add("b")
    assert again.of(["a"]) == versions[0]
    assert again.of(["b"]) == 3


def test_a_kept_value_is_made_once_until_its_types_change() -> None:
    feed = Feed()
    kept = Kept(Freshness(feed))
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return len(made)

    assert [kept.get("k", ["a"], make) for _ in range(3)] == [1, 1, 1]
    feed.add("b")
    assert kept.get("k", ["a"], make) == 1
    feed.add("a")
    assert kept.get("k", ["a"], make) == 2


def test_threads_wait_for_the_one_that_makes_the_value() -> None:
    kept = Kept(Freshness(Feed()))
    gate = threading.Event()
    made: list[int] = []

    def make() -> int:
        made.append(1)
        gate.wait(10)
        return 7

    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(kept.get("k", ["a"], make))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert (found, len(made)) == ([7] * 4, 1)
