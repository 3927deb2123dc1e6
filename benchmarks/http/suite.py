"""One broker from its first start to its second, with everything measured in between."""

from __future__ import annotations

import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from benchmarks.http.brokers import Broker
from benchmarks.http.measures import MEASURES, Measure, Plan, take
from benchmarks.http.payload import load
from benchmarks.http.process import Running, free_port

__all__ = ["measure_broker"]

_WRITES = frozenset({"patch", "patch_1", "replace", "create", "upsert"})


def measure_broker(
    broker: Broker, plan: Plan, wanted: Collection[str], say: Callable[[str], None]
) -> dict[str, Any]:
    """Everything about one broker."""
    say(f"== {broker.name}")
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        return _measured(broker, plan, wanted, say, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measured(
    broker: Broker, plan: Plan, wanted: Collection[str], say: Callable[[str], None], folder: Path
) -> dict[str, Any]:
    found: dict[str, Any] = {"name": broker.name, "durability": broker.durability}
    running, base = _start(broker, folder)
    try:
        found["first_start"] = round(running.start_seconds, 3)
        start = time.perf_counter()
        load(base, plan.entities)
        found["load_rate"] = round(plan.entities / (time.perf_counter() - start))
        found["memory_loaded"] = running.memory().now
        say(f"loaded {plan.entities:,} at {found['load_rate']:,}/s, {found['memory_loaded']} MiB")
        reads = [m for m in MEASURES if m.key not in _WRITES]
        writes = [m for m in MEASURES if m.key in _WRITES]
        measures = _all(reads, base, plan, running, wanted, say)
        found["memory_read"] = running.memory().now
        measures |= _all(writes, base, plan, running, wanted, say)
        found["memory_end"] = running.memory().peak
        found["measures"] = measures
    finally:
        running.end()
    running, base = _start(broker, folder)
    try:
        found["second_start"] = round(running.start_seconds, 3)
        found["kept"] = _holds(base)
    finally:
        running.end()
    say(f"second start {found['second_start']} s, peak memory {found['memory_end']} MiB")
    return found


def _start(broker: Broker, folder: Path) -> tuple[Running, str]:
    port = free_port()
    environment = {
        name: value.format(port=port, folder=folder) for name, value in broker.environment.items()
    }
    base = f"http://127.0.0.1:{port}{broker.path}"
    running = Running(
        broker.command.format(port=port, folder=folder),
        f"{base}/entities/urn:ngsi-ld:Reading:0",
        folder / "log.txt",
        environment,
    )
    return running, base


def _all(
    measures: list[Measure],
    base: str,
    plan: Plan,
    running: Running,
    wanted: Collection[str],
    say: Callable[[str], None],
) -> dict[str, Any]:
    chosen = [m for m in measures if not wanted or m.key in wanted]
    return {m.key: take(m, base, plan, running, say) for m in chosen}


def _holds(base: str) -> bool:
    """Whether the loaded entities are still there."""
    try:
        urllib.request.urlopen(f"{base}/entities/urn:ngsi-ld:Reading:0", timeout=30).close()
    except urllib.error.HTTPError:
        return False
    return True
