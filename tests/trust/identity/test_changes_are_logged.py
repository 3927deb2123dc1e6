"""Whatever changes who may log in, and with what, is in the log before it counts: who did it, what, to whom.

Every method of the room that writes to the vault is found in its source, and must be reached by an act below; each
write is watched. What is written without an entry of its own stands in :data:`QUIET`, with the reason.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

import hansa.trust.identity
from hansa.kernel.errors import HansaError, NotFound, Unauthorized
from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.identity.passkeys import Place
from hansa.trust.identity.rules import Standing
from hansa.trust.identity.second import _totp, new_secret
from hansa.trust.log.commitments import Event
from hansa.trust.principals import LOCAL, Principal
from hansa.trust.vault import Vault

from .machines import ISSUER, assertion, jwks

ROOM = Path(inspect.getfile(hansa.trust.identity)).parent
HERE = Place("localhost", "http://localhost:1356")
SECRET = "a long way to Visby"
FROM = ("192.0.2.7", "a browser")
VERA = Principal("vera", "staff", frozenset({"administrator"}))

QUIET = {
    "tokens.find": "only when it was last used",
    "clients.note_use": "only when it was last used; the grant itself is logged",
    "sessions.get": "only when it was last used, or that it was over",
    "sessions._sweep": "those that were over",
    "grants._see": "that an assertion was seen; the grant or its refusal is logged",
    "grants._sweep": "those that have ended",
    "grants._key": "the node's own key, made when it is first needed",
    "passkeys.owner": "how often it was used; the login is logged",
    "entrance.second": "that a code was used; the login is logged",
    "entrance.log_in": "the same password, hashed as is done today",
    "links.use": "the link is used up; what it is used for is logged next",
}
"""Methods that write without an entry of their own, and why that hides nothing."""


class Watched(Vault):
    """A vault that knows which method wrote, and whether the log had grown since the last write."""

    book: Any = None
    seen: ClassVar[list[tuple[str, list[str], int]]] = []

    def _write(self, kind: str, writes: Any) -> list[bool]:
        if self.book is not None and writes:
            frame = sys._getframe(1)
            names = []
            while frame is not None:
                file = Path(frame.f_code.co_filename)
                if file.parent == ROOM:
                    names.append(f"{file.stem}.{frame.f_code.co_name}")
                frame = frame.f_back  # type: ignore[assignment]
            self.seen.append((kind, names, self.book.size))
        return super()._write(kind, writes)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    monkeypatch.setattr("hansa.trust.rooms.Vault", Watched)
    monkeypatch.setattr(Watched, "seen", [])
    made = Node.open(tmp_path, Settings(city="Visby"))
    made.trust.vault.book = made.trust.log  # type: ignore[attr-defined]
    yield made
    made.close()


def writers() -> set[str]:
    """The methods of the room that write to the vault, directly or by changing an account."""
    found = set()
    for path in sorted(ROOM.glob("*.py")):
        for method in ast.walk(ast.parse(path.read_text())):
            if isinstance(method, ast.FunctionDef) and any(map(_writes, ast.walk(method))):
                found.add(f"{path.stem}.{method.name}")
    return found - {"accounts.change"}  # its callers are looked at instead


def _writes(part: ast.AST) -> bool:
    if not (isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute)):
        return False
    owner = ast.unparse(part.func.value)
    if part.func.attr in ("put", "put_many", "edit", "drop"):
        return owner.endswith("_vault")
    return part.func.attr == "change" and (
        owner.endswith("accounts") or (owner == "self" and len(part.args) == 2)
    )


def acts(node: Node, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, ...]]:
    """What is done, one after the other: the act; the entries it makes, each with who did it, and to what."""
    desk = node.trust.desk
    new = Standing("staff", ("planner",))

    def one(reason: str, who: str, *what: str, kind: str = "account") -> tuple[Any, ...]:
        return kind, reason, who, set(what)

    first = desk.first_link()
    yield (lambda: None, [one("link.made", "local", "role:administrator")])
    yield (
        lambda: desk.open_link(first, "Anna", SECRET, *FROM),
        [
            one("account.made-by-link", "anna", "account:anna", "role:administrator"),
            one("password.chosen", "anna", "account:anna"),
            one("login.by-link", "anna", "account:anna", kind="login"),
        ],
    )
    yield (
        lambda: desk.accounts.add("bo", roles=["planner", "auditor"], who=VERA),
        [one("account.added", "vera", "account:bo", "role:planner", "role:auditor")],
    )
    yield (
        lambda: desk.accounts.set_roles("BO", ["strategy"], VERA),
        [one("account.roles", "vera", "account:bo", "role:strategy")],
    )
    yield (
        lambda: desk.disable("bo", who=VERA),
        [one("account.disabled", "vera", "account:bo", "role:strategy")],
    )
    yield (
        lambda: desk.disable("bo", disabled=False, who=VERA),
        [one("account.enabled", "vera", "account:bo", "role:strategy")],
    )
    yield (
        lambda: desk.reset(" Bo", VERA),
        [one("account.reset", "vera", "account:bo"), one("link.made", "vera", "account:bo")],
    )
    yield (
        lambda: desk.links.make("bo", who=VERA),
        [one("link.made", "vera", "account:bo")],
    )
    yield (lambda: desk.choose_password("bo", SECRET), [one("password.chosen", "bo", "account:bo")])
    yield (
        lambda: desk.log_in("bo", SECRET, "", *FROM),
        [one("login.by-password", "bo", "account:bo", kind="login")],
    )
    yield (
        lambda: wrong(desk.log_in, "bo", "another", "", *FROM),
        [one("login.failed", "bo", "account:bo", kind="login")],
    )
    key = new_secret()
    yield (
        lambda: desk.set_totp(
            "anna", key, _totp(key).generate(node.clock.now().timestamp()).decode()
        ),
        [one("second-factor.set", "anna", "account:anna")],
    )
    later = node.clock.now() + timedelta(seconds=31)
    monkeypatch.setattr(desk.entrance, "_clock", SimpleNamespace(now=lambda: later))
    yield (
        lambda: desk.log_in("anna", SECRET, _totp(key).generate(later.timestamp()).decode(), *FROM),
        [one("login.by-code", "anna", "account:anna", kind="login")],
    )
    yield (lambda: desk.no_totp("anna"), [one("second-factor.dropped", "anna", "account:anna")])
    monkeypatch.setattr("hansa.trust.identity.entrance.is_stale", lambda _: True)
    yield (
        lambda: desk.log_in("anna", SECRET, "", *FROM),
        [one("login.by-password", "anna", "account:anna", kind="login")],
    )
    sessions = desk.sessions.of("anna")
    yield (
        lambda: desk.log_out(sessions[0]),
        [one("login.ended", "anna", "account:anna", kind="login")],
    )
    yield (
        lambda: desk.end_sessions("anna", but=sessions[1].id),
        [one("sessions.ended", "anna", "account:anna")],
    )
    yield from _of_passkeys(node, monkeypatch)
    yield from _of_tokens(node, monkeypatch)
    yield (
        lambda: desk.welcome("eva", "https://id.example 1", new, "Eva"),
        [one("account.made-by-login", "eva", "account:eva", "role:planner")],
    )
    yield (
        lambda: desk.follow(desk.accounts.named("eva"), Standing("staff", ()), ""),
        [one("account.changed-by-login", "eva", "account:eva")],
    )
    claims = {"sub": "7", "preferred_username": "jo"}
    about: Any = SimpleNamespace(issuer="https://id.example")
    yield (
        lambda: node.trust.openid._account(about, claims, new),
        [("account", "account.made-by-login", None, {"role:planner"})],
    )


def _of_passkeys(node: Node, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, ...]]:
    desk = node.trust.desk
    made = SimpleNamespace(credential_id=b"1", credential_public_key=b"2", sign_count=0)
    monkeypatch.setattr("webauthn.verify_registration_response", lambda **_: made)
    used = SimpleNamespace(new_sign_count=1)
    monkeypatch.setattr("webauthn.verify_authentication_response", lambda **_: used)

    def add() -> None:
        anna = desk.accounts.named("anna")
        desk.add_passkey(anna, HERE, desk.passkeys.to_add(anna, HERE)["sealed"], "{}", "key")

    def enter() -> None:
        sealed = desk.passkeys.to_enter(HERE)["sealed"]
        desk.log_in_by_passkey(HERE, sealed, '{"id":"MQ"}', *FROM)

    yield add, [("account", "passkey.added", "anna", {"account:anna"})]
    yield enter, [("login", "login.by-passkey", "anna", {"account:anna"})]
    yield (
        lambda: desk.remove_passkey(desk.accounts.named("anna"), b"1".hex()),
        [("account", "passkey.removed", "anna", {"account:anna"})],
    )
    yield add, [("account", "passkey.added", "anna", {"account:anna"})]
    yield (
        lambda: desk.end_everything(who=VERA),
        [("account", "sessions.ended", "vera", {f"account:{name}"}) for name in ("anna", "bo")],
    )
    yield (
        lambda: desk.reset("anna", VERA, factors=True),
        [
            ("account", "account.reset-wholly", "vera", {"account:anna"}),
            ("account", "link.made", "vera", {"account:anna"}),
        ],
    )


def _of_tokens(node: Node, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, ...]]:
    desk = node.trust.desk
    token, text = desk.tokens.add("bo", "meters", who=VERA)
    both = {f"token:{token.id}", "account:bo"}
    yield (lambda: desk.bearer(text), [("account", "token.made", "vera", both)])
    yield (
        lambda: desk.tokens.revoke(token.id, who=VERA),
        [("account", "token.revoked", "vera", both)],
    )
    clients: Any = (
        ("client.added", lambda: desk.clients.add("parking", jwks=jwks(), who=VERA)),
        ("client.disabled", lambda: desk.clients.disable("parking", who=VERA)),
        ("client.enabled", lambda: desk.clients.disable("parking", disabled=False, who=VERA)),
    )
    for reason, act in clients:
        yield act, [("account", reason, "vera", {"client:parking"})]
    yield grant(desk), [("grant", "token.granted", "client:parking", {"client:parking"})]
    over = node.clock.now() + timedelta(hours=3)
    monkeypatch.setattr(desk.grants, "_clock", SimpleNamespace(now=lambda: over))
    yield desk.grants._sweep, []
    yield (
        lambda: desk.grants.new_key(VERA),
        [("account", "key.replaced", "vera", {"key:tokens"})],
    )
    yield (
        lambda: desk.clients.remove("parking", VERA),
        [("account", "client.removed", "vera", {"client:parking"})],
    )
    where = {"issuer": "https://id.example", "client_id": "hansa"}
    yield (
        lambda: desk.providers.add("visby", **where, who=VERA),  # type: ignore[arg-type]
        [("account", "provider.added", "vera", {"provider:visby"})],
    )
    yield (
        lambda: desk.providers.remove("visby", VERA),
        [("account", "provider.removed", "vera", {"provider:visby"})],
    )
    _, secret = (desk.sessions.begin("anna", *FROM) for _ in range(2))
    over = datetime(2100, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(desk.sessions, "_clock", SimpleNamespace(now=lambda: over))
    yield (lambda: desk.sessions.get(secret), [])
    yield (lambda: desk.sessions.begin("anna", *FROM), [])


def grant(desk: Any) -> Callable[[], None]:
    def act() -> None:
        proof = assertion()
        desk.grants.grant(desk.grants.holder(proof), proof, {ISSUER}, ISSUER, "")

    return act


def wrong(act: Callable[..., object], *given: object) -> None:
    with pytest.raises(Unauthorized):
        act(*given)


def test_every_write_is_logged_with_who_did_it_and_to_whom(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    book, vault, start = node.trust.log, node.trust.vault, node.trust.log.size
    silent, expected = [], []
    for act, entries in acts(node, monkeypatch):
        act()
        expected += entries
    last = start
    for kind, names, size in vault.seen:  # type: ignore[attr-defined]
        grown, last = size > last, size
        if not grown and not set(names) & QUIET.keys() and not _same_act(kind, names):
            silent.append((kind, names))
    assert silent == []
    found = []
    for numbered in book.entries(start, book.size):
        openings = node.trust.openings
        who = [o.value for o in openings.principals(numbered.index)]
        found.append((numbered.entry.kind, numbered.entry.reason, who))
    assert [(kind, reason) for kind, reason, _ in found] == [e[:2] for e in expected]
    for (_, reason, who), (_, _, by, _) in zip(found, expected, strict=True):
        assert by is None or who == [by], reason
    for index, (_, reason, _, what) in enumerate(expected):
        for value in what:
            told = [numbered.index for numbered, _ in book.about("what", value)]
            assert start + index in told, (reason, value)
    reached = {name for _, names, _ in vault.seen for name in names}  # type: ignore[attr-defined]
    assert writers() - reached == set()


def _same_act(kind: str, names: list[str]) -> bool:
    """Whether a write belongs to an act whose entry stands before an earlier write of it."""
    return (
        "sessions.end"
        in names  # after the entry of what ends them: disabling, resetting, logging out
        or "sessions.begin" in names  # after login.by-…
        or (kind == "account" and names[:1] == ["accounts.change"] and "passkeys.add" in names)
        or (kind == "passkey" and names[0] in ("passkeys.remove", "passkeys.forget"))
        or "links.make" in names  # the older links first, then the new one
        or names[:1] == ["openid._made"]  # after the account
        or (names[:2] == ["accounts.change", "entrance.enter"])
        or names[0] == "grants._see"
    )


def test_the_table_names_what_there_is() -> None:
    assert QUIET.keys() <= writers()


def test_what_cannot_be_logged_does_not_happen(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = node.trust.desk
    desk.accounts.add("anna", roles=["administrator"])
    desk.choose_password("anna", SECRET)
    desk.accounts.add("bo", roles=["planner"])
    token, _ = desk.tokens.add("bo", "meters")
    node.trust.log.close()
    before = (desk.accounts.all(), desk.tokens.all(), desk.sessions.of("anna"))
    acts: list[Callable[[], object]] = [
        lambda: desk.accounts.add("eva"),
        lambda: desk.accounts.set_roles("bo", ["auditor"]),
        lambda: desk.disable("bo"),
        lambda: desk.reset("bo"),
        lambda: desk.links.make("bo"),
        lambda: desk.tokens.add("bo", "more"),
        lambda: desk.tokens.revoke(token.id),
        lambda: desk.choose_password("bo", SECRET),
        lambda: desk.log_in("anna", SECRET, "", *FROM),
    ]
    for act in acts:
        with pytest.raises(HansaError, match="closed"):
            act()
    assert (desk.accounts.all(), desk.tokens.all(), desk.sessions.of("anna")) == before


def test_what_is_refused_is_not_logged_as_done(node: Node) -> None:
    desk, size = node.trust.desk, node.trust.log.size
    for act in (lambda: desk.reset("nobody"), lambda: desk.disable("nobody")):
        with pytest.raises(NotFound):
            act()
    assert node.trust.log.size == size
    assert Event("account", LOCAL.name).who == "local"
