"""``hansa client``: programs and cities with keys of their own."""

from __future__ import annotations

from pathlib import Path

import orjson

from tests.trust.identity.machines import KEYS, jwks

from .conftest import Run


def test_registering_shutting_and_removing(
    run: Run, node: tuple[Path, str], tmp_path: Path
) -> None:
    folder, keys = ("--folder", node[0]), tmp_path / "keys.json"
    keys.write_bytes(orjson.dumps(jwks("Ed25519", "ES256")))
    more = ("--scope", "write", "--type", "ParkingSpot", "--purpose", "parking", "--days", "30")
    added = run("client", "add", "parking", "--keys", keys, *more, *folder)
    assert added.exit_code == 0
    assert "/oauth/token" in added.stdout
    url = "https://visby.example/jwks"
    assert run("client", "add", "visby", "--city", "--keys", url, *folder).exit_code == 0
    assert "parking" in run("client", *folder).stdout
    listed = orjson.loads(run("client", "--json", *folder).stdout)
    assert [(each["client"], each["kind"], each["keys"]) for each in listed] == [
        ("parking", "service", "2 given"),
        ("visby", "city", url),
    ]
    assert run("client", "disable", "parking", *folder).exit_code == 0
    assert orjson.loads(run("client", "--json", *folder).stdout)[0]["disabled"] is True
    assert run("client", "enable", "parking", *folder).exit_code == 0
    assert run("client", "remove", "parking", *folder).exit_code == 0
    assert run("client", "remove", "parking", *folder).exit_code == 1


def test_what_cannot_be_registered(run: Run, node: tuple[Path, str], tmp_path: Path) -> None:
    folder, keys = ("--folder", node[0]), tmp_path / "keys.json"
    keys.write_bytes(orjson.dumps({"keys": [KEYS["Ed25519"].as_dict(private=True)]}))
    refused = run("client", "add", "parking", "--keys", keys, *folder)
    assert refused.exit_code == 1
    assert "private key" in refused.stderr
    keys.write_text("no JSON")
    assert "is no JSON" in run("client", "add", "parking", "--keys", keys, *folder).stderr
    assert run("client", "add", *folder).exit_code == 1
    assert run("client", "add", "parking", *folder).exit_code == 1
