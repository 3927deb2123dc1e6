"""The work that goes on while faults happen: writes whose outcome is known, and reads that are checked.

Every value is written once, and the values of an entity only grow. So what is acknowledged must stand
afterwards, or a later value that was sent; and a read must never show less than what was acknowledged
before it began, nor something that nobody wrote.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from benchmarks.faults.nodes import CARS, LAMPS, Node, ask, car, lamp

__all__ = ["Known", "Work"]

PATIENCE: Final = 15.0
_NOBODY: Final = frozenset({"dead", "hostile"})


@dataclass
class Known:
    """What is known of the outcome: values acknowledged and sent, facts made and removed."""

    acknowledged: dict[str, list[int]] = field(default_factory=dict)
    sent: dict[str, set[int]] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    counted: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0

    def last(self, id: str) -> int:
        """The last acknowledged value of an entity."""
        return self.acknowledged.get(id, [0])[-1]

    def fault(self, text: str) -> None:
        """Note something that must not be."""
        self.counted["faults"] += 1
        if len(self.faults) < 200:
            self.faults.append(f"{time.strftime('%H:%M:%S')} {text}")


class Work:
    """Writers and readers of the nodes, until :attr:`stop` is set.

    Args:
        pause: seconds between two requests of one worker.
    """

    def __init__(self, nodes: list[Node], known: Known, seed: int, pause: float) -> None:
        self.nodes, self.known, self.pause = nodes, known, pause
        self.stop = asyncio.Event()
        self._chance = random.Random(seed)
        self._values = count(1)

    def start(self) -> list[asyncio.Task[None]]:
        """Begin."""
        return [
            asyncio.create_task(work(node))
            for node in self.nodes
            for work in (self._change, self._make, self._switch, self._read)
        ]

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), self.pause * self._chance.uniform(0.5, 1.5))

    async def _write(self, node: Node, id: str, path: str) -> None:
        value = next(self._values)
        self.known.sent.setdefault(id, set()).add(value)
        status, _, said = await ask(node.port, "PATCH", path, {"speed": value}, PATIENCE)
        self.known.counted[f"write {status}"] += 1
        if status == 204:
            self.known.acknowledged.setdefault(id, []).append(value)
        elif status == 500:
            self.known.fault(f"{node.name} answered 500 to a change: {said}")

    async def _change(self, node: Node) -> None:
        """Change the cars that the node itself holds."""
        while not self.stop.is_set():
            id = car(node.name, self._chance.randrange(CARS))
            await self._write(node, id, f"/entities/{id}/attrs?local=true")
            await self._rest()

    async def _switch(self, node: Node) -> None:
        """Change the lamps that its neighbour holds for it."""
        while not self.stop.is_set():
            id = lamp(node.name, self._chance.randrange(LAMPS))
            await self._write(node, id, f"/entities/{id}/attrs?type=Lamp-{node.name}")
            await self._rest()

    async def _make(self, node: Node) -> None:
        """Make facts, and remove every third of them again."""
        for number in count():
            if self.stop.is_set():
                return
            id = f"urn:x:fact:{node.name}:{number}"
            status, _, said = await ask(
                node.port, "POST", "/entities", {"id": id, "type": "Fact", "n": number}, PATIENCE
            )
            self.known.counted[f"create {status}"] += 1
            self._note(node, status, 201, id, said)
            if status == 201 and number % 3 == 2:
                status, _, said = await ask(
                    node.port, "DELETE", f"/entities/{id}?local=true", None, PATIENCE
                )
                self.known.counted[f"delete {status}"] += 1
                self.known.made.pop(id)
                if status == 204:
                    self.known.gone[id] = node.name
                else:
                    self.known.unsure.add(id)
            await self._rest()

    def _note(self, node: Node, status: int, good: int, id: str, said: object) -> None:
        if status == good:
            self.known.made[id] = node.name
        else:
            self.known.unsure.add(id)
        if status == 500:
            self.known.fault(f"{node.name} answered 500 to a creation: {said}")

    async def _read(self, node: Node) -> None:
        """Ask for all cars, and check what comes."""
        while not self.stop.is_set():
            await self._rest()
            before = {
                car(other.name, n): self.known.last(car(other.name, n))
                for other in self.nodes
                for n in range(CARS)
            }
            began, up = time.monotonic(), node.up
            status, headers, said = await ask(
                node.port, "GET", "/entities?type=Car&limit=1000", None, PATIENCE
            )
            taken = time.monotonic() - began
            self.known.counted[f"read {status}"] += 1
            if status == 200:
                self.known.slowest = max(self.known.slowest, taken)
                self._check(node, before, headers.get("ngsild-warning", ""), said)
            elif status and up and node.up and status not in (503, 507):
                self.known.fault(f"{node.name} answered {status} to a query: {said}")

    def _check(self, node: Node, before: dict[str, int], warned: str, said: list[dict]) -> None:
        """Everybody's cars are there, or the answer says whose are not; no value is older or made up."""
        found = {entity["id"]: entity for entity in said}
        if len(found) != len(said):
            self.known.fault(f"{node.name} told of an entity twice")
        for id in found.keys() - before.keys():
            self.known.fault(f"{node.name} told of {id}, which nobody made")
        for other in self.nodes:
            excused = other is not node and f"urn:x:r:{other.name}:" in warned
            self.known.counted["parts missing with a warning"] += excused
            for id in (car(other.name, n) for n in range(CARS)):
                if id not in found:
                    if not excused:
                        self.known.fault(f"{node.name} does not tell of {id}, without a warning")
                    continue
                value = found[id]["speed"]["value"]
                if value < before[id]:
                    self.known.fault(f"{node.name}: {id} is {value}, was {before[id]} before")
                elif value and value not in self.known.sent.get(id, ()):
                    self.known.fault(f"{node.name}: {id} is {value}, which nobody wrote")
