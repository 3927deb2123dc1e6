"""The three nodes, what they know of each other, and the two bad neighbours that they all have.

Each node holds its own cars, of which the others learn by an inclusive registration, and the lamps that
the node before it claims by a redirect registration: who changes a lamp there changes it here. Of the bad
neighbours one is dead, and one answers everything that a source should not.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import orjson

__all__ = [
    "CARS",
    "LAMPS",
    "NAMES",
    "Hostile",
    "Node",
    "ask",
    "car",
    "free_ports",
    "lamp",
    "prepare",
]

NAMES: Final = ("north", "east", "south")
CARS: Final = 12
LAMPS: Final = 4
START_SECONDS: Final = 120


def car(name: str, number: int) -> str:
    """The identifier of a car of a node."""
    return f"urn:x:car:{name}:{number}"


def lamp(name: str, number: int) -> str:
    """The identifier of a lamp that a node holds for its neighbour."""
    return f"urn:x:lamp:{name}:{number}"


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens at."""
    import socket

    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


async def ask(
    port: int, method: str, path: str, body: Any = None, patience: float = 15.0
) -> tuple[int, dict[str, str], Any]:
    """One request over a connection of its own: status (0: none came), headers and JSON."""
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                raw = b"" if body is None else orjson.dumps(body)
                head = (
                    f"{method} /ngsi-ld/v1{path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
                    f"connection: close\r\ncontent-type: application/json\r\n"
                    f"content-length: {len(raw)}\r\n\r\n"
                )
                writer.write(head.encode() + raw)
                whole = await reader.read()
            finally:
                writer.close()
        top, _, content = whole.partition(b"\r\n\r\n")
        lines = top.decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            key, _, value = line.partition(":")
            joined = f"{headers[key.lower()]}, " if key.lower() in headers else ""
            headers[key.lower()] = joined + value.strip()
        if len(content) < int(headers.get("content-length", 0)):
            return 0, {}, None
        return int(lines[0].split(" ")[1]), headers, orjson.loads(content) if content else None
    except (OSError, TimeoutError, ValueError, IndexError):
        return 0, {}, None


class Node:
    """A node in a process of its own, which may be killed, held still, or be left without disk."""

    def __init__(self, name: str, folder: Path, port: int) -> None:
        self.name, self.folder, self.port = name, folder, port
        self.process: subprocess.Popen[bytes] | None = None
        self.up = False
        self._said = folder.with_suffix(".log").open("ab")
        subprocess.run(
            [sys.executable, "-m", "hansa.cli", "init", str(folder), "--city", name],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    async def start(self) -> float:
        """Start it and wait until it answers; how long that took."""
        began = time.monotonic()
        self.process = await asyncio.to_thread(self._popen)
        while time.monotonic() - began < START_SECONDS:
            if (await ask(self.port, "GET", "/info/sourceIdentity", patience=2.0))[0] == 200:
                self.up = True
                return time.monotonic() - began
            if self.process.poll() is not None:
                raise SystemExit(f"{self.name} ended with {self.process.returncode}; see its log")
            await asyncio.sleep(0.2)
        raise SystemExit(f"{self.name} did not start within {START_SECONDS} seconds")

    def _popen(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "hansa.cli", "serve", "--dev", "--port", str(self.port)]
        command += ["--folder", str(self.folder)]
        return subprocess.Popen(command, stdout=self._said, stderr=self._said)

    def kill(self) -> None:
        """kill -9."""
        self.up = False
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def end(self) -> None:
        """End it in order."""
        self.up = False
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()

    def hold(self, still: bool) -> None:
        """Stop it where it is, or let it go on."""
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGSTOP if still else signal.SIGCONT)

    def disk(self, full: bool) -> None:
        """Let none of its files grow, or let them again."""
        if self.process is not None and self.process.poll() is None:
            _, most = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
            limits = (4096 if full else most, most)
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, limits)


class Hostile:
    """A source that answers what none should; each answer is drawn by chance."""

    def __init__(self, port: int, seed: int) -> None:
        self.port = port
        self.answered = 0
        self._chance = random.Random(seed)
        self._ways = (self._garbage, self._foreign, self._drip, self._huge, self._silent, self._cut)

    async def serve(self) -> asyncio.Server:
        """Listen."""
        return await asyncio.start_server(self._answer, "127.0.0.1", self.port)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.answered += 1
            await self._chance.choice(self._ways)(writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def _send(self, writer: asyncio.StreamWriter, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        writer.write(head.encode() + b"\r\n\r\n" + body)
        await writer.drain()

    async def _garbage(self, writer: asyncio.StreamWriter) -> None:
        await self._send(writer, self._chance.randbytes(300))

    async def _foreign(self, writer: asyncio.StreamWriter) -> None:
        found = [
            {"id": car(name, 0), "type": kind, "speed": {"type": "Property", "value": -1}}
            for name in NAMES
            for kind in ("Bus", 7, ["Bus", "Van"])
        ]
        await self._send(writer, orjson.dumps(found))

    async def _drip(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[")
        for _ in range(20):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.2)

    async def _huge(self, writer: asyncio.StreamWriter) -> None:
        for _ in range(200):
            writer.write(b"HTTP/1.1 200 OK\r\n" + b"x-y: " + b"z" * 60_000 + b"\r\n")
            await writer.drain()

    async def _silent(self, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3)

    async def _cut(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n[{")
        await writer.drain()


async def prepare(nodes: list[Node], receiver: str, dead: int, hostile: int) -> None:
    """Cars, lamps, registrations and subscriptions of the nodes."""
    for place, node in enumerate(nodes):
        before = nodes[place - 1].name
        things = [(car(node.name, n), "Car") for n in range(CARS)]
        things += [(lamp(before, n), f"Lamp-{before}") for n in range(LAMPS)]
        for id, kind in things:
            await _made(node, "/entities?local=true", {"id": id, "type": kind, "speed": 0})
    for place, node in enumerate(nodes):
        following = nodes[(place + 1) % len(nodes)]
        for other in nodes:
            if other is not node:
                await _made(node, "/csourceRegistrations", _source(other.name, other.port, "Car"))
        kind = f"Lamp-{node.name}"
        lamps = _source(f"lamps-{following.name}", following.port, kind, mode="redirect")
        await _made(node, "/csourceRegistrations", lamps)
        for name, port in (("dead", dead), ("hostile", hostile)):
            await _made(node, "/csourceRegistrations", _source(name, port, "Car"))
        told = {
            "id": f"urn:x:s:{node.name}",
            "type": "Subscription",
            "entities": [{"type": "Car"}],
            "localOnly": True,
            "notification": {"endpoint": {"uri": f"{receiver}/{node.name}"}},
        }
        await _made(node, "/subscriptions", told)
        far = {**told, "id": f"urn:x:s:{node.name}:far", "localOnly": False}
        far["notification"] = {"endpoint": {"uri": f"{receiver}/{node.name}/far"}}
        await _made(node, "/subscriptions", far)
    for node in nodes:
        await _has_copies(node, 2 + len(nodes) - 1)


def _source(name: str, port: int, kind: str, mode: str = "inclusive") -> dict[str, Any]:
    return {
        "id": f"urn:x:r:{name}",
        "type": "ContextSourceRegistration",
        "mode": mode,
        "operations": ["redirectionOps"] if mode == "redirect" else ["federationOps"],
        "information": [{"entities": [{"type": kind}]}],
        "management": {"timeout": 1500, "localOnly": True},
        "endpoint": f"http://127.0.0.1:{port}",
    }


async def _has_copies(node: Node, count: int) -> None:
    """Wait until the subscriptions of the others have been passed on to a node."""
    for _ in range(300):
        _, _, found = await ask(node.port, "GET", "/subscriptions?limit=100")
        if isinstance(found, list) and len(found) >= count:
            return
        await asyncio.sleep(0.2)
    raise SystemExit(f"{node.name} did not get the subscriptions of the others")


async def _made(node: Node, path: str, body: dict[str, Any]) -> None:
    status, _, said = await ask(node.port, "POST", path, body)
    if status != 201:
        raise SystemExit(f"{node.name} {path}: {status} {said}")
