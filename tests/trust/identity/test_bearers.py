"""A token is remembered, and refused from the next request on when it, or its account, ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hansa.kernel.clock import Clock
from hansa.kernel.settings import Settings
from hansa.trust.identity.desk import Desk
from hansa.trust.vault import Vault


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    made = Vault(tmp_path / "trust" / "vault.sqlite", Clock())
    yield made
    made.close()


def test_it_is_looked_up_once_and_again_when_anything_changed(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(vault, Settings(), Clock())
    desk.accounts.add("anna", roles=("planner",))
    token, text = desk.tokens.add("anna", "test", types=("urn:t",))
    desk.bearer(text)  # which notes its first use
    first = desk.bearer(text)
    asked: list[str] = []
    find = desk.tokens.find
    monkeypatch.setattr(desk.tokens, "find", lambda text: asked.append(text) or find(text))
    assert desk.bearer(text) is first
    assert first is not None and first.narrowing is not None
    assert (first.name, first.token, first.narrowing.types) == (
        "anna",
        token.id,
        frozenset({"urn:t"}),
    )
    assert asked == []
    assert desk.bearer(text[:-1] + "?") is None
    desk.accounts.set_roles("anna", ("auditor",))
    again = desk.bearer(text)
    assert again is not None and again.roles == {"auditor"}
    desk.tokens.revoke(token.id)
    assert desk.bearer(text) is None


def test_another_process_ends_it_at_once(vault: Vault, tmp_path: Path) -> None:
    desk = Desk(vault, Settings(), Clock())
    desk.accounts.add("anna")
    _, text = desk.tokens.add("anna", "test")
    assert desk.bearer(text) is not None
    assert desk.bearer(text) is not None
    other = Vault(tmp_path / "trust" / "vault.sqlite", Clock())
    Desk(other, Settings(), Clock()).accounts.disable("anna")
    assert desk.bearer(text) is None
    other.close()


def test_it_ends_when_it_is_over(vault: Vault) -> None:
    clock = _Moving()
    desk = Desk(vault, Settings(), clock)
    desk.accounts.add("anna")
    _, text = desk.tokens.add("anna", "test", days=1)
    for seconds, holds in ((0, True), (86_370, True), (25, True), (10, False)):
        clock.later.append(timedelta(seconds=seconds))
        assert (desk.bearer(text) is not None) == holds


class _Moving(Clock):
    """A clock that is put forward by all in its list."""

    later: list[timedelta] = []  # noqa: RUF012

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + sum(self.later, timedelta())
