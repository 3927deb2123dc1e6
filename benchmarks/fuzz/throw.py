"""A round of requests: a node of its own in this process, and requests thrown straight into it.

A request breaks the node when it ends in a status 500, in an exception, in no answer at all, or in an
error that is not told as ProblemDetails (API). At the end the databases are checked.
"""

from __future__ import annotations

import asyncio
import gc
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from benchmarks.fuzz.requests import Request
from hansa.kernel.folder import Folder
from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.upkeep.databases import faults

__all__ = ["Answer", "Result", "Stream", "opened", "resident_kib", "throw"]

PATIENCE = 60.0  # seconds that one request may take
AT_ONCE = 8
SHOWN = 2_000
API = b"/ngsi-ld/v1"
FINE = (501, 502, 503, 504)
BARE = (405, 406, 411, 415)  # told by the status alone


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the type of the body, and how it begins."""

    status: int
    kind: str
    start: bytes


class Stream(Protocol):
    """Where requests come from."""

    def one(self) -> Request:
        """The next request."""

    def learn(self, request: Request, answer: Answer) -> None:
        """What became of one."""


@dataclass(slots=True)
class Result:
    """How a round ended: counts by what was thrown and how that ended, faults, and memory [KiB]."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)

    def add(self, what: str, how: str, fault: str = "") -> None:
        """One more was thrown."""
        self.counts[what, how] += 1
        if fault:
            self.faults.append(f"{what}: {fault}"[:SHOWN])


@contextmanager
def opened() -> Iterator[Node]:
    """A node in a folder of its own; the databases are sound at the end, or this raises."""
    with tempfile.TemporaryDirectory(prefix="hansa-fuzz-") as place:
        settings = Settings(dev=True, context="core", snapshot_limit=20, batch_limit=100)
        node = Node.open(Path(place), settings)
        try:
            yield node
        finally:
            node.close()
        found = [
            f"{path.name}: {each}"
            for path in Folder(Path(place)).databases
            for each in faults(path)
        ]
        if found:
            raise AssertionError(f"the databases are damaged: {found}")


def throw(node: Node, stream: Stream, count: int) -> Result:
    """Throw `count` requests, some at once."""
    return asyncio.run(_throw(node, stream, count))


async def _throw(node: Node, stream: Stream, count: int) -> Result:
    result = Result()
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            if number % max(count // 10, 1) == 0:
                gc.collect()
                result.memory.append(resident_kib())
            await _one(node, stream, result)

    async with node.running():
        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    gc.collect()
    result.memory.append(resident_kib())
    return result


async def _one(node: Node, stream: Stream, result: Result) -> None:
    request = stream.one()
    try:
        answer = await asyncio.wait_for(send(node.app, request), PATIENCE)
    except TimeoutError:
        result.add(request.what, "no answer", f"no answer within {PATIENCE:g} s: {request}")
    except Exception as error:
        result.add(request.what, "exception", f"{error!r}: {request}")
    else:
        fault = _fault(request, answer)
        result.add(request.what, str(answer.status), f"{fault}: {request}" if fault else "")
        stream.learn(request, answer)


def _fault(request: Request, answer: Answer) -> str:
    if answer.status >= 500 and answer.status not in FINE:
        return f"status {answer.status}, {answer.start!r}"
    told = b'"title"' in answer.start or request.verb == "HEAD" or answer.status in BARE
    if answer.status >= 400 and request.path.startswith(API + b"/") and not told:
        return f"status {answer.status} told as {answer.start!r}"
    return ""


async def send(app: Any, request: Request) -> Answer:
    """The answer to one request; the client hangs up soon after it has asked."""
    length = (b"content-length", str(len(request.body)).encode())
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.verb,
        "scheme": "http",
        "path": unquote(request.path.decode("ascii", "replace")),
        "raw_path": request.path,
        "query_string": request.query,
        "root_path": "",
        "headers": [*request.headers, length],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1356),
    }
    heads: list[Any] = []
    start = bytearray()
    asked, begun = False, asyncio.Event()

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if asked:
            await begun.wait()
            await asyncio.sleep(0.05)
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def take(message: Any) -> None:
        if message["type"] == "http.response.start":
            heads.append(message)
            begun.set()
        elif len(start) < 300:
            start.extend(message.get("body", b"")[:300])

    await app(scope, receive, take)
    (head,) = heads
    kind = dict(head.get("headers", ())).get(b"content-type", b"").decode("latin-1")
    return Answer(head["status"], kind, bytes(start))


def resident_kib() -> int:
    """The memory that this process holds."""
    text = Path("/proc/self/statm").read_text()
    return int(text.split()[1]) * 4
