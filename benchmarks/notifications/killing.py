"""kill -9 in the middle of notification, many times.

Cars are changed without pause while the node is killed at random moments and started again. At the end
every change that was acknowledged must have reached the receiver, each under one identifier only.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

from benchmarks.notifications.parts import Arrived, Receiver, Served, Writer, free_port

CARS = 20
CONNECTIONS = 4


async def kill_often(folder: Path, kills: int) -> dict[str, Any]:
    """Kill a node `kills` times; what was acknowledged, what arrived."""
    arrived, acknowledged = Arrived(), set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Receiver(arrived.add), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    node = Served(folder, free_port())
    await asyncio.to_thread(node.start)
    await _prepare(node, f"http://127.0.0.1:{port}/n")
    stop = asyncio.Event()
    numbers = iter(range(1, 100_000_000))

    async def work() -> None:
        writer = Writer(node.port)
        while not stop.is_set():
            value = next(numbers)
            car = f"urn:x:car:{value % CARS}"
            status = await writer.send("PATCH", f"/entities/{car}/attrs", {"speed": value})
            if status == 204:
                acknowledged.add((car, value))
            else:
                await asyncio.sleep(0.02)
        writer.close()

    workers = [asyncio.create_task(work()) for _ in range(CONNECTIONS)]
    chance = random.Random(7)
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0.2, 1.2))
        await asyncio.to_thread(node.kill)
        await asyncio.to_thread(node.start)
    await asyncio.sleep(0.5)
    stop.set()
    await asyncio.gather(*workers)
    await arrived.wait(acknowledged, 60)
    await asyncio.to_thread(node.stop)
    server.close()
    values = list(arrived.by_id.values())
    return {
        "kills": kills,
        "acknowledged": len(acknowledged),
        "lost": len(acknowledged - arrived.moments.keys()),
        "arrived": len(values),
        "sent again under the same identifier": arrived.again,
        "twice to an idempotent receiver": len(values) - len(set(values)),
        "entities out of order": sum(v != sorted(v) for v in arrived.order.values()),
    }


async def _prepare(node: Served, receiver: str) -> None:
    writer = Writer(node.port)
    for number in range(CARS):
        car = {"id": f"urn:x:car:{number}", "type": "Car", "speed": 0}
        assert await writer.send("POST", "/entities", car) == 201
    body = {
        "id": "urn:x:s:1",
        "type": "Subscription",
        "entities": [{"type": "Car"}],
        "notification": {"endpoint": {"uri": receiver}},
    }
    assert await writer.send("POST", "/subscriptions", body) == 201
    writer.close()
