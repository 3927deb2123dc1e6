"""Notifications due against those delivered, at several rates and numbers of subscriptions.

Of the subscriptions one concerns the cars that change and points at the receiver, one concerns them too and
points at an endpoint that is dead; the others are for fleets that do not change.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.notifications.parts import Arrived, Receiver, Served, Writer, free_port
from hansa.hub.entities import create as create_entity
from hansa.hub.subscriptions.model import KIND
from hansa.hub.subscriptions.writing import Origin, create
from hansa.kernel.clock import Clock, iso
from hansa.kernel.folder import Folder
from hansa.ngsild.context import CORE
from hansa.store.tenants import Tenants

CARS = 100
CONNECTIONS = 8


async def measure(
    folder: Path, count: int, rates: list[int], seconds: float, connections: int = CONNECTIONS
) -> list[dict[str, Any]]:
    """A node with `count` subscriptions, beside the dead one: one line for each rate."""
    arrived = Arrived()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Receiver(arrived.add), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    node = Served(folder, free_port())
    _prepare(folder, count, f"http://127.0.0.1:{port}/n")
    await asyncio.to_thread(node.start)
    try:
        await _settle_in(node, arrived)
        return [await _rate(node, arrived, count, rate, seconds, connections) for rate in rates]
    finally:
        await asyncio.to_thread(node.stop)
        server.close()


def _prepare(folder: Path, count: int, receiver: str) -> None:
    """Write the cars and the subscriptions into the folder of a node that is not served."""
    tenants = Tenants(Folder.open(folder).store, Clock())
    store = tenants.get_or_create(None)
    now = iso(Clock().now())
    speed = {
        "https://uri.etsi.org/ngsi-ld/default-context/speed": [{"type": "Property", "value": -1}]
    }
    kind = "https://uri.etsi.org/ngsi-ld/default-context/Car"
    cars = [{"id": f"urn:x:car:{number}", "type": [kind], **speed} for number in range(CARS)]
    store.write([create_entity(car, now) for car in cars]).result()
    targets = [("Car", receiver), ("Car", "http://127.0.0.1:9/dead")]
    targets += [(f"Fleet{number}", receiver) for number in range(count - 1)]
    origin = Origin(CORE, "http://127.0.0.1", None)
    writes = []
    for number, (name, uri) in enumerate(targets):
        body = {
            "type": "Subscription",
            "entities": [{"type": name}],
            "watchedAttributes": ["speed"],
            "q": "speed>=0",
            "notification": {"endpoint": {"uri": uri}},
        }
        writes.append(create(f"urn:x:s:{number}", body, origin, now))
    store.outbox.keep_images(True)
    store.write_records(KIND, writes).result()
    tenants.close()


async def _settle_in(node: Served, arrived: Arrived) -> None:
    """Wait until a first change has been told: the node has taken up its subscriptions."""
    writer = Writer(node.port)
    await writer.send("PATCH", "/entities/urn:x:car:0/attrs", {"speed": 0})
    writer.close()
    await arrived.wait([("urn:x:car:0", 0)], 60)


async def _rate(
    node: Served, arrived: Arrived, count: int, rate: int, seconds: float, connections: int
) -> dict[str, Any]:
    """Change cars at a rate; what became of it."""
    written: dict[tuple[str, int], float] = {}
    first = max((value for _, value in arrived.by_id.values()), default=0) + 1
    numbers = iter(range(first, first + int(rate * seconds)))
    began = time.monotonic()

    async def work() -> None:
        writer = Writer(node.port)
        for value in numbers:
            pause = began + (value - first) / rate - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
            car = f"urn:x:car:{value % CARS}"
            if await writer.send("PATCH", f"/entities/{car}/attrs", {"speed": value}) == 204:
                written[car, value] = time.monotonic()
        writer.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    took = time.monotonic() - began
    await arrived.wait(written, 60)
    delays = sorted(
        arrived.moments[key] - at for key, at in written.items() if key in arrived.moments
    )
    return {
        "subscriptions": count + 1,
        "connections": connections,
        "changes/s wanted": rate,
        "changes/s": round(len(written) / took),
        "due": len(written),
        "delivered": len(delays),
        "twice": arrived.again,
        "out of order": sum(values != sorted(values) for values in arrived.order.values()),
        "delay median ms": round(statistics.median(delays) * 1000, 1) if delays else None,
        "delay 99 % ms": round(delays[int(len(delays) * 0.99)] * 1000, 1) if delays else None,
    }
