"""``hansa subscriptions``: what it lists, and what it sends again."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from hansa.hub.subscriptions.model import KIND
from hansa.hub.subscriptions.writing import Origin, create
from hansa.kernel.clock import Clock
from hansa.kernel.folder import Folder
from hansa.ngsild.context import CORE
from hansa.store.outbox import Notice, Settled
from hansa.store.tenants import Tenants

from .conftest import Run

ID = "urn:ngsi-ld:Subscription:1"


@pytest.fixture
def folder(node: tuple[Path, str]) -> Path:
    """A node with a subscription, one of whose notifications was given up."""
    tenants = Tenants(Folder.open(node[0]).store, Clock())
    store = tenants.get_or_create(None)
    uri = "mqtt://ana:secret@a.example/cars"
    payload = {
        "type": "Subscription",
        "entities": [{"type": "Car"}],
        "notification": {"endpoint": {"uri": uri}},
    }
    origin = Origin(CORE, "http://a.example", None)
    store.write_records(KIND, [create(ID, payload, origin, "2026-01-01T00:00:00.000000Z")]).result()
    notice = Notice(
        "urn:n:1", KIND, ID, uri, "urn:x:1", 0, "application/json", None, b'{"data":[]}'
    )
    store.outbox.post([notice]).result()
    (row,) = store.outbox.due(uri, 1)
    store.outbox.settle([Settled(row.number, KIND, ID, 1_000_000, "no connection")]).result()
    tenants.close()
    return node[0]


def test_the_list_says_how_they_fare(run: Run, folder: Path) -> None:
    result = run("subscriptions", "list", "--folder", folder, "--json")
    (found,) = orjson.loads(result.stdout)
    assert (found["id"], found["status"], found["dead"]) == (ID, "active", 1)
    assert found["fault"] == "no connection"
    assert "secret" not in result.stdout
    assert ID in run("subscriptions", "--folder", folder).stdout


def test_one_is_shown(run: Run, folder: Path) -> None:
    result = run("subscriptions", "show", ID, "--folder", folder, "--json")
    assert orjson.loads(result.stdout)["last_failure"] == "1970-01-01T00:00:01.000000Z"
    assert run("subscriptions", "show", "urn:x:none", "--folder", folder).exit_code == 1
    assert run("subscriptions", "show", "--folder", folder).exit_code == 1


def test_what_was_given_up_is_listed_and_replayed(run: Run, folder: Path) -> None:
    result = run("subscriptions", "failures", ID, "--folder", folder, "--json")
    (failure,) = orjson.loads(result.stdout)
    assert (failure["id"], failure["attempts"]) == ("urn:n:1", 1)
    assert "secret" not in result.stdout
    again = run("subscriptions", "replay", ID, "-n", failure["number"], "--folder", folder)
    assert "1 notification will be sent again" in again.stdout
    assert orjson.loads(run("subscriptions", "failures", "-f", folder, "--json").stdout) == []
    assert "0 notifications" in run("subscriptions", "replay", "-f", folder).stdout


def test_a_tenant_that_is_not_there_is_named(run: Run, folder: Path) -> None:
    result = run("subscriptions", "--folder", folder, "--tenant", "blue")
    assert result.exit_code == 1
    assert "blue" in result.stderr
