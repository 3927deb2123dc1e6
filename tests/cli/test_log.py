"""``hansa log``: a served node is checked from outside, backed up, restored, held and resumed."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner, Result

from hansa.cli.app import app
from hansa.cli.control import ask, listening
from hansa.cli.task import nothing
from hansa.kernel.errors import BadRequest
from hansa.kernel.folder import Folder
from hansa.kernel.settings_file import load, template
from hansa.node import Node
from hansa.trust.log.commitments import Event
from tests.trust.log.serving import files_of, serving


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def logged(folder: Path, count: int) -> dict[str, bytes]:
    """A node whose log has `count` more entries; what it publishes."""
    if not folder.exists():
        Folder.create(folder, template({"city": "Log"}))
    with closing(Node.open(folder, load(folder, os.environ))) as node:
        for _ in range(count):
            node.trust.log.record(Event("read", "anna", ("urn:x",), ("rule-1",), "by-rule"))
        node.trust.log.sign()
        return files_of(node.trust.log)


def test_a_node_is_checked_from_outside(tmp_path: Path) -> None:
    files = logged(tmp_path / "node", 3)
    seen = tmp_path / "seen.txt"
    with serving(files) as address:
        assert run("log", "verify", address.removesuffix("/log")).exit_code == 0
        first = run("log", "verify", address, "--checkpoint", seen)
        assert first.exit_code == 0, first.output
        assert "is good: 3 entries." in first.output
        assert files["key"].decode() in first.output
        files.update(logged(tmp_path / "node", 2))
        key = files["key"].decode()
        again = run("log", "verify", address, "--checkpoint", seen, "--key", key, "--sample", "2")
        assert "5 entries, grown from 3" in again.output
        assert json.loads(run("log", "verify", address, "--key", key, "--json").stdout)["size"] == 5
        files["tile/entries/000.p/5"] = files["tile/entries/000.p/5"].replace(b"read", b"kept")
        bad = run("log", "verify", address, "--key", key)
        assert bad.exit_code == 1
        assert "tile/entries/000.p/5, entry 0" in bad.output
    gone = run("log", "verify", address, "--key", key)
    assert gone.exit_code == 1
    assert "cannot be looked at" in gone.output


def test_a_node_shows_its_log(tmp_path: Path) -> None:
    files = logged(tmp_path / "node", 3)
    folder = ("--folder", tmp_path / "node")
    shown = run("log", "show", *folder, "--limit", "2")
    assert shown.output.count("by-rule") == 2
    assert json.loads(run("log", "show", *folder, "--start", "0", "--json").stdout)[0]["index"] == 0
    assert run("log", "checkpoint", *folder).stdout.encode() == files["checkpoint"]
    assert files["key"].decode() in run("log", "witness", *folder).output
    assert json.loads(run("log", "witness", *folder, "--json").stdout)["size"] == 3


def test_entries_are_opened_and_erased(tmp_path: Path) -> None:
    logged(tmp_path / "node", 3)
    folder = ("--folder", tmp_path / "node")
    shown = run("log", "about", "what", "urn:x", *folder)
    assert shown.output.count("anna") == 3
    (first, *_) = json.loads(run("log", "about", "who", "anna", *folder, "--json").stdout)
    assert (first["index"], first["kind"], first["who"], first["what"]) == (0, "read", "anna", [])
    assert "neither" in run("log", "about", "whom", "anna", *folder).output
    assert "opened 3 commitments" in run("log", "erase", "who", "anna", *folder).output
    assert json.loads(run("log", "about", "who", "anna", *folder, "--json").stdout) == []
    left = json.loads(run("log", "about", "what", "urn:x", *folder, "--json").stdout)
    assert [each["who"] for each in left] == [""] * 3
    assert "openings-erased" in run("log", "show", *folder).output
    files = logged(tmp_path / "node", 1)
    with serving(files) as address:
        assert run("log", "verify", address, "--key", files["key"].decode()).exit_code == 0


def test_a_served_node_opens_and_erases_for_the_command(tmp_path: Path) -> None:
    logged(tmp_path / "node", 2)
    with (
        closing(Node.open(tmp_path / "node", load(tmp_path / "node", os.environ))) as node,
        listening(node) as door,
    ):
        given = {"side": "who", "value": "anna"}
        assert len(ask(door, "log", "about", given, nothing)["entries"]) == 2
        assert ask(door, "log", "erase", given, nothing) == {"erased": 2}
        assert ask(door, "log", "about", given, nothing) == {"entries": []}
        with pytest.raises(BadRequest, match="not one of"):
            ask(door, "log", "gossip", given, nothing)


def test_a_restored_log_is_held_until_somebody_says_how_to_go_on(tmp_path: Path) -> None:
    before = logged(tmp_path / "node", 3)
    (tmp_path / "seen").write_bytes(before["checkpoint"])
    assert run("backup", tmp_path / "node", tmp_path / "b.tgz").exit_code == 0
    later = logged(tmp_path / "node", 1)
    (tmp_path / "later").write_bytes(later["checkpoint"])
    again = tmp_path / "again"
    assert run("restore", tmp_path / "b.tgz", again).exit_code == 0
    assert logged(again, 1)["checkpoint"] == before["checkpoint"]  # taken in, and not signed
    assert "signs nothing, because it was restored" in run("doctor", again).output
    assert "one of three" in run("log", "resume", again).output
    refused = run("log", "resume", again, "--checkpoint", tmp_path / "later")
    assert refused.exit_code == 1
    assert "published other entries" in refused.output
    assert run("log", "resume", again, "--new-volume").exit_code == 0
    assert "/log/2" in run("log", "checkpoint", "--folder", again).output
    assert "sound, 2 entries signed" in run("doctor", again).output
    about = json.loads(run("log", "witness", "--folder", again, "--json").stdout)
    assert [(each["number"], each["size"]) for each in about["volumes"]] == [(1, 3)]
    with closing(Node.open(again, load(again, os.environ))) as node:
        pages = TestClient(node.app, base_url="http://127.0.0.1:1356")
        assert pages.get("/log/volumes/1/checkpoint").content == before["checkpoint"]
        assert pages.get("/log/volumes/1/key").text.encode().strip() == before["key"]
        tile = pages.get("/log/volumes/1/tile/0/000.p/3").content
        assert tile == before["tile/0/000.p/3"]
        for path in ("1/tile/0/000.p/4", "1/tile/x", "2/checkpoint", "2/key", "2/tile/0/000"):
            assert pages.get(f"/log/volumes/{path}").status_code == 404
    third = tmp_path / "third"
    run("restore", tmp_path / "b.tgz", third)
    good = run("log", "resume", third, "--checkpoint", tmp_path / "seen")
    assert "signs again, at 4 entries" in good.output
    assert (third / "log").stat().st_mode & 0o077 == 0
    assert "is not held" in run("log", "resume", third, "--nothing-newer").output
