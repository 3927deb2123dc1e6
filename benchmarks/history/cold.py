"""``python -m benchmarks.history.cold FOLDER URL``: a node that has just started is asked its first question.

It prints milliseconds of wall clock and of CPU. The node has served for a moment, as one does before anybody
asks; nobody has asked it for history. The kernel may hold the files in memory.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import httpx

from hansa.kernel.settings_file import load
from hansa.node import Node

_MOMENT = 3.0


async def _ask(folder: Path, url: str) -> None:
    node = Node.open(folder, load(folder, {}))
    transport = httpx.ASGITransport(node.app)
    async with (
        node.running(),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
    ):
        await asyncio.sleep(_MOMENT)
        await client.get("/ngsi-ld/v1/types")
        wall, cpu = time.perf_counter(), time.process_time()
        answer = await client.get(url)
        print((time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3)
        answer.raise_for_status()
    node.close()


if __name__ == "__main__":
    asyncio.run(_ask(Path(sys.argv[1]), sys.argv[2]))
