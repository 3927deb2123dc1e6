"""``python -m benchmarks.edge``: processor time of what stands around the application, for each request [µs].

The application is one that answers at once, called in this process without a socket; of several runs the least is said, so
that a busy machine disturbs it little.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from hansa.kernel.pace import Pace
from hansa.kernel.settings import Settings
from hansa.web.app import _met
from hansa.web.shell.headers import guarded
from hansa.web.shell.hosts import Hosts
from hansa.web.shell.refusals import told

RUNS, EACH = 7, 20_000
FIELDS = [(b"host", b"town.example"), (b"accept", b"*/*"), (b"user-agent", b"bench")]
App = Callable[..., Awaitable[None]]


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """The application: one field, one byte."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"x")]})
    await send({"type": "http.response.body", "body": b"x"})


async def spent(app: App, client: str) -> float:
    """Microseconds of a request, on average over many."""

    async def receive() -> dict[str, Any]:
        return {}

    async def send(message: Any) -> None:
        return None

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/x",
        "headers": FIELDS,
        "client": (client, 1),
    }
    start = time.process_time()
    for _ in range(EACH):
        await app(scope, receive, send)
    return (time.process_time() - start) / EACH * 1e6


async def main() -> None:
    """Measure and say."""
    settings = Settings(base_url="https://town.example")
    met = _met(bare, Hosts(settings), Pace(10**9))
    cases: dict[str, tuple[App, str]] = {
        "nothing": (bare, "192.0.2.1"),
        "host and rate limit": (met, "192.0.2.1"),
        "host, from this machine": (met, "127.0.0.1"),
        "header fields": (guarded(bare, settings.base_url), "192.0.2.1"),
        "refusals told": (told(bare), "192.0.2.1"),
        "all": (guarded(told(met), settings.base_url), "192.0.2.1"),
    }
    least = {name: min([await spent(*each) for _ in range(RUNS)]) for name, each in cases.items()}
    for name, figure in least.items():
        print(f"{name:24} {figure:6.1f} µs   {figure - least['nothing']:+.1f}")


if __name__ == "__main__":
    asyncio.run(main())
