"""``python -m benchmarks.anonymise``: microseconds of CPU time for one entity, in each step and in the screen.

Entities are readings of 1 KB as those of :mod:`benchmarks.http.payload`, with an owner, in the internal form. Each figure is the
least of several rounds over all of them: what the work takes when nobody disturbs it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import orjson

from benchmarks.http import payload
from benchmarks.store.gauge import machine
from hansa.ngsild import merge
from hansa.ngsild.city import city_context, city_iri
from hansa.ngsild.expand import Rules, expand_entity
from hansa.ngsild.model import Entity
from hansa.trust import redlines
from hansa.trust.anonymise.account import Account
from hansa.trust.anonymise.declare import parse
from hansa.trust.anonymise.groups import plain_value, written
from hansa.trust.anonymise.measures import measure
from hansa.trust.anonymise.pseudonyms import Key
from hansa.trust.screen import Screening

COUNT, ROUNDS = 2_000, 7
NOW = "2026-11-25T08:00:00.000000Z"
DROP: dict[str, Any] = {"step": "drop", "attributes": ["owner"]}
STEPS: dict[str, list[dict[str, Any]]] = {
    "what is personal alone (no steps)": [],
    "drop": [DROP],
    "time, to the hour": [DROP, {"step": "time", "attributes": ["observedAt"], "period": "PT1H"}],
    "place, to a cell": [DROP, {"step": "place", "attributes": ["location"], "resolution": 7}],
    "pseudonymise": [{"step": "pseudonymise", "attributes": ["id", "owner"], "rotate": "P1D"}],
    "suppress below 5": [DROP, {"step": "suppress", "k": 5, "by": ["humidity"]}],
}


def least(work: Callable[[], object], count: int = COUNT) -> float:
    """Microseconds of CPU time for one of `count`."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best / count * 1e6


def readings(owned: bool) -> list[Entity]:
    """The entities, as they come from expansion."""
    rules, made = Rules(city_context()), []
    for number in range(COUNT):
        raw = orjson.loads(payload.entity(number))
        if owned:
            raw["owner"] = {"type": "Property", "value": f"Owner {number}"}
        made.append(expand_entity(raw, rules))
    return made


def measure_steps() -> None:
    """Each kind of step."""
    key = Key.new("k")
    for name, declared in STEPS.items():
        steps, entities = parse(declared or None, city_iri), readings(bool(declared))

        def work(steps: Any = steps, entities: list[Entity] = entities) -> None:
            account = Account()
            made = [steps.change(each, key, account) for each in entities]
            left, _ = steps.judge([each for each in made if each is not None], account)
            assert left

        print(f"  {name:36} {least(work):7.1f} µs")
    rows = [
        ([written(plain_value(each, city_iri("humidity")))], [written(number % 7)])
        for number, each in enumerate(readings(False))
    ]
    print(f"  {'k, l and t, a row':36} {least(lambda: measure(rows)):7.1f} µs")


def measure_screen() -> None:
    """The store's screen, of entities that are new and of those of which one attribute is."""
    screen = Screening()
    stored = [merge.create(each, NOW) for each in readings(False)]
    speed = next(name for name in stored[0] if name.endswith("/speed"))
    after = [{**each, speed: [{**each[speed][0], "value": 1}]} for each in stored]
    pairs = list(zip(after, stored, strict=True))
    lines = {
        "screen, a new entity": lambda: [screen.check(each) for each in stored],
        "screen, one attribute of one": lambda: [screen.check(new, old) for new, old in pairs],
        "red lines without the glance": lambda: [redlines.check(each) for each in stored],
    }
    for name, work in lines.items():
        print(f"  {name:36} {least(work):7.1f} µs")


if __name__ == "__main__":
    print(machine())
    measure_steps()
    measure_screen()
