"""What is measured, in which order: reads of the loaded entities first, then writes to them, then
writes that add entities.

Rates are taken with 32 connections; the latency of queries also with one, where nothing waits in a
queue. Each measurement has a short warm-up, then rounds; the round with the median rate counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median_low
from typing import Any

from benchmarks.http.payload import BATCH
from benchmarks.http.process import Running
from benchmarks.http.wrk import Burst, run

__all__ = ["MEASURES", "Measure", "Plan", "take"]

CLIENTS = 32
_WARM_UP = 2.0


@dataclass(frozen=True, slots=True)
class Measure:
    """One measurement: a script of the generator, and how many entities one request stands for."""

    key: str
    title: str
    script: str
    connections: int = CLIENTS
    each: int = 1
    arguments: tuple[str, ...] = ()
    target: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is loaded, how long each round takes [seconds], and how many there are."""

    entities: int
    seconds: float
    rounds: int


_N = "{entities}"
_B = str(BATCH)

MEASURES = (
    Measure("retrieve", "retrieve by id", "retrieve", arguments=(_N,), target="8,000/s"),
    Measure("list", "20 of a type", "list"),
    Measure("value", "q, one value", "value"),
    Measure("value_1", "q, one value, 1 client", "value", 1, target="5 ms"),
    Measure("range", "q, a range", "range"),
    Measure("range_1", "q, a range, 1 client", "range", 1, target="5 ms"),
    Measure("box", "box", "box"),
    Measure("box_1", "box, 1 client", "box", 1, target="5 ms"),
    Measure("patch", "partial update", "patch", arguments=(_N,), target="4,000/s"),
    Measure("patch_1", "partial update, 1 client", "patch", 1, arguments=(_N,)),
    Measure("replace", "batch upsert, there", "replace", each=BATCH, arguments=(_B, _N)),
    Measure("create", "create", "create", target="2,500/s"),
    Measure(
        "upsert", "batch upsert, new", "upsert", each=BATCH, arguments=(_B,), target="10,000/s"
    ),
)


def take(
    measure: Measure, base: str, plan: Plan, broker: Running, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure, and say what came out."""
    arguments = [a.format(entities=plan.entities) for a in measure.arguments]
    run(measure.script, base, _WARM_UP, measure.connections, *arguments)
    rounds = []
    for _ in range(plan.rounds):
        before = broker.cpu_seconds()
        burst = run(measure.script, base, plan.seconds, measure.connections, *arguments)
        _settle(broker)
        rounds.append(_figures(burst, broker.cpu_seconds() - before, measure.each))
    rate = median_low([figures["rate"] for figures in rounds])
    found = next(figures for figures in rounds if figures["rate"] == rate)
    found["cpu_us"] = median_low([figures["cpu_us"] for figures in rounds])
    found["rounds"] = [figures["rate"] for figures in rounds]
    say(
        f"{measure.title:>26}: {rate:>9,.0f}/s, {found['median_ms']:.2f} ms, "
        f"CPU {found['cpu_us']:.0f} µs, {found['failed']} failed"
    )
    return found


def _settle(broker: Running) -> None:
    """Wait until what the last requests left behind is done, so that it is counted."""
    used = broker.cpu_seconds()
    for _ in range(50):
        time.sleep(0.1)
        before, used = used, broker.cpu_seconds()
        if used - before < 0.02:
            return


def _figures(burst: Burst, cpu: float, each: int) -> dict[str, Any]:
    """Entities (or requests) per second, CPU per entity [µs], latencies per request [ms].

    A broker that answered nothing in all that time has a rate of 0 and no meaningful latency.
    """
    done = max(burst.requests - burst.failed, 0) * each
    return {
        "rate": round(done / burst.seconds, 1),
        "cpu_us": round(cpu / max(done, 1) * 1e6, 1),
        "median_ms": round(burst.median_ms, 2),
        "p99_ms": round(burst.p99_ms, 2),
        "failed": burst.failed,
    }
