"""What it costs a node to have many subscriptions: making them, memory, starting again.

Each is for cars of a fleet of its own, as in the measurement of matching. They are made one by one over the
API, by several clients at once, each durable before it is answered.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.http.process import Running
from benchmarks.notifications.parts import Writer, free_port

__all__ = ["keep"]

_CLIENTS = 32


async def keep(folder: Path, count: int) -> dict[str, Any]:
    """Make `count` subscriptions on a new node; what that takes, and what it takes to start again."""
    port = free_port()
    node = await asyncio.to_thread(_serve, folder, port)
    before, busy = node.memory().now, node.cpu_seconds()
    started = time.perf_counter()
    numbers = iter(range(count))
    await asyncio.gather(*[_make(port, numbers) for _ in range(_CLIENTS)])
    taken, busy = time.perf_counter() - started, node.cpu_seconds() - busy
    after = node.memory().now
    await asyncio.to_thread(node.end)
    again = await asyncio.to_thread(_serve, folder, port)
    began = time.perf_counter()
    await _until_followed(port)
    found = {
        "subscriptions": count,
        "made per second": round(count / taken),
        "CPU each [µs]": round(busy / count * 1e6),
        "memory before [MiB]": before,
        "memory after [MiB]": after,
        "each [KiB]": round((after - before) * 1024 / count, 1),
        "start again [s]": round(again.start_seconds, 1),
        "all followed after [s]": round(time.perf_counter() - began, 1),
    }
    await asyncio.to_thread(again.end)
    return found


def _serve(folder: Path, port: int) -> Running:
    folder.mkdir(exist_ok=True)
    command = f"{sys.executable} -m hansa.cli serve --dev --folder {folder / 'node'} --port {port}"
    return Running(command, f"http://127.0.0.1:{port}/ngsi-ld/v1/types", folder / "log.txt")


async def _make(port: int, numbers: Any) -> None:
    writer = Writer(port)
    for number in numbers:
        assert await writer.send("POST", "/subscriptions", _body(number)) == 201
    writer.close()


def _body(number: int) -> dict[str, Any]:
    return {
        "id": f"urn:x:s:{number}",
        "type": "Subscription",
        "entities": [{"type": f"Fleet{number}"}],
        "watchedAttributes": ["speed"],
        "q": f"speed>={number % 50}",
        "notification": {"endpoint": {"uri": "http://127.0.0.1:9/x"}},
    }


async def _until_followed(port: int) -> None:
    """A change of a subscription waits for the desk, which takes up all of them first."""
    writer = Writer(port)
    assert await writer.send("PATCH", "/subscriptions/urn:x:s:0", {"isActive": False}) == 204
    writer.close()
