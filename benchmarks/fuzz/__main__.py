"""``python -m benchmarks.fuzz``: throw hostile requests at a node, and count how they end.

A node with a few entities, without accounts, in this process; requests go straight into the
application, one after the other, without sockets. The exit status is 1 when one of them ended in a
status 500, in an exception, or not at all; each is then shown with its number, so that
``--seed S --from N --requests 1`` repeats it. At the end the stores are checked.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.fuzz.requests import Request, Requests
from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.upkeep.databases import faults

PATIENCE = 20.0  # seconds that one request may take
AT_ONCE = 8


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Throw hostile requests at a node.")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=0, help="stop after this long; 0: do not")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", type=int, default=0, dest="first", help="pass over so many first")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="hansa-fuzz-") as place:
        settings = Settings(dev=True, context="core", snapshot_limit=20, batch_limit=100)
        node = Node.open(Path(place), settings)
        try:
            return asyncio.run(Fuzz(node, options).run())
        finally:
            node.close()
            for path in node.folder.databases:
                for fault in faults(path):
                    print(f"{path.name}: {fault}")


class Fuzz:
    """A run: what was thrown, and how it ended."""

    def __init__(self, node: Node, options: argparse.Namespace) -> None:
        self._node, self._options = node, options
        self._requests = Requests(options.seed)
        self._ended: Counter[int] = Counter()
        self._number = options.first
        self._broken = 0

    async def run(self) -> int:
        """Throw them all; 1 when something broke."""
        for _ in range(self._options.first):
            self._requests.one()
        began = time.perf_counter()
        async with self._node.running():
            await asyncio.gather(*(self._throw(began) for _ in range(AT_ONCE)))
        took = time.perf_counter() - began
        total = sum(self._ended.values())
        print(
            f"{total:,} requests in {took:.0f} s ({total / took:.0f}/s); seed {self._options.seed}"
        )
        print(", ".join(f"{status}: {number:,}" for status, number in sorted(self._ended.items())))
        print(f"{self._broken} broke the node")
        return 1 if self._broken else 0

    async def _throw(self, began: float) -> None:
        options = self._options
        while self._number < options.first + options.requests:
            if options.seconds and time.perf_counter() - began > options.seconds:
                return
            number, request = self._number, self._requests.one()
            self._number += 1
            fault = ""
            try:
                status = await asyncio.wait_for(_send(self._node.app, request), PATIENCE)
                fault = "" if status < 500 or status in (501, 502, 503, 504) else f"status {status}"
            except TimeoutError:
                status, fault = 0, f"no answer within {PATIENCE:g} s"
            except Exception as error:
                status, fault = 0, repr(error)
            self._ended[status] += 1
            if fault:
                self._broken += 1
                print(f"request {number}: {fault}: {request}"[:2000])
            if number % 10_000 == 9_999:
                print(f"{number + 1:,} ...", file=sys.stderr)


async def _send(app: Any, request: Request) -> int:
    """The status of the answer to one request."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.verb,
        "scheme": "http",
        "path": request.path.decode("utf-8", "replace"),
        "raw_path": request.path,
        "query_string": request.query,
        "root_path": "",
        "headers": request.headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1356),
    }
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    (status,) = statuses
    return status


if __name__ == "__main__":
    sys.exit(main())
