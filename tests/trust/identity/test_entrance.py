"""What is asked beyond a password: a second factor where it must be, and everything again before what is grave."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hansa.kernel.clock import Clock
from hansa.kernel.errors import BadRequest, Forbidden, TooManyRequests, Unauthorized
from hansa.kernel.settings import Settings, SettingsError
from hansa.trust.identity.accounts import Account
from hansa.trust.identity.desk import Desk
from hansa.trust.identity.sessions import Session
from hansa.trust.vault import Vault
from tests.trust.identity.test_desk import HERE, SECRET, Hands, code_of

FROM = HERE[0]


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    made = Vault(tmp_path / "trust" / "vault.sqlite", Clock())
    yield made
    made.close()


def desk_of(vault: Vault, hands: Hands, required: str = "staff") -> Desk:
    return Desk(vault, Settings(city="Visby", second_factor=required), hands)  # type: ignore[arg-type]


def with_people(desk: Desk) -> Desk:
    desk.accounts.add("ana", roles=["planner"])
    desk.accounts.add("rosa", kind="resident")
    for name in ("ana", "rosa"):
        desk.choose_password(name, SECRET)
    return desk


def inside(desk: Desk, secret: str) -> tuple[Session, Account]:
    found = desk.session(secret)
    assert found
    return found


def app_of(desk: Desk, hands: Hands, name: str = "ana") -> tuple[str, list[str]]:
    """Set up an app; its key and the recovery codes."""
    key = desk.new_totp()
    codes = desk.set_totp(name, key, code_of(key, hands.now()))
    hands.on(seconds=31)
    return key, codes


@pytest.mark.parametrize(
    ("required", "lacking"),
    [("nobody", set()), ("staff", {"ana"}), ("everybody", {"ana", "rosa"})],
)
def test_for_whom_a_password_does_not_suffice(
    vault: Vault, hands: Hands, required: str, lacking: set[str]
) -> None:
    desk = with_people(desk_of(vault, hands, required))
    for name in ("ana", "rosa"):
        found = inside(desk, desk.log_in(name, SECRET, "", *HERE))
        assert desk.entrance.lacks(*found) == (name in lacking)
        by_link = inside(desk, desk.open_link(desk.reset(name), "", SECRET, *HERE))
        assert desk.entrance.lacks(*by_link) == (name in lacking)


def test_what_suffices(vault: Vault, hands: Hands) -> None:
    desk = with_people(desk_of(vault, hands))
    key, codes = app_of(desk, hands)
    by_code = desk.log_in("ana", SECRET, code_of(key, hands.now()), *HERE)
    by_paper = desk.log_in("ana", SECRET, codes[0], *HERE)
    others: list[Any] = [desk.enter("ana", *HERE, by=by) for by in ("passkey", "provider")]  # type: ignore[arg-type]
    for secret in (by_code, by_paper, *others):
        assert not desk.entrance.lacks(*inside(desk, secret))


def test_it_is_staff_where_nobody_says_otherwise() -> None:
    assert Settings().second_factor == "staff"
    with pytest.raises(SettingsError, match="none of them"):
        Settings(second_factor="some")


def test_a_new_password_goes_round_no_second_factor(vault: Vault, hands: Hands) -> None:
    """Who has the link alone learns nothing; the link stays good for its owner."""
    desk = with_people(desk_of(vault, hands))
    key, _ = app_of(desk, hands)
    link = desk.reset("ana")
    for code in ("", "000000", "no code"):
        with pytest.raises(Unauthorized):
            desk.open_link(link, "", "another long way", *HERE, code)
    assert desk.accounts.named("ana").totp
    hands.on(minutes=16)
    secret = desk.open_link(link, "", "another long way", *HERE, code_of(key, hands.now()))
    assert not desk.entrance.lacks(*inside(desk, secret))


def test_codes_at_a_link_cannot_be_guessed(vault: Vault, hands: Hands) -> None:
    desk = with_people(desk_of(vault, hands))
    key, _ = app_of(desk, hands)
    link = desk.reset("ana")
    for _ in range(6):
        with pytest.raises(Unauthorized):
            desk.open_link(link, "", "another long way", *HERE, "000000")
    with pytest.raises(Unauthorized):
        desk.open_link(link, "", "another long way", *HERE, code_of(key, hands.now()))
    with pytest.raises(TooManyRequests):
        for _ in range(20):
            with pytest.raises(Unauthorized):
                desk.open_link(link, "", "another long way", *HERE, "000000")


def test_a_lost_factor_goes_only_when_that_is_said(vault: Vault, hands: Hands) -> None:
    desk = with_people(desk_of(vault, hands))
    app_of(desk, hands)
    desk.accounts.change("ana", lambda old: replace(old, passkeys=({"id": "ab"},)))
    desk.reset("ana")
    held = desk.accounts.named("ana")
    assert (held.password, bool(held.totp), len(held.passkeys)) == ("", True, 1)
    desk.reset("ana", factors=True)
    held = desk.accounts.named("ana")
    assert (held.totp, held.recovery, held.passkeys) == ("", (), ())


def test_before_what_is_grave_the_password_is_asked_always(vault: Vault, hands: Hands) -> None:
    desk = with_people(desk_of(vault, hands))
    session, account = inside(desk, desk.log_in("ana", SECRET, "", *HERE))
    desk.entrance.confirm(session, account, SECRET, "", FROM)
    with pytest.raises(Unauthorized, match="password"):
        desk.entrance.confirm(session, account, "another", "", FROM)
    for _ in range(5):
        with pytest.raises(Unauthorized):
            desk.entrance.confirm(session, account, "another", "", FROM)
    account = desk.accounts.named("ana")
    with pytest.raises(Unauthorized):
        desk.entrance.confirm(session, account, SECRET, "", FROM)


def test_and_the_code_if_the_login_is_older(vault: Vault, hands: Hands) -> None:
    desk = with_people(desk_of(vault, hands))
    key, _ = app_of(desk, hands)
    session, account = inside(desk, desk.log_in("ana", SECRET, code_of(key, hands.now()), *HERE))
    desk.entrance.confirm(session, account, SECRET, "", FROM)
    hands.on(minutes=11)
    with pytest.raises(Unauthorized, match="code"):
        desk.entrance.confirm(session, account, SECRET, "", FROM)
    with pytest.raises(Unauthorized, match="code"):
        desk.entrance.confirm(session, account, SECRET, "000000", FROM)
    hands.on(minutes=1)
    account = desk.accounts.named("ana")
    code = code_of(key, hands.now())
    desk.entrance.confirm(session, account, SECRET, code, FROM)
    with pytest.raises(Unauthorized, match="code"):
        desk.entrance.confirm(session, desk.accounts.named("ana"), SECRET, code, FROM)


def test_who_has_no_password_logs_in_again(vault: Vault, hands: Hands) -> None:
    desk = desk_of(vault, hands)
    desk.accounts.add("eva", subject="https://id.example 1")
    session, account = inside(desk, desk.enter("eva", *HERE))
    desk.entrance.confirm(session, account, "", "", FROM)
    hands.on(minutes=11)
    with pytest.raises(Unauthorized, match="log in again"):
        desk.entrance.confirm(session, account, "", "", FROM)
    with pytest.raises(Unauthorized, match="log in again"):
        desk.entrance.confirm_lightly(session, account, "", FROM)


def test_ending_sessions_asks_for_one_factor_if_the_login_is_older(
    vault: Vault, hands: Hands
) -> None:
    desk = with_people(desk_of(vault, hands))
    session, account = inside(desk, desk.log_in("ana", SECRET, "", *HERE))
    desk.entrance.confirm_lightly(session, account, "", FROM)
    hands.on(minutes=11)
    with pytest.raises(Unauthorized, match="password"):
        desk.entrance.confirm_lightly(session, account, "", FROM)
    desk.entrance.confirm_lightly(session, account, SECRET, FROM)


def test_no_factor_is_added_beside_a_passkey_by_a_password(vault: Vault, hands: Hands) -> None:
    desk = with_people(desk_of(vault, hands))
    desk.accounts.change("ana", lambda old: replace(old, passkeys=({"id": "ab"},)))
    for begin in (
        lambda: desk.log_in("ana", SECRET, "", *HERE),
        lambda: desk.open_link(desk.reset("ana"), "", SECRET, *HERE),
    ):
        session, account = inside(desk, begin())
        with pytest.raises(Forbidden, match="log in by the passkey"):
            desk.entrance.confirm(session, account, SECRET, "", FROM)
    session, account = inside(desk, desk.enter("ana", *HERE, by="passkey"))
    desk.entrance.confirm(session, account, SECRET, "", FROM)


def test_a_session_goes_on_under_another_secret(vault: Vault, hands: Hands) -> None:
    desk = with_people(desk_of(vault, hands))
    first = desk.log_in("ana", SECRET, "", *HERE)
    session, _ = inside(desk, first)
    second = desk.entrance.renewed(session, "code")
    assert desk.session(first) is None
    found, account = inside(desk, second)
    assert (found.by, found.address, found.agent) == ("code", *HERE)
    assert found.form != session.form
    assert not desk.entrance.lacks(found, account)


def test_sessions_begin_in_one_place() -> None:
    """There is no way in but those of the table (docs/explanation/logins.md)."""
    root = Path(__file__).parents[3] / "src" / "hansa"
    texts = {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*.py")}

    def having(pattern: str) -> set[str]:
        return {name for name, text in texts.items() if re.search(pattern, text)}

    room, pages = "trust/identity", "web/pages"
    assert having(r"sessions\.begin\(") == {f"{room}/entrance.py"}
    assert having(r"(desk|entrance)\.enter\b") == {f"{room}/desk.py", f"{pages}/elsewhere.py"}
    doors = {f"{pages}/{name}.py" for name in ("account", "elsewhere", "login")}
    assert having(r"\bremember\(request") == {*doors, "web/shell/who.py"}


def test_a_weak_password_at_a_link_uses_up_no_code(vault: Vault, hands: Hands) -> None:
    desk = with_people(desk_of(vault, hands))
    key, _ = app_of(desk, hands)
    link, code = desk.reset("ana"), code_of(key, hands.now())
    with pytest.raises(BadRequest):
        desk.open_link(link, "", "qwerty123456", *HERE, code)
    assert desk.session(desk.open_link(link, "", SECRET, *HERE, code))
