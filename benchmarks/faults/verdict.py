"""What is there at the end, against what was acknowledged."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import orjson

from benchmarks.faults.nodes import Node, ask
from benchmarks.faults.work import Known

__all__ = ["Told", "verdict"]


class Told:
    """What receivers got of the nodes' subscriptions; it refuses while it is out of order itself."""

    def __init__(self) -> None:
        self.by_id: dict[str, set[tuple[str, str, Any]]] = {}
        self.arrived: Counter[tuple[str, str, Any]] = Counter()
        self.again = 0
        self.broken = False

    async def serve(self) -> tuple[asyncio.Server, int]:
        """Listen on a free port."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        return server, server.sockets[0].getsockname()[1]

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                if not self.broken:
                    self.take(orjson.loads(body))
                status = b"503 Out of order" if self.broken else b"200 OK"
                writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            writer.close()

    def take(self, found: dict[str, Any]) -> None:
        """One notification, as an idempotent receiver takes it: by its identifier."""
        if found["id"] in self.by_id:
            self.again += 1
            return
        whose = found["subscriptionId"]
        said = {(whose, e["id"], e["speed"]["value"]) for e in found["data"] if "speed" in e}
        self.by_id[found["id"]] = said
        self.arrived.update(said)


async def verdict(nodes: list[Node], known: Known, told: Told, patience: float) -> dict[str, Any]:
    """Compare, when all nodes are up and well; waits up to `patience` seconds for notifications."""
    due = {
        (whose, id, value)
        for id, values in known.acknowledged.items()
        if ":car:" in id
        for whose in _told_of(id, nodes)
        for value in values
    }
    for _ in range(int(patience / 0.5)):
        if not due - told.arrived.keys():
            break
        await asyncio.sleep(0.5)
    lost = {"values": 0, "values of history": 0, "facts": 0, "removals": 0}
    for place, node in enumerate(nodes):
        before = nodes[place - 1].name
        for id in known.sent:
            if f":car:{node.name}:" in id or f":lamp:{before}:" in id:
                await _value(node, id, known, lost)
    holder = {node.name: node for node in nodes}
    for id, name in known.made.items():
        status, _, _ = await ask(holder[name].port, "GET", f"/entities/{id}?local=true")
        if status != 200:
            lost["facts"] += 1
            known.fault(f"{id} was made, and is not there ({status})")
    for id, name in known.gone.items():
        status, _, _ = await ask(holder[name].port, "GET", f"/entities/{id}?local=true")
        if status != 404:
            lost["removals"] += 1
            known.fault(f"{id} was removed, and is there ({status})")
    missing = due - told.arrived.keys()
    for whose, id, value in sorted(missing)[:20]:
        known.fault(f"{whose} was not told that {id} became {value}")
    return {
        "acknowledged": {
            "values": sum(map(len, known.acknowledged.values())),
            "facts": len(known.made),
            "removals": len(known.gone),
        },
        "lost": lost,
        "notifications": {
            "due": len(due),
            "of these through another node": sum(who.endswith(":far") for who, _, _ in due)
            - sum(map(len, (v for id, v in known.acknowledged.items() if ":car:" in id))),
            "missing": len(missing),
            "twice to an idempotent receiver": sum(n > 1 for n in told.arrived.values()),
            "sent again under the same identifier": told.again,
        },
    }


def _told_of(id: str, nodes: list[Node]) -> list[str]:
    """The subscriptions that a change of a car is due to: its holder's own, and everybody's far one."""
    return [f"urn:x:s:{id.split(':')[3]}", *(f"urn:x:s:{node.name}:far" for node in nodes)]


async def _value(node: Node, id: str, known: Known, lost: dict[str, int]) -> None:
    status, _, entity = await ask(node.port, "GET", f"/entities/{id}?local=true")
    value = entity["speed"]["value"] if status == 200 else -1
    if value < known.last(id) or (value and value not in known.sent[id]):
        lost["values"] += 1
        known.fault(f"{id} is {value}, was acknowledged with {known.last(id)}")
    path = f"/temporal/entities/{id}?timeproperty=modifiedAt&options=temporalValues&local=true"
    status, _, past = await ask(node.port, "GET", path)
    pairs = past["speed"]["values"] if status in (200, 206) else []
    there = {pair[0] for pair in pairs}
    missing = set(known.acknowledged.get(id, ())) - there
    lost["values of history"] += len(missing)
    if missing:
        known.fault(f"the history of {id} ({status}) lacks {sorted(missing)[:5]}")
    made_up = there - known.sent[id] - {0}
    if made_up:
        known.fault(f"the history of {id} has {sorted(made_up)[:5]}, which nobody wrote")
