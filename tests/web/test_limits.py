"""Who asks too often is told when to come back."""

from __future__ import annotations

from pathlib import Path

from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.node import Node

HOME = "http://127.0.0.1:1356"


def test_an_address_and_a_token_are_limited_each_for_itself(tmp_path: Path) -> None:
    node = Node.open(tmp_path / "node", Settings(rate_address=3, rate_token=2))
    node.trust.desk.accounts.add("ana")
    _, token = node.trust.desk.tokens.add("ana", "t")
    far = TestClient(node.app, base_url=HOME, client=("192.0.2.7", 50000))
    other = TestClient(node.app, base_url=HOME, client=("192.0.2.8", 50000))
    here = TestClient(node.app, base_url=HOME, client=("127.0.0.1", 50000))
    path = "/ngsi-ld/v1/types"
    assert [far.get(path).status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = far.get("/data")
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["content-type"] == "application/problem+json"
    assert other.get(path).status_code == 200
    assert [here.get(path).status_code for _ in range(9)] == [200] * 9
    sent = {"Authorization": f"Bearer {token}"}
    assert [here.get(path, headers=sent).status_code for _ in range(3)] == [200, 200, 429]
    assert int(here.get(path, headers=sent).headers["retry-after"]) >= 1
    node.close()
