"""Tenants: one store each, made on demand, never outside the folder."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hansa.kernel.clock import Clock
from hansa.kernel.errors import (
    AlreadyExists,
    BadRequest,
    NonexistentTenant,
    NotFound,
    Unavailable,
)
from hansa.store.tenants import Tenants

from .build import entity, fill, found


@pytest.fixture
def tenants(tmp_path: Path) -> Iterator[Tenants]:
    opened = Tenants(tmp_path / "store", Clock())
    yield opened
    opened.close()


def test_tenants_share_nothing(tenants: Tenants) -> None:
    fill(tenants.get_or_create(None), entity("urn:x:1"))
    fill(tenants.get_or_create("port"), entity("urn:x:2"))
    assert found(tenants.get(None)) == ["1"]
    assert found(tenants.get("port")) == ["2"]
    assert tenants.get("port") is tenants.get_or_create("port")
    assert tenants.names() == ["default", "port"]


def test_an_unknown_tenant_is_not_made_by_asking(tenants: Tenants) -> None:
    with pytest.raises(NonexistentTenant, match="port"):
        tenants.get("port")
    with pytest.raises(NonexistentTenant):
        tenants.get(None)
    assert tenants.names() == []


def test_tenants_come_back_after_a_restart(tmp_path: Path) -> None:
    for turn in range(2):
        tenants = Tenants(tmp_path, Clock())
        fill(tenants.get_or_create("a-b_1"), entity(f"urn:x:{turn}"))
        tenants.close()
    tenants = Tenants(tmp_path, Clock())
    assert tenants.names() == ["a-b_1"]
    assert found(tenants.get("a-b_1")) == ["0", "1"]
    tenants.close()


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "a/b", "a\\b", "A", "é", "a.b", "-a", "a" * 65, "a\n", "con fusion"]
)
def test_a_name_that_is_no_file_name_is_refused(tenants: Tenants, name: str) -> None:
    with pytest.raises(BadRequest, match="letters"):
        tenants.get_or_create(name)
    with pytest.raises(BadRequest):
        tenants.get(name)


def test_many_may_ask_at_once(tenants: Tenants) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = set(pool.map(lambda _: id(tenants.get_or_create("port")), range(32)))
    assert len(stores) == 1


def test_closed_tenants_say_so(tenants: Tenants) -> None:
    tenants.get_or_create("port")
    tenants.close()
    with pytest.raises(Unavailable, match="closing"):
        tenants.get("port")


# -- snapshots -------------------------------------------------------------------------------------


def test_a_snapshot_is_a_store_beside_its_tenant_s(tmp_path: Path) -> None:
    tenants = Tenants(tmp_path, Clock())
    tenants.get_or_create("one")
    first = tenants.make_snapshot("one", "urn:s:1")
    fill(first, entity("urn:x:1"))
    assert tenants.snapshot("one", "urn:s:1") is first
    copy = tenants.make_snapshot("one", "urn:s:2", "urn:s:1")
    fill(copy, entity("urn:x:2"))
    assert first.get("urn:x:2") is None
    assert copy.get("urn:x:1") is not None
    assert tenants.names() == ["one"]
    with pytest.raises(AlreadyExists):
        tenants.make_snapshot("one", "urn:s:1")
    for tenant in (None, "other"):
        with pytest.raises(NotFound):
            tenants.snapshot(tenant, "urn:s:1")
    tenants.drop_snapshot("one", "urn:s:1")
    tenants.drop_snapshot("one", "urn:s:1")
    with pytest.raises(NotFound):
        tenants.snapshot("one", "urn:s:1")
    tenants.close()
    again = Tenants(tmp_path, Clock())
    assert again.snapshot("one", "urn:s:2").get("urn:x:2") is not None
    again.close()
