"""Passkeys and seals: where they are good, how often, and what hostile answers come to."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from hansa.kernel.clock import Clock
from hansa.kernel.errors import BadRequest, Conflict, NotFound, Unauthorized
from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.identity.desk import Desk
from hansa.trust.identity.passkeys import Place, place_of
from hansa.trust.identity.seals import SECONDS, Seals
from hansa.trust.vault import Vault

HERE = Place("localhost", "http://localhost:1356")
SECRET = "a long way to Visby"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    vault = Vault(tmp_path / "trust" / "vault.sqlite", Clock())
    made = Desk(vault, Settings(), Clock())
    made.accounts.add("ana")
    yield made
    vault.close()


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("https://visby.example", Place("visby.example", "https://visby.example")),
        ("https://visby.example:8443", Place("visby.example", "https://visby.example:8443")),
        ("http://localhost:1356", HERE),
        ("http://visby.example", None),
        ("http://127.0.0.1:1356", None),
        ("https://[2001:db8::1]", None),
        ("", None),
    ],
)
def test_where_passkeys_are_good(address: str, place: Place | None) -> None:
    assert place_of(address) == place


def test_a_challenge_is_for_one_account_one_use_and_one_time(desk: Desk) -> None:
    ana = desk.accounts.named("ana")
    desk.accounts.add("bo")
    asked = desk.passkeys.to_add(ana, HERE)
    assert asked["options"]["rp"]["id"] == "localhost"
    assert asked["options"]["authenticatorSelection"]["userVerification"] == "required"
    assert "ana" not in str(asked["options"]["user"]["id"])
    with pytest.raises(BadRequest, match="another account"):
        desk.passkeys.add(desk.accounts.named("bo"), HERE, asked["sealed"], "{}", "")
    with pytest.raises(BadRequest, match="already"):
        desk.passkeys.add(ana, HERE, asked["sealed"], "{}", "")
    with pytest.raises(BadRequest, match="begun in another"):
        desk.passkeys.owner(HERE, desk.passkeys.to_add(ana, HERE)["sealed"], "{}")
    with pytest.raises(NotFound):
        desk.remove_passkey(ana, "abcd")


def test_an_account_has_so_many(desk: Desk) -> None:
    keys = tuple({"id": f"{n:02}"} for n in range(20))
    with pytest.raises(Conflict):
        desk.passkeys.to_add(replace(desk.accounts.named("ana"), passkeys=keys), HERE)


WORDS = st.text(max_size=40) | st.from_regex(r"[\w-]{0,60}", fullmatch=True)
ANSWERS = st.text(max_size=80) | st.builds(
    lambda name, data, sign: (
        f'{{"id":"{name}","rawId":"{name}","type":"public-key","response":{{"clientDataJSON":"{data}",'
        f'"attestationObject":"{data}","authenticatorData":"{data}","signature":"{sign}"}}}}'
    ),
    *[st.from_regex(r"[\w-]{0,60}", fullmatch=True)] * 3,
)


@given(ANSWERS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_hostile_answers_are_refused_in_words(desk: Desk, answer: str) -> None:
    with pytest.raises(Unauthorized):
        desk.passkeys.owner(HERE, desk.passkeys.to_enter(HERE)["sealed"], answer)
    ana = desk.accounts.named("ana")
    with pytest.raises(BadRequest):
        desk.passkeys.add(ana, HERE, desk.passkeys.to_add(ana, HERE)["sealed"], answer, "")


@given(WORDS)
def test_what_was_not_sealed_here_does_not_open(text: str) -> None:
    with pytest.raises(BadRequest):
        Seals(Clock()).opened("any", text)


def test_a_seal_ends(tmp_path: Path) -> None:
    class Hands(Clock):
        by = timedelta()

        def now(self) -> datetime:
            return datetime.now(UTC) + type(self).by

    seals = Seals(Hands())
    text = seals.sealed("any", {"a": 1})
    assert seals.opened("any", text) == {"a": 1}
    Hands.by = timedelta(seconds=SECONDS + 2)
    with pytest.raises(BadRequest):
        seals.opened("any", text)


def test_what_is_sealed_is_not_read_changed_or_opened_twice() -> None:
    seals, other = Seals(Clock()), Seals(Clock())
    text = seals.sealed("any", {"a": "a plain word"})
    assert text != seals.sealed("any", {"a": "a plain word"})
    kept = urlsafe_b64decode(text)
    assert b"plain" not in kept
    flipped = [kept[:i] + bytes([kept[i] ^ 1]) + kept[i + 1 :] for i in range(len(kept))]
    wrong = [urlsafe_b64encode(each).decode() for each in flipped]
    for use, box, each in (("other", seals, text), ("any", other, text)):
        with pytest.raises(BadRequest):
            box.opened(use, each)
    for each in wrong:
        with pytest.raises(BadRequest):
            seals.opened("any", each)
    assert seals.opened_once("any", text) == {"a": "a plain word"}
    for again in (text, text + "=", f"{text[:9]} {text[9:]}", f"{text[:9]}\n{text[9:]}"):
        with pytest.raises(BadRequest):
            seals.opened_once("any", again)


def test_a_login_may_ask_so_often(tmp_path: Path) -> None:
    node = Node.open(tmp_path / "node", Settings(rate_session=3))
    node.trust.desk.accounts.add("ana")
    node.trust.desk.choose_password("ana", SECRET)
    page = TestClient(node.app, base_url="http://127.0.0.1:1356", follow_redirects=False)
    page.post("/login", data={"name": "ana", "password": SECRET})
    codes = [page.get("/account").status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
    refused = page.get("/account")
    assert int(refused.headers["retry-after"]) > 0
    assert "Too many requests" in refused.text
    node.close()
