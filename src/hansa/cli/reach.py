"""How a reading command reaches a node: always through its API, whether it is served or not.

A URL is asked over HTTP. A folder whose node is being served is asked at the address that its lock
names; one that is not is opened for the time of the command, and its API is called in this process.
So a command and a web client get the same answer to the same question.

Which token is sent, in this order: the one of ``--token``; that of the environment for a URL, and for a
tenant of a folder that is served, because only then can it be needed; for a folder that nobody serves one
that holds for the time of the command, because whoever can open the folder may read all of it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import orjson
import typer

from hansa.kernel.errors import BadRequest, Unauthorized, Unavailable

__all__ = [
    "Ask",
    "FolderOption",
    "TenantOption",
    "TokenOption",
    "UrlOption",
    "is_public",
    "reached",
]

FolderOption = Annotated[
    Path, typer.Option("--folder", "-f", help="The node's folder.", show_default=True)
]
UrlOption = Annotated[
    str | None, typer.Option("--url", help="Ask the node at this address instead of a folder.")
]
TenantOption = Annotated[
    str | None, typer.Option("--tenant", help="Of this tenant; default: the city's own.")
]
TokenOption = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="HANSA_TOKEN",
        help="The operator's token, for what is not public; a folder needs none.",
    ),
]

_PATIENCE: Final = 10.0
"""Seconds that a question waits for another one to the same folder."""

Ask = Callable[[str, Mapping[str, str]], httpx.Response]
"""Takes a path and its parameters; the answer is a success."""


@contextmanager
def reached(
    folder: Path, url: str | None, token: str | None, headers: Mapping[str, str] | None = None
) -> Iterator[Ask]:
    """The node at `url`, or else in `folder`, to be asked.

    Raises:
        BadRequest: a header (a token, a tenant) cannot be sent.
        NotFound: there is no node in `folder`.
        Unavailable: nothing answers at `url`.
    """
    from hansa.kernel.folder import Folder

    sent = dict(headers or {})
    address = url
    if address is None:
        holder = Folder.open(folder).holder()
        address = holder.address if holder else ""
    from_outside = token == os.environ.get("HANSA_TOKEN")
    if from_outside and url is None and not (address and "NGSILD-Tenant" in sent):
        token = None
    if token:
        sent["Authorization"] = f"Bearer {token}"
    _check_headers(sent)
    source = "$HANSA_TOKEN" if from_outside else "the token of --token"
    opening = _served(address, sent, source) if address else _opened(folder, sent)
    with opening as ask:
        yield ask


def is_public(folder: Path, url: str | None, token: str | None) -> bool:
    """Whether a question about a folder goes to the node that serves it without a token of the command line."""
    from hansa.kernel.folder import Folder

    if url is not None:
        return False
    given = token is not None and token != os.environ.get("HANSA_TOKEN")
    holder = Folder.open(folder).holder()
    return not given and bool(holder and holder.address)


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not value.isascii() or not value.isprintable():
            raise BadRequest(
                "the token" if name == "Authorization" else f"the header {name}",
                "has characters that cannot be sent",
                "look at it again: ASCII alone is possible",
            )


@contextmanager
def _served(address: str, headers: Mapping[str, str], source: str) -> Iterator[Ask]:
    base = address.rstrip("/")
    with httpx.Client(headers=dict(headers), timeout=60, follow_redirects=True) as client:

        def ask(path: str, query: Mapping[str, str]) -> httpx.Response:
            try:
                answer = client.get(base + path, params=dict(query))
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise Unavailable(
                    f"the node at {address}",
                    f"does not answer ({error})",
                    "check the address, and that the node is being served",
                ) from error
            if answer.status_code == 401 and "Authorization" in headers:
                raise Unauthorized(
                    source,
                    f"is not a token of the node at {address}",
                    "give that node's own with --token, or none to read what is public "
                    "(unset HANSA_TOKEN)",
                )
            return _checked(answer, f"the node at {address} (status {answer.status_code})")

        yield ask


@contextmanager
def _opened(folder: Path, headers: Mapping[str, str]) -> Iterator[Ask]:
    from hansa.kernel.folder import Folder
    from hansa.kernel.settings_file import load
    from hansa.node import Node
    from hansa.trust.principals import new_token, token_hash

    settings = load(folder, os.environ)
    if "Authorization" not in headers:
        token = new_token()
        settings = replace(settings, operator_token_hash=token_hash(token))
        headers = {**headers, "Authorization": f"Bearer {token}"}
    with (
        Folder.open(folder).locked(),
        closing(Node.open(folder, settings)) as node,
        asyncio.Runner() as run,
    ):
        transport = httpx.ASGITransport(node.app)
        client = httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", headers=dict(headers)
        )

        def ask(path: str, query: Mapping[str, str]) -> httpx.Response:
            answer = run.run(client.get(path, params=dict(query)))
            return _checked(answer, f"the node in {folder}")

        yield ask
        run.run(client.aclose())


def _checked(answer: httpx.Response, node: str) -> httpx.Response:
    """`answer`, unless the node refused: then its problem document as an error."""
    if answer.is_success:
        return answer
    try:
        problem: dict[str, Any] = orjson.loads(answer.content)
        title = str(problem.get("title", f"status {answer.status_code}"))
        detail = str(problem.get("detail", ""))
    except (orjson.JSONDecodeError, AttributeError):
        title, detail = f"status {answer.status_code}", ""
    raise BadRequest(node, title.rstrip("."), _remedy(title, detail).rstrip("."))


def _remedy(title: str, detail: str) -> str:
    """What the detail adds to the title; "" where it only repeats it."""
    return "" if detail.rstrip(".").lower() in title.lower() else detail
