"""Serving a node: the socket, the signals, and a clean end."""

from __future__ import annotations

import errno
import gc
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import uvicorn

from hansa.cli.control import listening as open_door
from hansa.cli.protocol import with_fields
from hansa.kernel.errors import Conflict, Unavailable
from hansa.kernel.folder import Folder
from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.web.shell.headers import headers_of

__all__ = ["address_of", "listen", "run_node"]

_PATIENCE = 3
"""Seconds that requests in hand may take after Ctrl-C; live streams end at once."""

_COLLECTOR = (200_000, 20, 50)
"""A batch makes objects by the ten thousand, none of them in circles: look for those more rarely."""

_SWITCH = 0.001
"""The store's writer computes beside the loop; neither is to wait 5 ms for the other [s]."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one.

    Raises:
        Conflict: the port is in use.
        Unavailable: this machine has no such address, or the port needs more rights.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Conflict(
                f"port {port}",
                "is in use by another program",
                "stop that one, or choose another port with --port (0 takes any free one)",
            ) from error
        raise Unavailable(
            f"address {host}:{port}",
            f"cannot be listened on ({error.strerror})",
            "check --host; ports below 1024 need more rights",
        ) from error


def address_of(listening: socket.socket) -> str:
    """The base URL of a listening socket, as a browser on this machine writes it."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run_node(
    root: Path, settings: Settings, ready: Callable[[Node, str], None], host: str, port: int
) -> None:
    """Serve the node in `root` until it is told to stop (Ctrl-C or SIGTERM).

    `ready` is called with the node and its address when it answers requests.

    Raises:
        Conflict: the folder or the port is in use.
    """
    folder = Folder.open(root)
    with (
        folder.locked() as note,
        listen(host, port) as listening,
        closing(Node.open(root, settings)) as node,
        open_door(node) as door,
    ):
        address = address_of(listening)
        note(address, door)
        _run(_Server(_config(node), lambda: ready(node, address)), listening)


def _config(node: Node) -> uvicorn.Config:
    return uvicorn.Config(
        node.app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=_PATIENCE,
        proxy_headers=True,
        http=with_fields(headers_of(node.settings.base_url)),
        ws="none",
    )


class _Server(uvicorn.Server):
    """Says when it has started."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._say = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()  # what the node is made of is not looked through again
        gc.set_threshold(*_COLLECTOR)
        sys.setswitchinterval(_SWITCH)
        if self.started:
            self._say()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # A live stream would never end by itself, and uvicorn would wait for it and then complain.
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            if cycle is not None and cycle.response_started and not cycle.response_complete:
                transport = getattr(connection, "transport", None)
                if transport is not None:
                    transport.close()
        await super().shutdown(sockets)


def _run(server: _Server, listening: socket.socket) -> None:
    """Run until a signal; SIGTERM ends as cleanly as Ctrl-C."""

    def stop(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    if hasattr(signal, "SIGPIPE"):  # a client that hangs up is an error on its socket, not our end
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        server.run([listening])
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGTERM, before)
    if not server.started:
        raise Unavailable("the node", "could not start", "see the lines above for the reason")
