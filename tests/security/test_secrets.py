"""A canary for a token: it is sent in every way, and then looked for everywhere."""

from __future__ import annotations

import logging
from pathlib import Path
from urllib.parse import quote

import pytest
from typer.testing import CliRunner

from hansa.cli import app
from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.principals import new_token, token_hash

from .asking import addresses, ask
from .conftest import TOKEN

WRONG = "hansa_wrong-canary-51c0de"


def found_in(folder: Path, secret: str) -> list[str]:
    """The files below `folder` that hold `secret`."""
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and secret.encode() in path.read_bytes()
    ]


def test_no_token_is_logged_or_answered_or_kept(
    city: Node, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for address in addresses(city):
        for secret in (TOKEN, WRONG):
            for verb in address.verbs - {"DELETE"}:
                headers = {
                    "authorization": f"Bearer {secret}",
                    "content-type": "application/json",
                    "content-length": "1",
                }
                reply = ask(city, verb, address.path, headers, b"{")
                assert secret.encode() not in reply.body, address
                assert secret not in str(reply.fields), address
    out, err = capfd.readouterr()
    for secret in (TOKEN, WRONG):
        assert secret not in caplog.text
        assert secret not in out + err
        assert found_in(city.folder.root, secret) == []


def test_a_defect_tells_neither_reader_nor_log_the_token(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    node = Node.open(tmp_path / "n", Settings(operator_token_hash=token_hash(TOKEN)))
    try:

        def broken(*_: object, **__: object) -> None:
            raise RuntimeError("inner detail")

        node.gate.sighted = broken  # type: ignore[method-assign, assignment]
        headers = {"authorization": f"Bearer {TOKEN}"}
        reply = ask(node, "GET", "/ngsi-ld/v1/entities?type=T", headers)
        assert reply.status == 500
        assert b"inner detail" not in reply.body
        assert b"Traceback" not in reply.body
        assert b"/src/" not in reply.body
        assert "inner detail" in caplog.text
        assert TOKEN not in caplog.text
    finally:
        node.close()


def test_a_token_in_an_address_is_not_taken(city: Node) -> None:
    """Addresses end up in logs of proxies and in histories: a token there opens nothing."""
    body = b'{"id": "urn:x:canary", "type": "T"}'
    head = {"content-type": "application/json", "content-length": str(len(body))}
    for name in ("access_token", "token", "authorization", "api_key"):
        path = f"/ngsi-ld/v1/entities?{name}={quote(TOKEN)}"
        assert ask(city, "POST", path, head, body).status in (400, 401)
    cookie = {"cookie": f"token={TOKEN}; authorization=Bearer {TOKEN}"}
    assert ask(city, "POST", "/ngsi-ld/v1/entities", head | cookie, body).status == 401


@pytest.mark.parametrize(
    "value",
    ["", " ", "Bearer", "Bearer ", "Basic YWRtaW46YWRtaW4=", "bearer x", "Bearer \x00", "Token x"],
)
def test_what_is_no_valid_token_never_passes_as_the_public(city: Node, value: str) -> None:
    reply = ask(city, "GET", "/ngsi-ld/v1/types", {"authorization": value})
    assert reply.status == 401
    assert reply.one("www-authenticate") == "Bearer"
    for page in ("/", "/data", "/no-such-page", "/account"):
        assert ask(city, "GET", page, {"authorization": value}).status in (401, 404), page


def test_a_line_of_a_log_cannot_be_forged(city: Node, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for path in ("/ngsi-ld/v1/entities/x%0aERROR%20forged", "/data/%0d%0aERROR%20forged"):
        ask(city, "GET", path)
        ask(city, "GET", path, {"user-agent": "x", "x-forwarded-for": "1.2.3.4"})
    for record in caplog.records:
        assert "\nERROR forged" not in record.getMessage()


def test_a_new_node_has_no_default_token(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["init", str(tmp_path / "n"), "--city", "Visby"])
    assert shown.exit_code == 0
    words = [word for word in shown.output.split() if word.startswith("hansa_")]
    assert len(words) == 1
    assert found_in(tmp_path, words[0]) == []
    assert (tmp_path / "n" / "hansa.toml").stat().st_mode & 0o077 == 0


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert min(map(len, tokens)) >= len("hansa_") + 43
