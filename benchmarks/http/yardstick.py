"""The yardstick: what the barest answer costs on this machine, today.

Processors differ by factors, and a shared one from hour to hour. So each run also measures a server
that reads a request and answers five bytes, on the same ASGI server and with the same generator. A
figure divided by the yardstick's says more than the figure: Hansa's goals were set on a machine whose
yardstick was 31 µs.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from benchmarks.http.process import Running, free_port
from benchmarks.http.wrk import run

__all__ = ["app", "plain_answer"]

Message = MutableMapping[str, Any]

_CLIENTS = 32


async def app(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Answer five bytes to everything."""
    if scope["type"] == "http":
        headers = [(b"content-length", b"5")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"hello"})


def plain_answer(seconds: float) -> dict[str, float]:
    """Answers per second with 32 connections, and CPU time of each [µs]."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    command = (
        f"{sys.executable} -m uvicorn benchmarks.http.yardstick:app --port {port}"
        " --lifespan off --log-level warning --no-access-log"
    )
    with tempfile.TemporaryDirectory(prefix="bench-plain-") as folder:
        running = Running(command, base, Path(folder) / "log.txt")
        try:
            run("retrieve", base, 1.0, _CLIENTS, "1")
            before = running.cpu_seconds()
            burst = run("retrieve", base, seconds, _CLIENTS, "1")
            taken = running.cpu_seconds() - before
        finally:
            running.end()
    done = max(burst.requests - burst.failed, 1)
    return {"rate": round(done / burst.seconds), "cpu_us": round(taken / done * 1e6, 1)}
