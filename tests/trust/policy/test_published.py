"""Policies at their addresses: read by anyone, changed by those who may, explained and tried before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from hansa.kernel.clock import Clock
from hansa.kernel.folder import Folder
from hansa.kernel.settings import Settings
from hansa.ngsild.city import city_iri
from hansa.node import Node
from hansa.store.port import Edited, Write
from hansa.trust.policy.published import SOMEBODY
from hansa.trust.principals import PUBLIC, new_token, token_hash
from tests.trust.policy.documents import constraint, document, rule

PATH = "/hansa/v1/policies"
TOKEN = new_token()
MINE = {"Authorization": f"Bearer {TOKEN}"}
HIDE = document(
    prohibition=[rule("read", "everyone", constraint("entityType", "isAnyOf", ["Tree"]))]
)
PLANNERS = document(
    prohibition=[
        rule("read", ["kind:public", "name:bo"], constraint("attribute", "isAnyOf", ["height"]))
    ]
)


def entity(number: int, type: str, **attributes: int) -> Write:
    at = dict.fromkeys(("createdAt", "modifiedAt"), "2026-01-01T00:00:00.000000Z")
    made: dict[str, Any] = {"id": f"urn:x:{type}:{number}", "type": [city_iri(type)], **at}
    for name, value in attributes.items():
        made[city_iri(name)] = [{"type": "Property", "value": value, **at}]
    return Write(made["id"], lambda _: Edited(made))


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    settings = replace(Settings(), operator_token_hash=token_hash(TOKEN))
    made = Node(Folder(tmp_path), settings, Clock())
    writes = [entity(n, "Tree", height=n) for n in range(3)] + [entity(0, "Bench")]
    made.local_store().write(writes).result()
    yield made
    made.close()


@pytest.fixture
def web(node: Node) -> TestClient:
    return TestClient(node.app)


def test_anyone_reads_them_and_nobody_reads_names_of_people(web: TestClient) -> None:
    assert [each["name"] for each in web.get(PATH).json()] == ["published"]
    assert web.put(f"{PATH}/heights", json=PLANNERS, headers=MINE).json()["version"] == 1
    answer = web.get(f"{PATH}/heights")
    assert answer.headers["content-type"] == "application/ld+json"
    assert answer.json()["prohibition"][0]["assignee"] == ["kind:public", SOMEBODY]
    assert web.get(f"{PATH}/heights", headers=MINE).json() == PLANNERS
    (shown,) = (each for each in web.get(PATH).json() if each["name"] == "heights")
    assert shown["policy"]["prohibition"][0]["assignee"][1] == SOMEBODY
    (version,) = web.get(f"{PATH}/heights/versions").json()
    assert version["policy"]["prohibition"][0]["assignee"][1] == SOMEBODY
    assert web.get(f"{PATH}/form").json()["limits"]["rules in a policy"] == 100


def test_a_change_is_seen_by_the_next_reader_and_can_be_undone(web: TestClient) -> None:
    tree = f"/ngsi-ld/v1/entities/{'urn:x:Tree:1'}"
    assert web.get(tree).status_code == 200
    assert web.put(f"{PATH}/trees", json=HIDE, headers=MINE).status_code == 200
    assert web.get(tree).status_code == 404
    assert web.get(tree, headers=MINE).status_code == 200
    assert web.delete(f"{PATH}/trees", headers=MINE).status_code == 204
    assert web.get(f"{PATH}/trees").status_code == 404
    assert web.get(tree).status_code == 200
    back = web.post(f"{PATH}/trees/restore?version=1", headers=MINE).json()
    assert (back["version"], back["restores"]) == (3, 1)
    assert web.get(f"{PATH}/trees?version=1").json() == HIDE
    assert web.get(tree).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b'{"@type":"Set","@type":"Set"}', 400, "twice"),
        (b"{", 400, "line 1"),
        (b"[" * 70_000, 413, "longer"),
        (b"{}", 400, "lacks the member '@type'"),
    ],
    ids=["twice", "half", "long", "empty"],
)
def test_what_is_no_policy_is_refused(web: TestClient, body: bytes, status: int, told: str) -> None:
    answer = web.put(f"{PATH}/trees", content=body, headers=MINE)
    assert answer.status_code == status and told in answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert [each["name"] for each in web.get(PATH).json()] == ["published"]


def test_a_preview_counts_what_would_change_and_changes_nothing(web: TestClient) -> None:
    found = web.post(f"{PATH}/trees/preview", json=HIDE, headers=MINE).json()
    assert found == [
        {"who": "kind:public", "type": city_iri("Tree"), "attribute": "", "before": 3, "after": 0}
    ]
    found = web.post(f"{PATH}/h/preview", json=PLANNERS, headers=MINE).json()
    height = {"type": city_iri("Tree"), "attribute": city_iri("height"), "before": 3, "after": 0}
    assert found == [{"who": who, **height} for who in ("kind:public", "name:bo")]
    gone = web.post(f"{PATH}/published/preview", headers=MINE).json()
    assert {(each["type"], each["before"], each["after"]) for each in gone} == {
        (city_iri("Tree"), 3, 0),
        (city_iri("Bench"), 1, 0),
    }
    assert web.post(f"{PATH}/none/preview", headers=MINE).status_code == 404
    assert web.post(f"{PATH}/trees/preview", json=HIDE).status_code == 401
    assert [each["name"] for each in web.get(PATH).json()] == ["published"]


def explained(web: TestClient, headers: dict[str, str] | None = None, **asked: str) -> Any:
    return web.get(f"{PATH}/explain", params=asked, headers=headers)


def test_each_answer_names_the_rule_that_decided(web: TestClient, node: Node) -> None:
    web.put(f"{PATH}/heights", json=PLANNERS, headers=MINE)
    found = explained(web, MINE, what="urn:x:Tree:1").json()
    assert (found["extent"], found["code"]) == ("some", "partly")
    assert found["rule"] == "published:1/permission/1" and "without some of" in found["reason"]
    assert explained(web, MINE, what="Tree").json()["extent"] == "some"
    assert explained(web, MINE, what="Bench").json()["extent"] == "all"
    found = explained(web, MINE, what="urn:x:Tree:1", attribute="height").json()
    assert (found["extent"], found["code"]) == ("none", "prohibited")
    assert found["reason"] == "the public may not read it: heights:1/prohibition/1 prohibits it"
    found = explained(web, MINE, what="Tree", attribute="height").json()
    assert (found["extent"], found["seen"], found["total"]) == ("none", 0, 3)
    found = explained(web, MINE, who="role:planner", what="Tree", attribute="height").json()
    assert (found["extent"], found["seen"]) == ("all", 3)
    found = explained(web, MINE, who="operator", what="Tree").json()
    assert (found["extent"], found["code"]) == ("all", "operator")
    node.trust.desk.accounts.add("bo", roles=["planner"])
    found = explained(web, MINE, who="bo", what="Tree", attribute="height").json()
    assert found["extent"] == "none"
    assert node.gate.view(PUBLIC).reason in (
        "permitted by published:1/permission/1, less what heights:1/prohibition/1 prohibits"
    )


def test_who_keeps_no_rules_learns_nothing_that_they_may_not_see(
    web: TestClient, node: Node
) -> None:
    node.trust.desk.accounts.add("bo", roles=["planner"])
    found = explained(web, what="Tree").json()
    assert (found["extent"], found["seen"], found["total"]) == ("all", None, None)
    for who in ("bo", "nobody", "name:bo"):
        assert explained(web, who=who, what="Tree").status_code == 403
    web.put(f"{PATH}/trees", json=HIDE, headers=MINE)
    there, nowhere = (explained(web, what=f"urn:x:Tree:{n}").json() for n in (1, 99))
    assert {each: there[each] for each in ("title", "detail", "status")} == {
        each: nowhere[each].replace("Tree:99", "Tree:1") if each != "status" else 404
        for each in ("title", "detail", "status")
    }
    hidden = explained(web, what="Tree").json()  # the rule that names it can be read by all
    assert (hidden["extent"], hidden["code"], hidden["total"]) == ("none", "prohibited", None)
    assert explained(web, what="Bird").status_code == 404
    assert explained(web, who="role:king", what="Bench").status_code == 400
    assert explained(web).status_code == 400
