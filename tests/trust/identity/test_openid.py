"""Logging in elsewhere, against a provider that is strict, and one that lies."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from hansa.kernel.clock import Clock
from hansa.kernel.egress import Response
from hansa.kernel.errors import BadRequest, HansaError, NotFound, Unauthorized
from hansa.kernel.settings import Settings
from hansa.trust.identity.desk import Desk
from hansa.trust.identity.keysets import Keysets
from hansa.trust.identity.openid import OpenId
from hansa.trust.identity.rules import Standing, parse_rule, standing
from hansa.trust.vault import Vault
from tests.trust.identity.machines import KEYS, jwks

ISSUER = "https://id.visby.example"
BACK = "https://visby.example/login/from/visby"


class Provider:
    """A provider, in the place of the egress guard. ``lie`` changes what it claims; None leaves it away."""

    def __init__(self, ways: list[str] | None = None, **about: Any) -> None:
        self.about = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/jwks",
            "userinfo_endpoint": f"{ISSUER}/me",
            **({"token_endpoint_auth_methods_supported": ways} if ways else {}),
            **about,
        }
        self.lie: dict[str, Any] = {}
        self.info: dict[str, Any] = {"sub": "ana", "groups": ["planners"]}
        self.key: Any = KEYS["RS256"]
        self.alg = "RS256"
        self.asked: dict[str, str] = {}
        self.head: dict[str, str] = {}
        self.given: list[str] = []

    def authorize(self, address: str) -> str:
        """Somebody says yes; the code."""
        self.asked = {name: each[0] for name, each in parse_qs(urlsplit(address).query).items()}
        return "the code"

    async def fetch(self, url: str, **_: Any) -> Response:
        found = jwks("RS256") if url.endswith("/jwks") else self.about
        return Response(url, 200, {}, json.dumps(found).encode())

    async def request(self, method: str, url: str, **more: Any) -> Response:
        if url.endswith("/me"):
            assert more["headers"]["authorization"] == "Bearer access"
            return Response(url, 200, {}, json.dumps(self.info).encode())
        form = dict(parse_qsl(more["body"].decode()))
        self.head, self.form = more["headers"], form
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        right = challenge == self.asked["code_challenge"] and form["code"] == "the code"
        if not right or form["redirect_uri"] != self.asked["redirect_uri"]:
            return Response(url, 400, {}, b'{"error":"invalid_grant"}')
        answer = {"access_token": "access", "id_token": self._token(), "token_type": "Bearer"}
        self.given = [answer["id_token"]]
        return Response(url, 200, {}, json.dumps(answer).encode())

    def _token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": "ana",
            "aud": "hansa",
            "exp": now + 300,
            "iat": now,
            "nonce": self.asked["nonce"],
            **self.lie,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": self.alg}, kept, self.key, algorithms=[self.alg])


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    vault = Vault(tmp_path / "trust" / "vault.sqlite", Clock())
    made = Desk(vault, Settings(), Clock())
    made.providers.add(
        "visby",
        issuer=ISSUER,
        client_id="hansa",
        secret="s/e cret of 2026!",
        rules=["planner if groups=planners"],
    )
    yield made
    vault.close()


def log_in(desk: Desk, theirs: Provider, **more: Any) -> tuple[str, str, tuple[str, ...]]:
    """Go there, say yes, come back; who they are here."""
    vault: Any = desk.accounts._vault
    egress: Any = theirs
    door = OpenId(vault, desk, egress, Keysets(egress), Clock())

    async def walk() -> tuple[str, str, tuple[str, ...]]:
        provider = desk.providers.named("visby")
        started = await door.start(provider, BACK, "/live")
        code = theirs.authorize(started.address)
        given = {"code": code, "state": theirs.asked["state"], **more}
        account, onward = await door.finish(provider, started.sealed, given)
        assert onward == "/live"
        return account.name, account.kind, account.roles

    return asyncio.run(walk())


@pytest.mark.parametrize(
    "ways", [None, ["client_secret_basic", "client_secret_post"], ["client_secret_post"]], ids=str
)
def test_the_client_proves_itself_as_the_provider_wants(desk: Desk, ways: Any) -> None:
    theirs = Provider(ways)
    name, kind, roles = log_in(desk, theirs)
    assert name.startswith("login.")
    assert (kind, roles) == ("staff", ("planner",))
    if ways == ["client_secret_post"]:
        assert "authorization" not in theirs.head
        assert (theirs.form["client_id"], theirs.form["client_secret"]) == (
            "hansa",
            "s/e cret of 2026!",
        )
    else:
        pair = base64.b64decode(theirs.head["authorization"].removeprefix("Basic "))
        assert pair == b"hansa:s%2Fe%20cret%20of%202026%21"
        assert "client_secret" not in theirs.form


def test_a_public_client_has_the_verifier_alone(desk: Desk) -> None:
    desk.providers.remove("visby")
    desk.providers.add("visby", issuer=ISSUER, client_id="hansa")
    theirs = Provider()
    assert log_in(desk, theirs)[1:] == ("resident", ())
    assert "authorization" not in theirs.head
    assert "client_secret" not in theirs.form
    assert theirs.form["client_id"] == "hansa"


NOW = int(time.time())


@pytest.mark.parametrize(
    "lie",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": ["hansa", "another"]},
        {"aud": ["hansa", "another"], "azp": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": NOW - 600},
        {"exp": None},
        {"iat": None},
        {"iat": NOW + 3600},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"at_hash": "AAAA"},
        {"exp": "soon"},
    ],
    ids="iss aud two azp nonce no-nonce over no-exp no-iat later no-sub empty number hash word".split(),
)
def test_what_an_id_token_may_not_say(desk: Desk, lie: dict[str, Any]) -> None:
    theirs = Provider()
    theirs.lie = lie
    with pytest.raises(Unauthorized):
        log_in(desk, theirs)
    assert desk.accounts.all() == []


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (KEYS["Ed25519"], "Ed25519"),
        (OctKey.import_key("s/e cret of 2026!"), "HS256"),
        (KEYS["ES256"], "ES256"),
    ],
    ids=["another", "shared", "another-kind"],
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_an_id_token_of_another_key(desk: Desk, key: Any, alg: str) -> None:
    theirs = Provider()
    theirs.key, theirs.alg = key, alg
    with pytest.raises(Unauthorized):
        log_in(desk, theirs)


def test_a_code_that_somebody_slipped_in(desk: Desk) -> None:
    with pytest.raises(Unauthorized, match="not granted"):
        log_in(desk, Provider(), code="the attacker's own code")


@pytest.mark.parametrize(
    "about",
    [
        {"issuer": "https://evil.example"},
        {"issuer": f"{ISSUER}/"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "http://id.visby.example/authorize"},
        {"token_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": ["https://id.visby.example"]},
    ],
    ids="issuer slash script plain none file list".split(),
)
def test_what_a_provider_may_not_say_of_itself(desk: Desk, about: dict[str, Any]) -> None:
    with pytest.raises(HansaError):
        log_in(desk, Provider(**about))


def test_information_about_somebody_else_is_not_believed(desk: Desk) -> None:
    theirs = Provider()
    theirs.info = {"sub": "bo", "groups": ["planners"]}
    assert log_in(desk, theirs)[1:] == ("resident", ())


def test_a_name_cannot_be_taken_over(desk: Desk) -> None:
    desk.accounts.add("ana", roles=["administrator"])
    theirs = Provider()
    theirs.lie = {"preferred_username": "ana", "name": "Ana\x00\u202e Lund"}
    name, _, roles = log_in(desk, theirs)
    assert name != "ana"
    assert name.startswith("ana.")
    assert roles == ("planner",)
    assert desk.accounts.named(name).full_name == "Ana Lund"
    assert log_in(desk, theirs)[0] == name


def test_the_same_name_at_two_providers_is_two_people(desk: Desk) -> None:
    first = log_in(desk, Provider())[0]
    found = Standing("staff", ())
    door = OpenId(desk.accounts._vault, desk, Provider(), Keysets(Provider()), Clock())  # type: ignore[arg-type]
    other = replace(desk.providers.named("visby"), issuer="https://id.lund.example")
    second = door._account(other, {"sub": "ana"}, found)
    assert second.name != first
    assert desk.accounts.named(first).subject == f"{ISSUER} ana"
    assert second.subject == "https://id.lund.example ana"


def test_who_came_by_a_provider_that_is_removed_is_out(desk: Desk) -> None:
    name, *_ = log_in(desk, Provider())
    desk.accounts.add("bo")
    theirs, other = desk.enter(name, "", ""), desk.enter("bo", "", "")
    desk.remove_provider("visby")
    assert desk.session(theirs) is None
    assert desk.session(other) is not None
    assert desk.providers.all() == []
    with pytest.raises(NotFound):
        desk.remove_provider("visby")


def test_nothing_that_the_provider_gave_is_kept_or_handed_on(desk: Desk) -> None:
    """Its tokens are used once, by the node, and go nowhere."""
    theirs = Provider()
    told = log_in(desk, theirs)
    vault: Any = desk.accounts._vault
    kinds = ("account", "session", "subject", "provider", "token", "link")
    kept = repr([vault.all(kind) for kind in kinds]) + repr(told)
    assert theirs.given
    for text in ("eyJ", "the code", theirs.form["code_verifier"], *theirs.given):
        assert text not in kept
    assert "Bearer access" not in kept


@pytest.mark.parametrize(
    ("rule", "claims", "kind", "roles"),
    [
        ("planner if groups=a", {"groups": ["b", "a"]}, "staff", ("planner",)),
        ("planner if groups=a", {"groups": "a"}, "staff", ("planner",)),
        ("planner if groups=a", {"groups": ["ab"]}, "resident", ()),
        ("staff if realm_access.roles=x", {"realm_access": {"roles": ["x"]}}, "staff", ()),
        ("staff if https://a.example/g=x", {"https://a.example/g": "x"}, "staff", ()),
        ("staff if member=true", {"member": True}, "staff", ()),
        ("staff if member=true", {"member": "yes"}, "resident", ()),
        ("staff if level=3", {"level": 3}, "staff", ()),
        ("staff if a=1 and b=2", {"a": "1"}, "resident", ()),
        ("staff if a=1 and b=2", {"a": "1", "b": "2"}, "staff", ()),
        ("staff if email=a@b.c", {"email": "a@b.c"}, "resident", ()),
        ("staff if email=a@b.c", {"email": "a@b.c", "email_verified": "true"}, "resident", ()),
        ("staff if email=a@b.c", {"email": "a@b.c", "email_verified": True}, "staff", ()),
        (
            "planner if groups=a and amr=mfa",
            {"groups": "a", "amr": ["pwd", "mfa"]},
            "staff",
            ("planner",),
        ),
        ("planner if groups=a and amr=mfa", {"groups": "a", "amr": ["pwd"]}, "resident", ()),
        ("planner if groups=a and amr=mfa", {"groups": "a"}, "resident", ()),
        ("planner if groups=a and acr=high", {"groups": "a", "acr": "low"}, "resident", ()),
        ("staff if a=None", {"a": None}, "resident", ()),
        ("staff if a.b.c=1", {"a": [{"b": 1}]}, "resident", ()),
    ],
)
def test_rules(rule: str, claims: dict[str, Any], kind: str, roles: tuple[str, ...]) -> None:
    found = standing([parse_rule(rule)], claims, residents=True)
    assert found is not None
    assert (found.kind, found.roles) == (kind, roles)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "planner",
        "planner if",
        "planner if groups",
        "king if a=b",
        "planner, if a=b",
        "planner if a=b and",
        "planner if =b",
        "x" * 2000,
    ],
)
def test_what_is_no_rule(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_rule(text)


@given(st.text(max_size=60))
def test_any_line_is_a_rule_or_refused_in_words(text: str) -> None:
    try:
        parse_rule(text)
    except BadRequest as error:
        assert error.remedy
