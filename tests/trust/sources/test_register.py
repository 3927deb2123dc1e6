"""The register of sources: no record, no data; every change logged first, every version kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hansa.kernel.clock import Clock
from hansa.kernel.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    RedLine,
    Unauthorized,
    Unavailable,
    UndeclaredSource,
)
from hansa.trust.principals import LOCAL, PUBLIC, Narrowing, Principal
from hansa.trust.sources.register import SourceRegister, filled
from hansa.trust.vault import Vault
from tests.trust.sources.test_record import WHOLE

OFFICER = Principal("anna", "staff", frozenset({"data_officer"}))


class Heard:
    """What was logged; it can be made to fail."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.broken = False

    def changed(self, kind: str, who: Principal, what: Any, reason: str, rules: Any = ()) -> int:
        if self.broken:
            raise Unavailable("the log", "cannot be written")
        self.said.append((who.name, reason))
        return len(self.said)

    def refused(self, who: Principal, what: Any, reason: str, rules: Any = ()) -> None:
        self.said.append((who.name, reason))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def sources(tmp_path: Path, heard: Heard) -> Iterator[SourceRegister]:
    vault = Vault(tmp_path / "trust" / "vault.sqlite", Clock())
    yield SourceRegister(vault, heard, Clock())  # type: ignore[arg-type]
    vault.close()


def test_no_record_no_data(sources: SourceRegister) -> None:
    with pytest.raises(UndeclaredSource) as refused:
        sources.in_use("trees", "table")
    assert "contact" in refused.value.extra["missing"]
    assert "retention" not in refused.value.extra["missing"]
    assert "hansa source template trees --spoke table" in refused.value.remedy
    sources.declare(OFFICER, "trees", WHOLE)
    assert sources.in_use("trees")["accountable"] == "City of Coquimbo"
    sources.withdraw(OFFICER, "trees")
    with pytest.raises(UndeclaredSource, match="withdrawn"):
        sources.in_use("trees")


def test_every_version_is_kept_and_can_come_back(sources: SourceRegister, heard: Heard) -> None:
    first = sources.declare(OFFICER, "trees", WHOLE)
    assert sources.declare(OFFICER, "trees", WHOLE) == first
    sources.declare(OFFICER, "trees", WHOLE | {"contact": "other@city.example"})
    sources.withdraw(OFFICER, "trees")
    back = sources.restore(OFFICER, "trees", 1)
    assert (back["version"], back["contact"]) == (4, WHOLE["contact"])
    told = [(each["version"], each["status"]) for each in sources.versions("trees")]
    assert told == [(4, "declared"), (3, "withdrawn"), (2, "declared"), (1, "declared")]
    assert [each["id"] for each in sources.all()] == ["trees"]
    assert [reason for _, reason in heard.said] == [
        "source.declared", "source.changed", "source.withdrawn", "source.changed"
    ]  # fmt: skip
    with pytest.raises(NotFound):
        sources.restore(OFFICER, "trees", 9)


@pytest.mark.parametrize(
    ("who", "error"),
    [
        (PUBLIC, Unauthorized),
        (Principal("otto", "staff", frozenset({"planner"})), Forbidden),
        (Principal("anna", "staff", frozenset({"data_officer"}), Narrowing(frozenset({"write"}))), Forbidden),
    ],
    ids=["public", "planner", "narrowed"],
)  # fmt: skip
def test_only_some_may_change_it(
    sources: SourceRegister, heard: Heard, who: Principal, error: type[Exception]
) -> None:
    for change in (
        lambda: sources.declare(who, "trees", WHOLE),
        lambda: sources.withdraw(who, "t"),
    ):
        with pytest.raises(error):
            change()
    assert sources.all() == []
    assert {reason for _, reason in heard.said} == {"source.not-allowed"}


def test_a_red_line_is_refused_and_logged(sources: SourceRegister, heard: Heard) -> None:
    with pytest.raises(RedLine):
        sources.declare(OFFICER, "cameras", WHOLE | {"tech": ["identifiable_video"]})
    assert heard.said == [("anna", "source.red-line")]
    assert sources.find("cameras") is None


def test_what_cannot_be_logged_does_not_happen(sources: SourceRegister, heard: Heard) -> None:
    heard.broken = True
    with pytest.raises(Unavailable):
        sources.declare(OFFICER, "trees", WHOLE)
    assert sources.find("trees") is None


@pytest.mark.parametrize("id", ["", "Trees", "a/b", "a@1", "-a", "a-", "å", "x" * 101])
def test_names_are_those_of_imports(sources: SourceRegister, id: str) -> None:
    with pytest.raises(BadRequest):
        sources.declare(OFFICER, id, WHOLE)
    with pytest.raises(UndeclaredSource):
        sources.in_use(id)


def test_a_short_form_suffices_where_the_adapter_knows_the_rest(sources: SourceRegister) -> None:
    sources.defaults = {"gtfs": {"tech": ["gps"], "data": ["spatial"], "process": ["raw_data"], "public_space": False}}.__getitem__  # fmt: skip
    short = {
        "adapter": "gtfs",
        "accountable": "City of Visby",
        "contact": "data@visby.example",
        "purpose": ["mobility"],
        "lawful_basis": "none_personal",
        "retention_period": "P2Y",
    }
    record = sources.declare(LOCAL, "buses", short)
    assert (record["tech"], record["storage"]) == (["gps"], ["stored_locally"])
    assert (record["retention"], record["name"]) == (["data_retained"], "buses")
    assert sources.declare(LOCAL, "none", short | {"retention_period": "PT0S"})["retention"] == [
        "no_data_retained"
    ]


def test_nobody_is_said_to_get_data_about_people_and_steps_say_what_they_do() -> None:
    known = {"data": ["tabular"], "process": ["raw_data"]}
    steps = [{"step": "drop"}, {"step": "suppress"}, {"step": "time"}, {"step": []}, "odd"]
    made = filled({"adapter": "table", "data": ["personal"], "anonymise": steps}, lambda _: known)
    assert "access" not in made
    assert made["process"] == ["de_identified", "k_anonymity"]
    assert made["storage"] == ["stored_locally"]
    made = filled({"adapter": "table", "anonymise": [{"step": "keep"}]}, lambda _: known)
    assert (made["process"], made["access"]) == (["raw_data"], ["available_to_download"])
