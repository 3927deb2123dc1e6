"""The pages of the policies: what they say to whom, and that a change is tried before it is made."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from hansa.kernel.settings import Settings
from hansa.ngsild.city import city_iri
from hansa.node import Node
from hansa.store.port import Edited, Write
from hansa.trust.policy.parse import CITY, PROFILE
from hansa.trust.principals import LOCAL, new_token, token_hash

TOKEN = new_token()
MINE = {"Authorization": f"Bearer {TOKEN}"}
ADMIN, BOOK = "/admin/policies", "/open-book/policies"
FORM = {
    "name": "trees",
    "title": "No <trees>",
    "kind": "prohibition",
    "action": "read",
    "party": "everyone",
    "types": "Tree",
}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    settings = replace(Settings(city="Visby"), operator_token_hash=token_hash(TOKEN))
    made = Node.open(tmp_path, settings)
    at = dict.fromkeys(("createdAt", "modifiedAt"), "2026-01-01T00:00:00.000000Z")
    tree: dict[str, Any] = {"id": "urn:x:Tree:1", "type": [city_iri("Tree")], **at}
    made.local_store().write([Write(tree["id"], lambda _: Edited(tree))]).result()
    yield made
    made.close()


@pytest.fixture
def web(node: Node) -> TestClient:
    return TestClient(node.app, base_url="http://127.0.0.1:1356", follow_redirects=False)


def test_anyone_reads_the_rules_in_plain_words(web: TestClient) -> None:
    page = web.get(BOOK).text
    assert "The city&#39;s own data are published" in page and "Permission" in page
    assert "see it, be told of changes, pass it on" in page and 'href="/admin/policies"' not in page
    assert "Les données propres de la ville sont publiées" in web.get(f"{BOOK}?lang=fr").text
    assert all(BOOK in web.get(path).text for path in ("/open-book", "/open-book/log"))


def test_nobody_reads_whom_a_rule_names(web: TestClient, node: Node) -> None:
    rule = {"action": "read", "assignee": ["name:anna.torres", "client:bus"]}
    raw = {"@type": "Set", "profile": PROFILE, "target": CITY, "permission": [rule]}
    node.trust.policies.declare(LOCAL, "own", raw)
    page = web.get(BOOK).text
    assert "one person, the program bus" in page and "anna" not in page
    assert "anna.torres" in web.get(BOOK, headers=MINE).text


def test_the_answer_says_which_rule_decides(web: TestClient) -> None:
    page = web.get(f"{BOOK}/explain", params={"who": "public", "what": "Tree"}).text
    assert "All of it" in page and "published:1/permission/1" in page and "entities." not in page
    page = web.get(f"{BOOK}/explain", params={"what": "Tree"}, headers=MINE).text
    assert "1 of 1 entities." in page
    missing = web.get(f"{BOOK}/explain", params={"what": "<b>urn:x:9"})
    assert missing.status_code == 404 and "<b>urn" not in missing.text


def test_where_nothing_is_published_the_pages_say_so(web: TestClient, node: Node) -> None:
    node.trust.policies.withdraw(LOCAL, "published")
    assert "No rule is in force: nothing is published." in web.get(BOOK).text
    assert web.get(f"{BOOK}/explain").status_code == 200
    asked = web.get(f"{BOOK}/explain", params={"what": "Tree"})
    assert asked.status_code == 401 and "no rule permits to read here" in asked.text


def test_only_those_who_keep_rules_come_to_the_form(web: TestClient) -> None:
    assert web.get(ADMIN).headers["location"] == f"/login?next={ADMIN}"
    assert web.post(ADMIN, data=FORM).status_code == 403
    assert web.get(ADMIN, headers=MINE).status_code == 200


def test_a_rule_is_tried_before_it_is_made_and_can_be_withdrawn(
    web: TestClient, node: Node
) -> None:
    tried = web.post(ADMIN, data=FORM, headers=MINE)
    assert tried.status_code == 200 and "This is what would change" in tried.text
    assert (
        "<dt>Tree · people who do not say who they are</dt><dd>1 can be seen now, 0 afterwards</dd>"
        in tried.text
    )
    assert [each.name for each in node.trust.policies.all()] == ["published"]
    policy = {
        "@type": "Set",
        "profile": PROFILE,
        "title": "No <trees>",
        "target": CITY,
        "prohibition": [
            {
                "action": ["read"],
                "assignee": ["everyone"],
                "constraint": [
                    {
                        "leftOperand": "entityType",
                        "operator": "isAnyOf",
                        "rightOperand": ["Tree"],
                    }
                ],
            }
        ],
    }

    held = html.unescape(tried.text.split('name="policy" value="', 1)[1].split('">', 1)[0])
    assert json.loads(held) == policy
    done = web.post(
        ADMIN, data={"step": "do", "do": "add", "name": "trees", "policy": held}, headers=MINE
    )
    assert done.status_code == 303 and node.trust.policies.get("trees").document == policy
    assert "No &lt;trees&gt;" in web.get(ADMIN, headers=MINE).text
    gone = {"do": "withdraw", "name": "trees"}
    assert "Withdraw it" in web.post(ADMIN, data=gone, headers=MINE).text
    assert node.trust.policies.get("trees").document is not None
    assert web.post(ADMIN, data={**gone, "step": "do"}, headers=MINE).status_code == 303
    assert node.trust.policies.get("trees").document is None


@pytest.mark.parametrize(
    "more",
    [
        {"name": "Trees!"},
        {"party": ""},
        {"types": "a b"},
        {"policy": "{"},
        {"do": "restore", "version": "x"},
        {"do": "withdraw"},
        {"since": "soon"},
    ],
    ids=str,
)
def test_what_the_form_cannot_say_is_told_on_the_page(
    web: TestClient, more: dict[str, str]
) -> None:
    answer = web.post(ADMIN, data=FORM | more, headers=MINE)
    assert answer.status_code in (400, 404) and 'class="fault"' in answer.text
