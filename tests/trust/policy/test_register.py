"""The register: changes are logged, kept and undone; who may change rules; the gate answers by them at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hansa.kernel.clock import Clock
from hansa.kernel.errors import BadRequest, Forbidden, NotFound, Unauthorized, Unavailable
from hansa.kernel.folder import Folder
from hansa.kernel.settings import Settings
from hansa.ngsild.city import city_iri
from hansa.node import Node
from hansa.trust.log.book import LogBook
from hansa.trust.log.recorder import Recorder
from hansa.trust.policy.register import FIRST, Policies
from hansa.trust.principals import LOCAL, PUBLIC, Narrowing, Principal
from hansa.trust.vault import Vault
from tests.trust.policy.documents import constraint, document, rule

OFFICER = Principal("anna", "staff", frozenset({"data_officer"}))
PLANNER = Principal("pia", "staff", frozenset({"planner"}))
ADMIN = Principal("ada", "staff", frozenset({"administrator"}))
TREES = document(
    prohibition=[rule("read", "everyone", constraint("entityType", "isAnyOf", ["Tree"]))]
)
WATER = document(permission=[rule("read", "role:planner")]) | {"target": "urn:hansa:tenant:water"}


class Desk:
    """A vault, a log and the register between them."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.vault = Vault(folder / "trust" / "vault.sqlite", clock)
        self.book = LogBook(folder / "log", clock)
        self.policies = Policies(self.vault, Recorder(self.book), clock, city_iri)

    @property
    def logged(self) -> list[tuple[str, str]]:
        return [
            (each.entry.kind, each.entry.reason) for each in self.book.entries(0, self.book.size)
        ]

    def close(self) -> None:
        self.book.close()
        self.vault.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, Clock())
    yield made
    made.close()


def test_a_new_vault_publishes_the_city_and_says_so_once(desk: Desk, tmp_path: Path) -> None:
    policies = desk.policies
    assert policies.view(PUBLIC, "read").whole and policies.view(PUBLIC, "read").public
    assert policies.view(PUBLIC, "read", "water").nothing
    assert [each.name for each in policies.all()] == [FIRST] and policies.counter == 0
    policies.begin()
    policies.begin()
    assert desk.logged == [("policy", "policy.first")] and policies.counter == 1
    policies.withdraw(OFFICER, FIRST)
    assert policies.all() == [] and policies.view(PUBLIC, "read").nothing
    policies.begin()
    again = Policies(desk.vault, Recorder(desk.book), Clock(), city_iri)
    again.begin()
    assert again.view(PUBLIC, "read").nothing, "what was withdrawn does not come back by itself"


def test_each_change_is_logged_counted_and_can_be_undone(desk: Desk) -> None:
    policies = desk.policies
    first = policies.declare(OFFICER, "trees", TREES)
    assert (first.version, policies.counter) == (1, 2)
    assert not policies.view(PUBLIC, "read").whole
    policies.declare(OFFICER, "trees", WATER)
    assert policies.view(PUBLIC, "read").whole
    policies.withdraw(OFFICER, "trees")
    back = policies.restore(OFFICER, "trees", 1)
    assert (back.version, back.restores, back.document) == (4, 1, first.document)
    assert policies.view(PUBLIC, "read").rules == (
        f"{FIRST}:1/permission/1",
        "trees:4/prohibition/1",
    )
    assert [each.version for each in policies.versions("trees")] == [4, 3, 2, 1]
    assert policies.counter == 5
    assert [reason for _, reason in desk.logged] == [
        "policy.first",
        "policy.added",
        "policy.changed",
        "policy.withdrawn",
        "policy.restored",
    ]


@pytest.mark.parametrize(
    ("who", "kind"),
    [
        (PUBLIC, Unauthorized),
        (PLANNER, Forbidden),
        (replace(OFFICER, narrowing=Narrowing(frozenset({"read", "write"}))), Forbidden),
    ],
    ids=["public", "planner", "token"],
)
def test_who_may_not_change_rules_is_refused_and_that_is_logged(
    who: Principal, kind: type[Exception], desk: Desk
) -> None:
    for change in (
        lambda: desk.policies.declare(who, "trees", TREES),
        lambda: desk.policies.withdraw(who, FIRST),
        lambda: desk.policies.restore(who, FIRST, 1),
    ):
        with pytest.raises(kind):
            change()
    desk.policies.begin()
    assert desk.logged[:3] == [("refusal", "policy.not-allowed")] * 3
    assert [each.name for each in desk.policies.all()] == [FIRST]


def test_what_cannot_be_logged_does_not_happen(desk: Desk) -> None:
    desk.policies.begin()
    desk.book.close()
    with pytest.raises(Unavailable):
        desk.policies.declare(OFFICER, "trees", TREES)
    assert desk.policies.view(PUBLIC, "read").whole and desk.policies.counter == 1


def test_what_is_no_policy_changes_nothing(desk: Desk) -> None:
    for name, raw in (("trees", {}), ("Trees!", TREES), ("explain", TREES)):
        with pytest.raises(BadRequest):
            desk.policies.declare(OFFICER, name, raw)
    with pytest.raises(NotFound):
        desk.policies.restore(OFFICER, FIRST, 7)
    with pytest.raises(NotFound):
        desk.policies.withdraw(OFFICER, "none")
    assert [each.name for each in desk.policies.all()] == [FIRST]


def test_a_change_beside_it_is_noticed_at_the_next_question(desk: Desk, tmp_path: Path) -> None:
    assert desk.policies.view(PUBLIC, "read").whole
    vault = Vault(tmp_path / "trust" / "vault.sqlite", Clock())
    beside = Policies(vault, Recorder(desk.book), Clock(), city_iri)
    beside.declare(OFFICER, "trees", TREES)
    vault.close()
    assert not desk.policies.view(PUBLIC, "read").whole
    assert desk.policies.counter == 2


def test_rules_and_their_counter_survive_a_restart(tmp_path: Path) -> None:
    for expected in (2, 2):
        made = Desk(tmp_path, Clock())
        if not made.policies.counter:
            made.policies.declare(OFFICER, "trees", TREES)
        assert made.policies.counter == expected
        assert not made.policies.view(PUBLIC, "read").whole
        made.close()


def test_a_policy_that_cannot_be_read_shuts_the_gate(desk: Desk) -> None:
    desk.policies.declare(OFFICER, "trees", TREES)
    newer = {**TREES, "profile": "urn:hansa:odrl-profile:9"}
    kept = desk.vault.get("policy", "trees")
    assert kept is not None
    desk.vault.put("policy", "trees", {**kept, "policy": newer})
    desk.vault.put("policy", "#", {"count": 9})
    for _ in range(2):
        with pytest.raises(Unavailable, match="might prohibit something"):
            desk.policies.view(PUBLIC, "read")
    desk.policies.withdraw(OFFICER, "trees")
    assert desk.policies.view(PUBLIC, "read").whole


def test_those_under_the_same_rules_share_their_view(desk: Desk) -> None:
    desk.policies.declare(OFFICER, "water", WATER)
    view = desk.policies.view
    assert view(PLANNER, "read", "water").whole and not view(PLANNER, "read", "water").public
    assert view(PLANNER, "read").public, "what everybody may see, planners see as everybody"
    assert view(PUBLIC, "read", "water").nothing
    assert view(PLANNER, "read") is view(PUBLIC, "read") is view(PUBLIC, "read")
    desk.policies.declare(OFFICER, "trees", TREES)
    assert view(PLANNER, "read") is view(PUBLIC, "read") and not view(PUBLIC, "read").whole


def test_a_window_of_time_opens_and_closes_by_itself(tmp_path: Path) -> None:
    now = Clock().now()
    window = [
        constraint("dateTime", operator, f"{now + timedelta(days=days):%Y-%m-%dT00:00:00Z}")
        for operator, days in (("gteq", 2), ("lt", 4))
    ]
    raw = document(permission=[rule("read", "everyone", *window)])
    for days, open in ((0, False), (3, True), (5, False)):
        desk = Desk(tmp_path, Clock(timedelta(days=days)))
        if not days:
            desk.policies.withdraw(OFFICER, FIRST)
            desk.policies.declare(OFFICER, "fair", raw)
        view = desk.policies.view(PUBLIC, "read")
        assert view.whole is open and view.nothing is not open
        assert (view.until is None) is (days == 5)
        desk.close()


def test_a_rate_is_counted_for_each_who_asks(desk: Desk) -> None:
    raw = document(permission=[rule("read", "kind:service", constraint("rate", "lteq", 2))])
    desk.policies.withdraw(OFFICER, FIRST)
    desk.policies.declare(OFFICER, "bus", raw)
    one, other = Principal("bus", "service", token="a"), Principal("bus", "service", token="b")
    assert [desk.policies.view(one, "read").whole for _ in range(4)] == [True, True, False, False]
    assert desk.policies.view(one, "read").reason == (
        "asked more often than bus:1/permission/1 permits"
    )
    assert desk.policies.view(other, "read").whole
    desk.policies.declare(OFFICER, "more", WATER)
    assert desk.policies.view(one, "read").nothing, "a change elsewhere gives no new breath"


def test_the_gate_reads_by_the_rules_and_never_more_than_they_say(tmp_path: Path) -> None:
    node = Node(Folder(tmp_path), Settings(), Clock())
    try:
        assert node.gate.decide(PUBLIC, "read").reason == f"permitted by {FIRST}:1/permission/1"
        node.gate.writer(LOCAL, "water", make=True)
        with pytest.raises(Forbidden, match="no rule permits to read here"):
            node.gate.reader(PLANNER, "water")
        node.trust.policies.declare(OFFICER, "water", WATER)
        node.gate.reader(PLANNER, "water")
        assert not node.gate.decide(PLANNER, "write", "water").allowed
        node.trust.policies.withdraw(OFFICER, FIRST)
        with pytest.raises(Unauthorized):
            node.gate.reader(PUBLIC)
        assert node.gate.view(LOCAL, "read", "water").reason == "local operates this node"
        assert node.gate.view(ADMIN).whole and not node.gate.view(ADMIN).public
        elsewhere = replace(ADMIN, narrowing=Narrowing(frozenset({"read"}), tenant=""))
        assert node.gate.view(elsewhere, "read", "water").nothing
    finally:
        node.close()


def test_a_development_node_asks_no_rule(tmp_path: Path) -> None:
    node = Node(Folder(tmp_path), replace(Settings(), dev=True), Clock())
    try:
        node.trust.policies.withdraw(LOCAL, FIRST)
        assert node.gate.decide(PUBLIC, "write", "water").allowed
    finally:
        node.close()
