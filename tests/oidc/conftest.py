"""A node that lets people in by a real OpenID provider, both on loopback."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node

HOME = "http://127.0.0.1:1356"
PROVIDER = """
import sys
from oidc_provider_mock import User, run_server_in_thread

people = (
    User(sub="ana", claims={"name": "Ana Lund", "groups": ["planners"], "preferred_username": "ana"}),
    User(sub="bo", claims={"email": "bo@city.example", "email_verified": False}),
    User(sub="eve", claims={"groups": ["banned", "planners"]}),
)
with run_server_in_thread(
    require_client_registration=True, require_nonce=True, user_claims=people
) as server:
    print(server.server_port, flush=True)
    sys.stdin.read()
"""
RULES = (
    "planner,auditor if groups=planners",
    "administrator if email=bo@city.example",
    "nobody if groups=banned",
)


@pytest.fixture(scope="session")
def issuer() -> Iterator[str]:
    """A real provider, a program of its own; it asks for https, of which loopback has no need."""
    provider = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PROVIDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"},
    )
    assert provider.stdin
    assert provider.stdout
    yield f"http://localhost:{int(provider.stdout.readline())}"
    provider.stdin.close()
    provider.stdout.close()
    provider.wait(10)


@pytest.fixture
def node(tmp_path: Path, issuer: str) -> Iterator[Node]:
    made = Node.open(tmp_path / "node", Settings(city="Visby", egress_allow=("localhost",)))
    yield made
    made.close()


def register(node: Node, issuer: str, home: str = HOME, **more: Any) -> None:
    """Make the node a client of the provider, and the provider one of the node's."""
    body = {"redirect_uris": [f"{home}/login/from/visby"]}
    made = httpx.post(f"{issuer}/oauth2/clients", json=body).raise_for_status().json()
    node.trust.desk.providers.add(
        "visby",
        issuer=issuer,
        client_id=made["client_id"],
        secret=made["client_secret"],
        name="Visby ID",
        rules=more.pop("rules", RULES),
        **more,
    )


def browser(node: Node) -> TestClient:
    """Somebody's browser, at the node."""
    return TestClient(node.app, base_url=HOME, follow_redirects=False)


def away(page: TestClient, person: str, onward: str = "/") -> str:
    """Go to the provider and say yes there; the address that leads back."""
    start = page.get(f"/login/with/visby?next={onward}")
    assert start.status_code == 303, start.text
    address = start.headers["location"]
    assert re.search(r"[?&]code_challenge=[\w-]{43}(&|$)", address)
    assert "code_challenge_method=S256" in address
    answer = httpx.post(address, data={"sub": person})
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["location"])
    return f"{back.path}?{back.query}"
