"""Clients that go away in the middle of an answer must not take the node with them."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from .conftest import Serve

REQUEST = b"GET /ngsi-ld/v1/types HTTP/1.1\r\nHost: localhost\r\n\r\n"


def hang_up(port: int) -> None:
    """Many clients ask many things at once, and all leave without waiting for the answers."""
    with ExitStack() as clients:
        for _ in range(32):
            client = clients.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(REQUEST * 50)


def test_clients_that_hang_up_do_not_end_the_node(tmp_path: Path, serve: Serve) -> None:
    served = serve(tmp_path / "node", "--dev")
    port = urlsplit(served.address).port
    assert port is not None
    for _ in range(10):
        hang_up(port)
    assert httpx.get(f"{served.address}/ngsi-ld/v1/types").status_code == 200
    assert served.process.poll() is None
