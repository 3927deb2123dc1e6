"""kill -9 in the middle of writes: what was acknowledged must be there afterwards, and its history too.

Each worker has entities of its own and writes to them without pause: created, changed, changed in
batches, deleted, and history written beside. It keeps what the node acknowledged. What was under way
when the node died may be there or not, but whole: a batch that was not acknowledged counts for nothing.
"""

from __future__ import annotations

import asyncio
import random
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from benchmarks.notifications.parts import Served, Writer, free_port
from hansa.store.sqlite import open_store

__all__ = ["kill_writes"]

WORKERS = 4
_START = datetime(2026, 1, 1, tzinfo=UTC)


class Ledger:
    """What was acknowledged.

    Attributes:
        values: entity to the number that it was last known to hold.
        unsure: entity to the numbers that were sent since, and not acknowledged.
        written: (entity, number) of history that must be there once.
        acknowledged: how many writes, by kind.
    """

    def __init__(self) -> None:
        self.values: dict[str, int] = {}
        self.unsure: dict[str, set[int]] = {}
        self.gone: set[str] = set()
        self.written: set[tuple[str, int]] = set()
        self.acknowledged: dict[str, int] = {}

    def note(self, kind: str, changes: dict[str, int], *, fine: bool) -> None:
        """The outcome of a write."""
        if fine:
            self.acknowledged[kind] = self.acknowledged.get(kind, 0) + 1
        for id, value in changes.items():
            if fine:
                self.values[id] = value
                self.unsure.pop(id, None)
                self.written.add((id, value))
            else:
                self.unsure.setdefault(id, set()).add(value)


async def kill_writes(folder: Path, kills: int) -> dict[str, Any]:
    """Kill a node `kills` times while it writes; what was acknowledged, what is missing."""
    node = Served(folder, free_port())
    await asyncio.to_thread(node.start)
    ledger, stop, numbers = Ledger(), asyncio.Event(), count(1)
    workers = [asyncio.create_task(_work(n, node, ledger, stop, numbers)) for n in range(WORKERS)]
    chance = random.Random(11)
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0.2, 1.2))
        await asyncio.to_thread(node.kill)
        await asyncio.to_thread(node.start)
    await asyncio.sleep(0.3)
    stop.set()
    await asyncio.gather(*workers)
    lost, doubled, wrong = await asyncio.to_thread(_counted, node, ledger)
    await asyncio.to_thread(node.stop)
    store = open_store(folder / "store" / "default.sqlite")
    faults = store.check()
    store.close()
    return {
        "kills": kills,
        "acknowledged": sum(ledger.acknowledged.values()),
        "of these": ledger.acknowledged,
        "lost": lost,
        "twice in history": doubled,
        "with a wrong value": wrong,
        "faults of the database": len(faults),
    }


async def _work(
    number: int, node: Served, ledger: Ledger, stop: asyncio.Event, numbers: Iterator[int]
) -> None:
    writer, chance = Writer(node.port), random.Random(number)
    while not stop.is_set():
        kind = chance.choice(("create", "change", "change", "batch", "history", "delete"))
        fine = await _one(kind, f"urn:x:{number}:", writer, ledger, numbers, chance)
        if not fine:
            await asyncio.sleep(0.02)
    writer.close()


async def _one(
    kind: str,
    prefix: str,
    writer: Writer,
    ledger: Ledger,
    numbers: Iterator[int],
    chance: random.Random,
) -> bool:
    value = next(numbers)
    mine = [id for id in ledger.values if id.startswith(prefix) and id not in ledger.gone][-30:]
    if kind == "create" or len(mine) < 5:
        id = f"{prefix}{value}"
        body = {"id": id, "type": "Thing", "speed": value}
        fine = await writer.send("POST", "/entities", body) == 201
        ledger.note("create", {id: value}, fine=fine)
        return fine
    if kind == "change":
        id = chance.choice(mine)
        fine = await writer.send("PATCH", f"/entities/{id}/attrs", {"speed": value}) == 204
        ledger.note(kind, {id: value}, fine=fine)
        return fine
    if kind == "batch":
        ids = chance.sample(mine, 5)
        items = [{"id": id, "type": "Thing", "speed": value} for id in ids]
        fine = await writer.send("POST", "/entityOperations/update", items) in (200, 204)
        ledger.note(kind, dict.fromkeys(ids, value), fine=fine)
        return fine
    if kind == "history":
        return await _history(writer, ledger, chance.choice(mine), value)
    id = chance.choice(mine)
    ledger.gone.add(id)  # nobody writes to it any more, whatever becomes of this
    fine = await writer.send("DELETE", f"/entities/{id}", {}) == 204
    if fine:
        ledger.acknowledged[kind] = ledger.acknowledged.get(kind, 0) + 1
        ledger.values.pop(id)
    else:
        ledger.unsure.setdefault(id, set()).add(-1)
    return fine


async def _history(writer: Writer, ledger: Ledger, id: str, value: int) -> bool:
    at = (_START + timedelta(seconds=value)).isoformat().replace("+00:00", "Z")
    instance = {"type": "Property", "value": value, "observedAt": at}
    path = f"/temporal/entities/{id}/attrs"
    fine = await writer.send("POST", path, {"speed": [instance]}) == 204
    if fine:
        ledger.acknowledged["history"] = ledger.acknowledged.get("history", 0) + 1
        ledger.written.add((id, value))
    return fine


def _counted(node: Served, ledger: Ledger) -> tuple[int, int, int]:
    """How many acknowledged writes are missing, how many stand twice in history, how many values are wrong."""
    wrong, found = 0, {id: _get(node, f"/entities/{id}?options=keyValues") for id in ledger.values}
    for id, entity in found.items():
        possible = {ledger.values[id], *ledger.unsure.get(id, ())}
        value = -1 if entity is None else entity["speed"]
        wrong += value not in possible
    lost = doubled = 0
    by_entity: dict[str, set[int]] = {}
    for id, number in ledger.written:
        by_entity.setdefault(id, set()).add(number)
    for id, numbers in by_entity.items():
        past = _get(node, f"/temporal/entities/{id}?attrs=speed&timeproperty=modifiedAt") or {}
        instances = past.get("speed", [])
        shown = [
            each["value"] for each in (instances if isinstance(instances, list) else [instances])
        ]
        kept = [value for value in shown if isinstance(value, int)]
        lost += len(numbers - set(kept))
        doubled += len(kept) - len(set(kept))
    return lost, doubled, wrong


def _get(node: Served, path: str) -> Any:
    try:
        with urllib.request.urlopen(node.url(path), timeout=30) as answer:
            return orjson.loads(answer.read())
    except urllib.request.HTTPError as error:
        if error.code == 404:
            return None
        raise
