"""The index finds whom a change concerns, and nobody who cannot be concerned is needed for that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hansa.hub.notify.endpoint import Endpoint
from hansa.hub.subscriptions.condition import is_selected
from hansa.hub.subscriptions.difference import difference
from hansa.hub.subscriptions.index import Index
from hansa.hub.subscriptions.model import DEFAULT_TRIGGERS, TRIGGERS, Subscription
from hansa.ngsild.query import And, Or, Selector, TypeFilter, TypeName

ENDPOINT = Endpoint("http://a.example", "http", "a.example", 80)
TYPES = st.sampled_from(["A", "B", "C"])
NAMES = st.sampled_from(["speed", "colour", "owner"])
IDS = st.sampled_from(["urn:x:1", "urn:x:2"])


@dataclass
class Watcher:
    subscription: Subscription


type_filters: st.SearchStrategy[TypeFilter] = st.recursive(
    TYPES.map(TypeName),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda p: And(tuple(p))),
        st.lists(inner, min_size=1, max_size=3).map(lambda p: Or(tuple(p))),
    ),
    max_leaves=4,
)
selectors = st.builds(
    Selector,
    st.none() | type_filters,
    st.none() | IDS,
    st.none() | st.sampled_from(["1$", "^urn", "z"]),
)
subscriptions = st.builds(
    lambda number, chosen, watched, triggers: Subscription(
        f"urn:s:{number}",
        ENDPOINT,
        selectors=tuple(chosen),
        watched=frozenset(watched) or None,
        triggers=frozenset(triggers or DEFAULT_TRIGGERS),
    ),
    st.integers(0, 20),
    st.lists(selectors, max_size=3),
    st.sets(NAMES, max_size=2),
    st.sets(st.sampled_from(TRIGGERS), max_size=3),
)
states = st.none() | st.builds(
    lambda types, values: {
        "type": sorted(types),
        **{n: [{"type": "Property", "value": v}] for n, v in values.items()},
    },
    st.sets(TYPES, min_size=1),
    st.dictionaries(NAMES, st.integers(0, 1), max_size=3),
)


@given(st.lists(subscriptions, max_size=12), IDS, states, states, st.lists(st.integers(0, 20)))
def test_no_subscription_that_a_change_concerns_is_missed(
    all: list[Subscription], id: str, before: Any, after: Any, dropped: list[int]
) -> None:
    index: Index[Watcher] = Index()
    for subscription in all:
        index.put(Watcher(subscription))
    for number in dropped:
        index.drop(f"urn:s:{number}")
    if before is None and after is None:
        return
    old, new = ({"id": id, **state} if state else None for state in (before, after))
    change = difference(old, new)
    found = index.candidates(id, change.types, change.touched)
    concerned = {
        watcher.subscription.id
        for watcher in index
        if change.touched
        and change.concerns(watcher.subscription.triggers, watcher.subscription.watched)
        and is_selected(change.entity, watcher.subscription.selectors)
    }
    assert concerned <= {watcher.subscription.id for watcher in found}
    assert len(found) == len({watcher.subscription.id for watcher in found})


def test_others_are_not_looked_at() -> None:
    index: Index[Watcher] = Index()
    for number in range(100):
        chosen = (Selector(TypeName(f"T{number}")),)
        index.put(Watcher(Subscription(f"urn:s:{number}", ENDPOINT, chosen, frozenset({"a"}))))
    assert [w.subscription.id for w in index.candidates("urn:x", ["T7"], ["a"])] == ["urn:s:7"]
    assert index.candidates("urn:x", ["T7"], ["b"]) == []
    index.drop("urn:s:7")
    assert index.candidates("urn:x", ["T7"], ["a"]) == []
    assert len(index) == 99


def test_types_that_are_numbers_of_another_kind_are_a_change() -> None:
    def car(value: Any) -> dict[str, Any]:
        return {
            "id": "urn:x:1",
            "type": ["Car"],
            "speed": [{"type": "Property", "value": value, "modifiedAt": str(type(value))}],
        }

    assert difference(car(1), car(True)).updated == {"speed"}
    assert difference(car(1), car(1)).touched == set()
