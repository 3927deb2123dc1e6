"""Nothing with a red line passes any door, and what is refused leaves nothing half written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from hansa.cli.control import work_through
from hansa.cli.history_work import do_history
from hansa.kernel.errors import HansaError
from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.spokes.runner import Request
from hansa.trust.principals import LOCAL
from tests.trust.sources.test_record import WHOLE
from tests.trust.test_redlines import JPEG

API = "/ngsi-ld/v1"
ID = "urn:ngsi-ld:Camera:1"
AT = "2026-11-25T08:00:00Z"
RED: dict[str, Any] = {
    "a plate": ("licensePlate", "1234 BCD"),
    "a template": ("faceTemplate", [0.1, 0.2]),
    "a score": ("socialScore", 7),
    "a profile": ("advertisingId", "x"),
    "a picture": ("note", JPEG),
}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    made = Node.open(tmp_path_factory.mktemp("doors") / "node", Settings(dev=True))
    yield made
    made.close()


@pytest.fixture(scope="module")
def api(node: Node) -> Iterator[TestClient]:
    with TestClient(node.app, base_url="http://127.0.0.1:1356") as client:
        client.post(f"{API}/entities", json={"id": ID, "type": "Camera", "speed": prop(5)})
        yield client


def prop(value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **more}


def entity(id: str, name: str, value: Any) -> dict[str, Any]:
    return {"id": id, "type": "Camera", name: prop(value), "speed": prop(1)}


def temporal(id: str, name: str, value: Any) -> dict[str, Any]:
    return {"id": id, "type": "Camera", name: [prop(value, observedAt=AT)]}


NEW = "urn:ngsi-ld:Camera:new"
DOORS: dict[str, Callable[[TestClient, str, Any], Any]] = {
    "create": lambda c, n, v: c.post(f"{API}/entities", json=entity(NEW, n, v)),
    "replace": lambda c, n, v: c.put(f"{API}/entities/{ID}", json=entity(ID, n, v)),
    "merge": lambda c, n, v: c.patch(f"{API}/entities/{ID}", json={n: prop(v)}),
    "append": lambda c, n, v: c.post(f"{API}/entities/{ID}/attrs", json={n: prop(v)}),
    "update": lambda c, n, v: c.patch(f"{API}/entities/{ID}/attrs", json={"speed": prop(9), n: prop(v)}),
    "beneath": lambda c, n, v: c.patch(f"{API}/entities/{ID}/attrs/speed", json=prop(9, **{n: prop(v)})),
    "within": lambda c, n, v: c.patch(f"{API}/entities/{ID}/attrs/speed", json=prop({"a": [{n: v}]})),
    "replace attribute": lambda c, n, v: c.put(
        f"{API}/entities/{ID}/attrs/speed", json=prop(9, **{n: prop(v)})
    ),
    "batch create": lambda c, n, v: c.post(f"{API}/entityOperations/create", json=[entity(NEW, n, v)]),
    "batch upsert": lambda c, n, v: c.post(f"{API}/entityOperations/upsert", json=[entity(ID, n, v)]),
    "batch upsert, update": lambda c, n, v: c.post(
        f"{API}/entityOperations/upsert?options=update", json=[entity(ID, n, v)]
    ),
    "batch update": lambda c, n, v: c.post(f"{API}/entityOperations/update", json=[entity(ID, n, v)]),
    "batch merge": lambda c, n, v: c.post(f"{API}/entityOperations/merge", json=[entity(ID, n, v)]),
    "history": lambda c, n, v: c.post(f"{API}/temporal/entities", json=temporal(NEW, n, v)),
    "history added": lambda c, n, v: c.post(
        f"{API}/temporal/entities/{ID}/attrs", json={n: [prop(v, observedAt=AT)]}
    ),
}  # fmt: skip


def traces(node: Node, value: Any) -> bool:
    """Whether a value stands anywhere in the tenant: entities, history, the change feed."""
    store = node.local_store()
    text = orjson.dumps(value)
    found = list(store.scan())
    for change in store.changes(0, 100_000):
        found.append(orjson.dumps(change.attributes))
    return any(text in each for each in found)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("red", RED)
def test_no_door_lets_it_in(node: Node, api: TestClient, door: str, red: str) -> None:
    name, value = RED[red]
    before, last = node.local_store().get(ID), node.local_store().last_change()
    answer = DOORS[door](api, name, value)
    assert "RedLine" in answer.text, answer.text
    assert answer.status_code in {207, 400, 403}
    assert node.local_store().get(ID) == before
    assert node.local_store().get(NEW) is None
    assert node.local_store().last_change() == last
    assert not traces(node, value) or value == 7
    assert api.get(f"{API}/temporal/entities/{NEW}").status_code == 404


def test_in_a_batch_only_what_crosses_a_line_is_refused(node: Node, api: TestClient) -> None:
    good = entity("urn:ngsi-ld:Camera:good", "count", 3)
    answer = api.post(
        f"{API}/entityOperations/upsert", json=[good, entity(NEW, "licensePlate", "1234 BCD")]
    )
    assert answer.status_code == 207
    assert node.local_store().get(NEW) is None
    assert node.local_store().get(good["id"]) is not None


@pytest.mark.parametrize("red", RED)
def test_no_import_brings_it(node: Node, tmp_path: Path, red: str) -> None:
    name, value = RED[red]
    (tmp_path / "cars.csv").write_text(
        f"n,{name},speed\n1,{value},5\n2,,6\n".replace("[0.1, 0.2]", "x")
    )
    (tmp_path / "cars.toml").write_text(
        f'type = "Car"\nid = "{{n}}"\n[attributes.{name}]\ncolumn = "{name}"\n'
        '[attributes.speed]\ncolumn = "speed"\nkind = "number"\n'
    )
    node.trust.sources.declare(LOCAL, "cars", WHOLE)
    options = {"mapping": str(tmp_path / "cars.toml")}
    request = Request(str(tmp_path / "cars.csv"), name="cars", options=options)
    for dry_run in (True, False):
        report = work_through(node, "table", request, dry_run, lambda step: None)
        withheld = any("has no step" in note for note in report.notes)
        assert withheld or report.refused == 1, report
        assert withheld or "Regulation" in str(report.refusals[0])
    assert not traces(node, value) or value == 7


@pytest.mark.parametrize("red", RED)
def test_no_history_file_brings_it(node: Node, tmp_path: Path, red: str) -> None:
    name, value = RED[red]
    text = "0.5" if isinstance(value, list) else str(value)
    (tmp_path / "past.csv").write_text(
        f"entity,type,attribute,time,value\n{NEW},Camera,speed,{AT},5\n{NEW},Camera,{name},{AT},{text}\n"
    )
    given = {"file": str(tmp_path / "past.csv"), "mapping": None, "dryRun": False, "tenant": None}
    with pytest.raises(HansaError, match="Regulation"):
        do_history(node, "import", given, lambda done, whole: None)
    with node.local_store().past() as past:
        assert not list(past.heads_of((NEW,))) if hasattr(past, "heads_of") else True


@pytest.mark.parametrize("red", RED)
def test_no_snapshot_takes_it(node: Node, api: TestClient, red: str) -> None:
    name, value = RED[red]
    store = node.gate.make_snapshot(LOCAL, None, f"urn:ngsi-ld:Snapshot:{name}")
    from hansa.store.port import Edited, Write

    crossing = {"id": NEW, "type": ["Camera"], f"https://x.example/{name}": [prop(value)]}
    (outcome,) = store.write([Write(NEW, lambda _: Edited(crossing), made=crossing)]).result()
    assert isinstance(outcome, HansaError)
    assert store.get(NEW) is None
    node.gate.drop_snapshot(LOCAL, None, f"urn:ngsi-ld:Snapshot:{name}")


_VALUES = st.recursive(
    st.integers() | st.text(max_size=6) | st.sampled_from(["1234 BCD", "AA-123-BB"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "licensePlate", "faceId"]), inner, max_size=2),
    max_leaves=6,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    name=st.sampled_from(["speed", "licensePlate", "faceTemplate", "seen", "socialCredit"]),
    value=_VALUES,
    door=st.sampled_from(sorted(DOORS)),
)
def test_whatever_comes_by_whatever_door_what_is_stored_crosses_no_line(
    node: Node, api: TestClient, name: str, value: Any, door: str
) -> None:
    from hansa.trust.redlines import check

    answer = DOORS[door](api, name, value)
    assert answer.status_code < 500
    for document in node.local_store().scan():
        check(orjson.loads(document))
    api.delete(f"{API}/entities/{NEW}")
    api.delete(f"{API}/temporal/entities/{NEW}")
