"""Changes of accounts, tokens, clients and providers by the command line: done by the node, and in its log."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from hansa.cli.control import listening
from hansa.kernel.errors import Unavailable
from hansa.kernel.folder import Folder
from hansa.kernel.settings_file import load
from hansa.node import Node
from tests.trust.identity.machines import jwks

from .conftest import Run


def _words(keys: Path) -> list[tuple[tuple[str, ...], list[tuple[str, str]]]]:
    """Each changing command, and what it leaves in the log: the reason, and to whom."""
    ana = "account:ana"
    return [
        (
            ("account", "add", "Ana", "--role", "planner"),
            [("account.added", ana), ("link.made", ana)],
        ),
        (("account", "roles", "ana", "--role", "auditor"), [("account.roles", ana)]),
        (("account", "disable", "ana"), [("account.disabled", ana)]),
        (("account", "enable", "ana"), [("account.enabled", ana)]),
        (("account", "reset", "ana"), [("account.reset", ana), ("link.made", ana)]),
        (("account", "link", "ana"), [("link.made", ana)]),
        (("account", "link"), [("link.made", "role:administrator")]),
        (("token", "add", "ana", "--label", "meters"), [("token.made", ana)]),
        (("token", "revoke", "TOKEN"), [("token.revoked", ana)]),
        (("client", "add", "parking", "--keys", str(keys)), [("client.added", "client:parking")]),
        (("client", "disable", "parking"), [("client.disabled", "client:parking")]),
        (("client", "enable", "parking"), [("client.enabled", "client:parking")]),
        (("client", "remove", "parking"), [("client.removed", "client:parking")]),
        (
            ("provider", "add", "visby", "--issuer", "https://id.example", "--client-id", "hansa"),
            [("provider.added", "provider:visby")],
        ),
        (("provider", "remove", "visby"), [("provider.removed", "provider:visby")]),
    ]


@contextmanager
def opened(folder: Path) -> Iterator[Node]:
    with closing(Node.open(folder, load(folder, os.environ))) as node:
        yield node


def told(node: Node, start: int) -> list[tuple[str, list[str], set[str]]]:
    """The entries from `start` on: reason, who, and to what."""
    found = []
    for numbered in node.trust.log.entries(start, node.trust.log.size):
        who = [opening.value for opening in node.trust.openings.principals(numbered.index)]
        found.append((numbered.entry.reason, who, numbered.index))
    return [
        (reason, who, {value for value in _VALUES if _is_about(node, value, index)})
        for reason, who, index in found
    ]


_VALUES = ("account:ana", "role:administrator", "client:parking", "provider:visby")


def _is_about(node: Node, value: str, index: int) -> bool:
    return any(numbered.index == index for numbered, _ in node.trust.log.about("what", value))


@pytest.mark.parametrize("served", [True, False], ids=["served", "not served"])
def test_each_change_is_in_the_log(
    run: Run, node: tuple[Path, str], tmp_path: Path, served: bool
) -> None:
    folder, keys = node[0], tmp_path / "keys.json"
    keys.write_bytes(orjson.dumps(jwks()))
    with opened(folder) as first:
        start = first.trust.log.size
    token = ""

    def walk() -> None:
        nonlocal token
        for words, _ in _words(keys):
            given = [token if word == "TOKEN" else word for word in words]
            done = run(*given, "--folder", folder, "--json")
            assert done.exit_code == 0, done.stderr
            if words[:2] == ("token", "add"):
                token = orjson.loads(done.stdout)["id"]
        for listed in ("account", "token", "client", "provider"):
            assert run(listed, "--folder", folder).exit_code == 0

    if served:
        place = Folder.open(folder)
        with (
            place.locked() as hold,
            opened(folder) as node_here,
            listening(node_here) as door,
        ):
            hold("http://127.0.0.1:1", door)
            walk()
            found = told(node_here, start)
    else:
        walk()
        with opened(folder) as after:
            found = told(after, start)
    expected: list[Any] = [entry for _, entries in _words(keys) for entry in entries]
    assert [reason for reason, *_ in found] == [reason for reason, _ in expected]
    for (reason, who, what), (_, about) in zip(found, expected, strict=True):
        assert who == ["local"], reason
        assert about in what, reason


def test_what_is_listed_gives_no_secret_away(run: Run, node: tuple[Path, str]) -> None:
    folder = node[0]
    with opened(folder) as here:
        desk = here.trust.desk
        desk.accounts.add("ana", roles=["planner"])
        desk.choose_password("ana", "a long way to Visby")
        _, text = desk.tokens.add("ana", "meters")
        where: Any = {"issuer": "https://id.example", "client_id": "hansa"}
        desk.providers.add("visby", **where, secret="s/e cret of 2026!")
        kept = [
            desk.accounts.named("ana").password,
            text,
            here.trust.vault.all("token")[0]["hash"],
            "s/e cret of 2026!",
        ]
    for word in ("account", "token", "client", "provider"):
        for more in ((), ("--json",)):
            shown = run(word, "--folder", folder, *more)
            assert shown.exit_code == 0
            assert not [secret for secret in kept if secret in shown.output]


def test_a_folder_that_somebody_else_holds_is_left_alone(run: Run, node: tuple[Path, str]) -> None:
    with Folder.open(node[0]).locked():
        done = run("account", "add", "ana", "--folder", node[0])
    assert done.exit_code == 1
    assert "in use" in done.stderr or Unavailable.__name__ in done.stderr
    assert "ana" not in run("account", "--folder", node[0]).stdout
