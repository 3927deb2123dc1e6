"""Keys of pseudonyms: one at a time, on time destroyed, in no backup, and never half there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hansa.kernel.clock import Clock
from hansa.trust.anonymise.keys import Keys
from hansa.trust.vault import Vault

DAY = timedelta(days=1)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    made = Vault(tmp_path / "trust" / "vault.sqlite", Clock())
    yield made
    made.close()


def keys(vault: Vault, tmp_path: Path, after: timedelta = timedelta()) -> Keys:
    return Keys(tmp_path / "keys", vault, Clock.set_to(NOON + after))


def files(tmp_path: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((tmp_path / "keys").iterdir())]


def test_a_key_lasts_to_the_end_of_its_period(vault: Vault, tmp_path: Path) -> None:
    first = keys(vault, tmp_path).current("bikes", DAY)
    assert keys(vault, tmp_path, timedelta(hours=11)).current("bikes", DAY) == first
    assert keys(vault, tmp_path).until("bikes") == "2026-03-05T00:00:00.000000Z"
    next_day = keys(vault, tmp_path, timedelta(hours=13)).current("bikes", DAY)
    assert next_day != first
    assert len(files(tmp_path)) == 1
    assert first.secret.hex().encode() not in files(tmp_path)[0]
    (gone,) = keys(vault, tmp_path).destroyed("bikes")
    assert gone["name"] == first.name


def test_each_source_has_its_own(vault: Vault, tmp_path: Path) -> None:
    made = keys(vault, tmp_path)
    assert made.current("bikes", DAY).secret != made.current("cars", DAY).secret


def test_keys_end_though_nothing_comes_in(vault: Vault, tmp_path: Path) -> None:
    keys(vault, tmp_path).current("bikes", DAY)
    keys(vault, tmp_path).current("cars", 30 * DAY)
    assert keys(vault, tmp_path, timedelta(hours=1)).tend() == 0
    assert keys(vault, tmp_path, timedelta(hours=13)).tend() == 1
    assert len(files(tmp_path)) == 1
    assert keys(vault, tmp_path).tend() == 0


def test_a_key_is_destroyed_at_once(vault: Vault, tmp_path: Path) -> None:
    made = keys(vault, tmp_path)
    first = made.current("bikes", DAY)
    assert made.destroy("bikes")
    assert files(tmp_path) == []
    assert not made.destroy("bikes")
    assert made.current("bikes", DAY) != first


def test_a_shorter_period_ends_a_longer_key(vault: Vault, tmp_path: Path) -> None:
    first = keys(vault, tmp_path).current("bikes", 30 * DAY)
    assert keys(vault, tmp_path).current("bikes", DAY) != first


def test_the_vault_never_holds_a_secret(vault: Vault, tmp_path: Path) -> None:
    secrets = [keys(vault, tmp_path, n * DAY).current("bikes", DAY).secret for n in range(3)]
    vault.close()
    held = b"".join(path.read_bytes() for path in (tmp_path / "trust").iterdir())
    for secret in secrets:
        assert secret not in held
        assert secret.hex().encode() not in held


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"until": "soon"}', bytes(300)])
def test_a_damaged_key_is_replaced(vault: Vault, tmp_path: Path, content: bytes) -> None:
    made = keys(vault, tmp_path)
    first = made.current("bikes", DAY)
    (path,) = (tmp_path / "keys").iterdir()
    path.write_bytes(content)
    assert made.current("bikes", DAY) != first
    path.write_bytes(content)
    assert made.tend() == 1


def test_keys_are_for_the_nodes_user_alone(vault: Vault, tmp_path: Path) -> None:
    keys(vault, tmp_path).current("bikes", DAY)
    (path,) = (tmp_path / "keys").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
