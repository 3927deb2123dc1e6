"""How long a query over many sources takes beyond the slowest of them.

A node in a process of its own, and in another process sources that each answer with some entities after a
set time. Told are the median and the 95th percentile of what a query takes, less that time; and, to compare
with, what the same query takes where no source is registered.

    python -m benchmarks.federation [SOURCES] [MILLISECONDS]
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from typing import Any

ROUNDS = 60
ENTITIES = 5


def sources(count: int, delay: float, told: Connection) -> None:
    """Serve `count` sources until the process is ended; their ports are told."""

    async def serve(
        number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        entities = [
            {
                "id": f"urn:ngsi-ld:Car:{number}:{each}",
                "type": "Car",
                "speed": {"type": "Property", "value": each},
                "modifiedAt": "2026-01-01T00:00:00Z",
            }
            for each in range(ENTITIES)
        ]
        body = json.dumps(entities).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(delay)
                writer.write(head % len(body) + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main() -> None:
        ports = []
        listening = []
        for number in range(count):
            server = await asyncio.start_server(
                lambda r, w, number=number: serve(number, r, w), "127.0.0.1", 0
            )
            listening.append(server)
            ports.append(server.sockets[0].getsockname()[1])
        told.send(ports)
        await asyncio.Event().wait()

    asyncio.run(main())


def timed(connection: HTTPConnection, expected: int) -> float:
    """Milliseconds that one query takes."""
    started = time.perf_counter()
    connection.request("GET", "/ngsi-ld/v1/entities?type=Car&limit=1000")
    answer = connection.getresponse()
    found = json.loads(answer.read())
    taken = (time.perf_counter() - started) * 1000
    warned = answer.getheader("NGSILD-Warning")
    if len(found) != expected or warned:
        raise SystemExit(f"{len(found)} of {expected} entities came; {warned}")
    return taken


def post(address: str, path: str, body: Any) -> None:
    """Send JSON to the node."""
    request = urllib.request.Request(
        f"{address}/ngsi-ld/v1{path}",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request):
        pass


def main(count: int, milliseconds: float) -> None:
    """Measure and print."""
    ours, theirs = multiprocessing.Pipe()
    serving = multiprocessing.Process(target=sources, args=(count, milliseconds / 1000, theirs))
    serving.start()
    ports = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "hansa.cli", "serve", "--dev", "--port", "0", "--json"]
        node = subprocess.Popen(
            [*command, "--folder", f"{folder}/node"],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ,
        )
        try:
            assert node.stdout is not None
            said = "".join(iter(node.stdout.readline, "}\n")) + "}"
            address = json.loads(said)["address"].rstrip("/")
            connection = HTTPConnection(address.removeprefix("http://"))
            alone = statistics.median(timed(connection, 0) for _ in range(ROUNDS))
            for number, port in enumerate(ports):
                registration = {
                    "id": f"urn:ngsi-ld:ContextSourceRegistration:{number}",
                    "type": "ContextSourceRegistration",
                    "endpoint": f"http://127.0.0.1:{port}",
                    "information": [{"entities": [{"type": "Car"}]}],
                }
                post(address, "/csourceRegistrations", registration)
            taken = sorted(timed(connection, count * ENTITIES) for _ in range(ROUNDS))
        finally:
            node.terminate()
            node.wait()
            serving.terminate()
            serving.join()
    beyond = [each - milliseconds for each in taken]
    print(f"{count} sources, each answers after {milliseconds:g} ms with {ENTITIES} entities")
    print(f"beyond the slowest: median {statistics.median(beyond):.1f} ms", end="")
    print(f", 95 % within {beyond[int(len(beyond) * 0.95)]:.1f} ms; alone {alone:.2f} ms")


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 20,
        float(sys.argv[2]) if len(sys.argv) > 2 else 100.0,
    )
