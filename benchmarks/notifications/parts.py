"""A node in a process of its own, a receiver, and a writer: what the measurements are made of."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson

__all__ = ["Arrived", "Receiver", "Served", "Writer", "free_port"]


def free_port() -> int:
    """A port of loopback that nobody listens at."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """``hansa serve --dev`` in `folder`."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.process: subprocess.Popen[bytes] | None = None
        subprocess.run(
            [sys.executable, "-m", "hansa.cli", "init", str(folder), "--city", "Measured"],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def start(self) -> None:
        """Start the node and wait until it answers."""
        command = [sys.executable, "-m", "hansa.cli", "serve", "--dev", "--port", str(self.port)]
        command += ["--folder", str(self.folder)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(self.url("/types"), timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("the node did not start")

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """End it in order."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)

    def url(self, path: str) -> str:
        """An address of its API."""
        return f"http://127.0.0.1:{self.port}/ngsi-ld/v1{path}"


class Arrived:
    """What a receiver got: notification, entity and value, with the moment."""

    def __init__(self) -> None:
        self.by_id: dict[str, tuple[str, Any]] = {}
        self.moments: dict[tuple[str, Any], float] = {}
        self.order: dict[str, list[Any]] = {}
        self.again = 0

    def add(self, body: bytes) -> None:
        """Take one notification as an idempotent receiver does: by its identifier."""
        found = orjson.loads(body)
        if found["id"] in self.by_id:
            self.again += 1
            return
        for entity in found["data"]:
            value = entity["speed"]["value"]
            self.by_id[found["id"]] = (entity["id"], value)
            self.moments.setdefault((entity["id"], value), time.monotonic())
            self.order.setdefault(entity["id"], []).append(value)

    async def wait(self, wanted: Iterable[tuple[str, Any]], seconds: float) -> None:
        """Wait until everything `wanted` has come, but no longer than that."""
        missing = set(wanted)
        for _ in range(int(seconds / 0.05)):
            missing -= self.moments.keys()
            if not missing:
                return
            await asyncio.sleep(0.05)


class Receiver(asyncio.Protocol):
    """A small HTTP server: it reads requests by their Content-Length and answers 200."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._data = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        """Part of a request, or several."""
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._data[:end]).lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
            if len(self._data) < end + 4 + length:
                return
            self._take(bytes(self._data[end + 4 : end + 4 + length]))
            del self._data[: end + 4 + length]
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


class Writer:
    """One kept connection to a node, for requests one after the other."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, method: str, path: str, body: Any) -> int:
        """The status of the answer; 0 when there was none."""
        try:
            return await self._send(method, path, orjson.dumps(body))
        except (OSError, asyncio.IncompleteReadError, ValueError):
            self.close()
            return 0

    async def _send(self, method: str, path: str, body: bytes) -> int:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        head = (
            f"{method} /ngsi-ld/v1{path} HTTP/1.1\r\nhost: 127.0.0.1:{self._port}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = answer.partition(b"content-length:")[2].split(b"\r\n")[0].strip()
        if length:
            await reader.readexactly(int(length))
        return int(answer.split(b" ", 2)[1])

    def close(self) -> None:
        """Let go of the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
