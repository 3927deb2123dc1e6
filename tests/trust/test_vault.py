"""The gate's own database: durable, by kind, closed to others, and no tenant."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hansa.kernel.clock import Clock
from hansa.kernel.errors import Conflict
from hansa.kernel.folder import Folder
from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.vault import Record, Vault
from hansa.upkeep.archive import backup, restore
from hansa.upkeep.doctor import examine


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    made = Vault(tmp_path / "trust" / "vault.sqlite", Clock())
    yield made
    made.close()


def test_records_are_found_by_kind_and_identifier(vault: Vault) -> None:
    vault.put("rule", "b", {"id": "b"})
    vault.put_many("rule", [("a", {"id": "a"}), ("b", {"id": "b", "n": 2})])
    assert vault.all("rule") == [{"id": "b", "n": 2}, {"id": "a"}]
    assert vault.get("rule", "a") == {"id": "a"}
    assert vault.get("account", "a") is None
    assert vault.drop("rule", "a", "c") == 1
    assert vault.all("rule") == [{"id": "b", "n": 2}]


def test_edits_of_one_record_do_not_lose_each_other(vault: Vault) -> None:
    def count(old: Record | None) -> tuple[Record, int]:
        n = (old or {"n": 0})["n"] + 1
        return {"n": n}, n

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: vault.edit("counter", "c", count), range(40)))
    assert sorted(said) == list(range(1, 41))


def test_a_refused_edit_changes_nothing(vault: Vault) -> None:
    def refuse(_: Record | None) -> tuple[Record, None]:
        raise Conflict("it", "is there", "leave it")

    vault.put("rule", "a", {"n": 1})
    with pytest.raises(Conflict):
        vault.edit("rule", "a", refuse)
    assert vault.get("rule", "a") == {"n": 1}


def test_the_version_of_a_kind_grows_with_its_writes(vault: Vault) -> None:
    before = vault.version("rule"), vault.version("account")
    vault.put("rule", "a", {})
    assert vault.version("rule") > before[0]
    assert vault.version("account") == before[1]


def test_it_outlives_its_process_and_is_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "trust" / "vault.sqlite"
    first = Vault(path, Clock())
    first.put("rule", "a", {"n": 1})
    assert first.is_new
    first.close()
    again = Vault(path, Clock())
    assert again.get("rule", "a") == {"n": 1}
    assert not again.is_new
    again.close()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_is_part_of_the_node_but_no_tenant(tmp_path: Path) -> None:
    folder = Folder.create(tmp_path / "node", 'city = "Visby"\n')
    node = Node.open(folder.root, Settings(city="Visby"))
    node.trust.vault.put("rule", "a", {"n": 1})
    assert [path.stem for path in folder.databases] == ["default"]
    backup(folder, tmp_path / "b.tgz", lambda done, total: None)
    node.close()
    restore(tmp_path / "b.tgz", tmp_path / "again", lambda done, total: None)
    again = Node.open(tmp_path / "again", Settings(city="Visby"))
    assert again.trust.vault.get("rule", "a") == {"n": 1}
    again.close()
    (tmp_path / "again" / "trust").chmod(0o755)
    found = [f for f in examine(tmp_path / "again") if f.subject == "vault"]
    assert [f.level for f in found] == ["warn", "ok"]
