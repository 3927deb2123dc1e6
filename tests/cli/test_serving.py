"""A served node, as a process: its address, its refusals, and its end."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import httpx
import orjson
import pytest

from .conftest import DECLARED, Run, Serve, hansa

ENTITY = {"id": "urn:ngsi-ld:Tree:1", "type": "Tree", "height": {"type": "Property", "value": 12}}


def post(address: str, number: int, token: str) -> int:
    """Create one entity; the status."""
    return httpx.post(
        f"{address}/ngsi-ld/v1/entities",
        json={**ENTITY, "id": f"urn:ngsi-ld:Tree:{number}"},
        headers={"Authorization": f"Bearer {token}"},
    ).status_code


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_and_nothing_is_lost(
    number: signal.Signals, node: tuple[Path, str], serve: Serve, run: Run
) -> None:
    folder, token = node
    served = serve(folder)
    assert [post(served.address, n, token) for n in range(20)] == [201] * 20
    code, _, err = served.stop(number)
    assert code == 0
    link, end = err.splitlines()
    assert "/link/" in link
    assert end == "Stopped; everything is saved."
    result = run("query", "--type", "Tree", "--count", "--folder", folder, "--json")
    assert orjson.loads(result.stdout)["count"] == 20


def test_a_killed_node_loses_nothing_and_leaves_no_lock(
    node: tuple[Path, str], serve: Serve, run: Run
) -> None:
    folder, token = node
    served = serve(folder)
    assert [post(served.address, n, token) for n in range(5)] == [201] * 5
    served.stop(signal.SIGKILL)
    result = run("query", "--type", "Tree", "--count", "--folder", folder, "--json")
    assert orjson.loads(result.stdout)["count"] == 5


def test_two_nodes_on_one_folder(node: tuple[Path, str], serve: Serve) -> None:
    folder, _ = node
    served = serve(folder)
    second = hansa("serve", "--folder", folder, "--port", "0")
    out, err = second.communicate(timeout=60)
    assert (second.returncode, out) == (1, "")
    assert f"is in use by another Hansa (process {served.process.pid}" in err
    assert httpx.get(f"{served.address}/ngsi-ld/v1/types").status_code == 200


def test_a_port_in_use(node: tuple[Path, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = hansa("serve", "--folder", node[0], "--port", port)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"port {port}: is in use by another program" in err
    assert "--port" in err


def test_a_damaged_database(node: tuple[Path, str]) -> None:
    folder, _ = node
    (folder / "store" / "default.sqlite").write_bytes(b"not a database" * 1000)
    process = hansa("serve", "--folder", folder, "--port", "0")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "not a database" in err
    assert "Traceback" not in err


def test_commands_ask_a_served_node_at_its_address(
    node: tuple[Path, str], serve: Serve, run: Run, tmp_path: Path
) -> None:
    folder, token = node
    served = serve(folder)
    post(served.address, 1, token)
    by_folder = run("query", "--type", "Tree", "--folder", folder, "--json")
    by_url = run("query", "--type", "Tree", "--url", served.address, "--json")
    assert by_folder.exit_code == by_url.exit_code == 0
    assert orjson.loads(by_folder.stdout) == orjson.loads(by_url.stdout)
    (tmp_path / "x.csv").write_text("id\n1\n")
    refused = run("import", "gtfs", tmp_path / "x.csv", *DECLARED, "--folder", folder)
    assert refused.exit_code == 1
    assert "x.csv: is not a complete zip archive" in refused.stderr
    assert run("backup", folder, tmp_path / "b.tgz").exit_code == 0
    assert run("restore", tmp_path / "b.tgz", tmp_path / "again").exit_code == 0
    again = run("query", "--type", "Tree", "--folder", tmp_path / "again", "--json")
    assert orjson.loads(again.stdout) == orjson.loads(by_url.stdout)


def test_writing_needs_the_token(node: tuple[Path, str], serve: Serve) -> None:
    served = serve(node[0])
    url = f"{served.address}/ngsi-ld/v1/entities"
    assert httpx.post(url, json=ENTITY).status_code == 401
    wrong = {"Authorization": "Bearer hansa_wrong"}
    assert httpx.post(url, json=ENTITY, headers=wrong).status_code == 401
    assert httpx.get(url, params={"type": "Tree"}).status_code == 200


def test_a_node_without_accounts(serve: Serve, tmp_path: Path) -> None:
    served = serve(tmp_path / "dev", "--dev")
    url = f"{served.address}/ngsi-ld/v1/entities"
    assert httpx.post(url, json=ENTITY).status_code == 201
    found = httpx.get(f"{url}/{ENTITY['id']}", params={"format": "simplified"}).json()
    assert found["height"] == 12
    code, _, err = served.stop()
    assert code == 0
    assert "no accounts" in err


def test_a_node_without_accounts_stays_on_loopback(tmp_path: Path) -> None:
    process = hansa("serve", "--dev", "--host", "0.0.0.0", "--port", "0")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "may not listen on 0.0.0.0" in err


def test_a_preloaded_context_needs_no_network(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "c.jsonld").write_text('{"@context": {"Tree": "https://example.org/own/Tree"}}')
    url = "https://contexts.example.org/c.jsonld"
    served = serve(tmp_path / "dev", "--dev", "--context", f"{url}={tmp_path / 'c.jsonld'}")
    link = f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    entities = f"{served.address}/ngsi-ld/v1/entities"
    assert httpx.post(entities, json=ENTITY, headers={"Link": link}).status_code == 201
    found = httpx.get(entities, params={"type": "https://example.org/own/Tree"}).json()
    assert [entity["id"] for entity in found] == [ENTITY["id"]]


def test_an_open_live_stream_does_not_hold_up_the_end(node: tuple[Path, str], serve: Serve) -> None:
    served = serve(node[0])
    with httpx.stream("GET", f"{served.address}/live/vehicles") as stream:
        assert stream.status_code == 200
        code, out, err = served.stop()
        assert (code, out) == (0, "")
        assert err.endswith("\nStopped; everything is saved.\n")
