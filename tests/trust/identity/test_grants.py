"""Clients that prove by their own key who they are: their keys, their assertions, and the tokens that they get."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey

from hansa.kernel.clock import Clock
from hansa.kernel.errors import AlreadyExists, BadRequest, NotFound, Unauthorized
from hansa.kernel.settings import Settings
from hansa.ngsild.city import city_iri
from hansa.trust.identity.desk import Desk
from hansa.trust.identity.grants import SECONDS, Granted, InvalidScope
from hansa.trust.identity.keysets import public_keys, sign, verified
from hansa.trust.vault import Vault
from tests.trust.identity.machines import ISSUER, KEYS, assertion, jwks

PARKING = city_iri("ParkingSpot")
BIKES = city_iri("BikeHireDockingStation")
HERE = {ISSUER, f"{ISSUER}/oauth/token"}


class Hands(Clock):
    """A clock whose hands the test moves."""

    by = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + type(self).by


@pytest.fixture(autouse=True)
def present() -> Iterator[None]:
    yield
    Hands.by = timedelta()


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    made = Vault(tmp_path / "trust" / "vault.sqlite", Clock())
    yield made
    made.close()


@pytest.fixture
def desk(vault: Vault) -> Desk:
    made = Desk(vault, Settings(), Hands())
    made.clients.add(
        "parking",
        jwks=jwks("Ed25519", "ES256", "RS256"),
        scopes=["read", "write"],
        types=[PARKING, BIKES],
        purposes=["parking", "audit"],
    )
    return made


def grant(desk: Desk, text: str, scope: str = "purpose:parking") -> Granted:
    return desk.grants.grant(desk.grants.holder(text), text, HERE, ISSUER, scope)


@pytest.mark.parametrize("alg", ["Ed25519", "EdDSA", "ES256", "PS256", "RS256"])
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_each_algorithm_brings_a_token(desk: Desk, alg: str) -> None:
    key = KEYS["Ed25519" if alg == "EdDSA" else alg]
    given = grant(desk, assertion(alg=alg, key=key))
    who = desk.bearer(given.token)
    assert who is not None
    assert (who.name, who.kind, who.purpose) == ("client:parking", "service", "parking")
    assert who.narrowing is not None
    assert who.narrowing.scopes == {"read", "write"}
    assert who.narrowing.types == {PARKING, BIKES}


def test_the_token_names_what_it_is_for(desk: Desk) -> None:
    given = grant(desk, assertion(), "read type:ParkingSpot purpose:audit")
    assert given.scope == f"read type:{PARKING} purpose:audit"
    found = verified(given.token, desk.grants.published())
    assert found.header["typ"] == "at+jwt"
    assert found.claims["client_id"] == "parking"
    assert found.claims["exp"] - found.claims["iat"] == SECONDS
    who = desk.bearer(given.token)
    assert who is not None
    assert who.purpose == "audit"
    assert who.narrowing is not None
    assert who.narrowing.types == {PARKING}
    assert not who.may("write")


@pytest.mark.parametrize(
    ("scope", "fact"),
    [
        ("admin purpose:parking", "more than the client"),
        ("read type:Person purpose:parking", "more than the client"),
        ("read purpose:profiling", "not one of the client's"),
        ("read", "for which of the client's purposes"),
        ("fly purpose:parking", "not understood"),
        ("read colour:red", "not understood"),
        ("purpose:parking purpose:audit", "not understood"),
    ],
)
def test_nobody_gets_more_than_is_registered(desk: Desk, scope: str, fact: str) -> None:
    with pytest.raises(InvalidScope, match=fact):
        grant(desk, assertion(), scope)


NOW = int(time.time())


@pytest.mark.parametrize(
    ("changed", "fact"),
    [
        ({"iss": "other"}, "issuer and subject"),
        ({"aud": "https://elsewhere.example"}, "not meant for"),
        ({"aud": None}, "not meant for"),
        ({"aud": [1, {}]}, "not meant for"),
        ({"exp": NOW - 120}, "has ended"),
        ({"exp": None}, "has ended"),
        ({"exp": NOW + 7200}, "longer than an hour"),
        ({"exp": "soon"}, "no instant"),
        ({"exp": True}, "no instant"),
        ({"iat": NOW + 3000}, "for later"),
        ({"nbf": NOW + 3000}, "for later"),
        ({"jti": None}, "no identifier"),
        ({"jti": 7}, "no identifier"),
    ],
)
def test_what_an_assertion_must_claim(desk: Desk, changed: dict[str, Any], fact: str) -> None:
    with pytest.raises(Unauthorized, match=fact):
        grant(desk, assertion(**changed))


def test_an_assertion_is_good_once_even_over_a_restart(desk: Desk, vault: Vault) -> None:
    text = assertion()
    grant(desk, text)
    for one in (desk, Desk(vault, Settings(), Clock())):
        with pytest.raises(Unauthorized, match="used before"):
            grant(one, text)


def test_what_was_seen_is_forgotten_when_it_has_ended(desk: Desk, vault: Vault) -> None:
    grant(desk, assertion())
    assert len(vault.all("assertion")) == 1
    Hands.by = timedelta(hours=2)
    soon = int(Hands().now().timestamp())
    grant(desk, assertion(iat=soon, exp=soon + 60))
    assert len(vault.all("assertion")) == 1


@pytest.mark.parametrize(
    "key",
    [
        OKPKey.generate_key("Ed25519", parameters={"kid": "ed"}),
        OKPKey.generate_key("Ed25519", parameters={"kid": "unknown"}),
    ],
    ids=["another key of that name", "a key that is not there"],
)
def test_a_foreign_key_proves_nothing(desk: Desk, key: OKPKey) -> None:
    with pytest.raises(Unauthorized):
        grant(desk, assertion(key=key))


def test_a_shared_secret_is_no_key(desk: Desk) -> None:
    """The classic confusion: HMAC with the public key as its secret."""
    secret = OctKey.import_key(KEYS["RS256"].as_dict(private=False)["n"])
    text = jwt.encode({"alg": "HS256", "kid": "rsa"}, {"sub": "parking"}, secret)
    with pytest.raises(Unauthorized, match="not known"):
        grant(desk, text)


def test_none_is_no_algorithm(desk: Desk) -> None:
    signed = assertion()
    head = "eyJhbGciOiJub25lIn0"
    for text in (f"{head}.{signed.split('.')[1]}.", f"{head}.{signed.split('.', 1)[1]}"):
        with pytest.raises(Unauthorized):
            grant(desk, text)


def test_an_access_token_is_no_assertion(desk: Desk) -> None:
    token = grant(desk, assertion()).token
    with pytest.raises(Unauthorized):
        grant(desk, token)
    wrong = assertion(head={"typ": "at+jwt"})
    with pytest.raises(Unauthorized, match="another kind"):
        grant(desk, wrong)
    assert desk.bearer(assertion()) is None


def test_a_token_ends_with_its_time(desk: Desk) -> None:
    token = grant(desk, assertion()).token
    Hands.by = timedelta(seconds=SECONDS + 1)
    assert desk.bearer(token) is None


def test_a_token_follows_its_client_at_once(desk: Desk) -> None:
    token = grant(desk, assertion()).token
    desk.clients.disable("parking")
    assert desk.bearer(token) is None
    with pytest.raises(Unauthorized, match="not registered"):
        grant(desk, assertion())
    desk.clients.disable("parking", disabled=False)
    assert desk.bearer(token) is not None
    desk.clients.remove("parking")
    assert desk.bearer(token) is None
    Hands.by = timedelta(seconds=2)
    desk.clients.add("parking", jwks=jwks())
    assert desk.bearer(token) is None, "a new client of the name is another one"


def test_a_token_for_another_node_is_not_taken(vault: Vault) -> None:
    """Not even one with the same keys, such as a copy of this node under another name."""
    here = Desk(vault, Settings(base_url=ISSUER), Hands())
    copy = Desk(vault, Settings(base_url="https://copy.example"), Hands())
    here.clients.add("parking", jwks=jwks())
    token = grant(here, assertion(), "").token
    assert here.bearer(token) is not None
    assert copy.bearer(token) is None
    own = here.grants._key()
    right = dict(verified(token, here.grants.published()).claims)
    for audience in (None, "https://copy.example", [ISSUER], ""):
        assert here.bearer(sign({**right, "aud": audience}, own, "at+jwt")) is None
    assert here.bearer(sign(right, own, "JWT")) is None, "a token of another kind"


def test_another_key_ends_what_the_one_before_signed(desk: Desk) -> None:
    old, before = grant(desk, assertion()).token, desk.grants.published()
    assert desk.bearer(old) is not None
    desk.grants.new_key()
    assert desk.bearer(old) is None
    assert desk.grants.published() != before
    assert desk.bearer(grant(desk, assertion()).token) is not None


def test_an_access_token_holds_from_its_making_on(desk: Desk) -> None:
    token = grant(desk, assertion()).token
    right, own = dict(verified(token, desk.grants.published()).claims), desk.grants._key()
    later = right["iat"] + 300
    assert desk.bearer(sign({**right, "exp": right["iat"] - 1}, own, "at+jwt")) is None
    assert desk.bearer(sign({**right, "nbf": later}, own, "at+jwt")) is None
    assert desk.bearer(sign({**right, "nbf": right["iat"]}, own, "at+jwt")) is not None


def test_a_key_that_a_token_brings_along_is_not_used(desk: Desk) -> None:
    """Neither its ``jwk``, nor an address of keys, in an assertion or an access token."""
    foreign = OKPKey.generate_key("Ed25519", parameters={"kid": "ed"})
    for head in (
        {"jwk": foreign.as_dict(private=False)},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
    ):
        text = assertion(key=foreign, head=head)
        with pytest.raises(Unauthorized):
            grant(desk, text)
        assert desk.bearer(assertion(key=foreign, head={**head, "typ": "at+jwt"})) is None


def test_a_client_ends_in_time(desk: Desk) -> None:
    desk.clients.add("brief", jwks=jwks(), days=1)
    Hands.by = timedelta(days=1, seconds=1)
    with pytest.raises(Unauthorized, match="not registered"):
        desk.grants.holder(assertion("brief"))


def test_a_city_is_another_kind(desk: Desk) -> None:
    desk.clients.add("visby", jwks=jwks(), kind="city", tenant="")
    who = desk.bearer(grant(desk, assertion("visby"), "").token)
    assert who is not None
    assert who.kind == "city"
    assert who.may("read", None)
    assert not who.may("read", "water")


def test_registering(desk: Desk) -> None:
    with pytest.raises(AlreadyExists):
        desk.clients.add("parking", jwks=jwks())
    with pytest.raises(NotFound):
        desk.clients.remove("nobody")
    for wrong in (
        {"jwks": jwks(), "scopes": ["fly"]},
        {"jwks": jwks(), "scopes": []},
        {"jwks": jwks(), "days": -1},
        {"jwks": jwks(), "purposes": ["two words"]},
        {"jwks": jwks(), "jwks_uri": "https://example.org/jwks"},
        {"jwks_uri": "ftp://example.org/jwks"},
        {},
    ):
        with pytest.raises(BadRequest):
            desk.clients.add("new", **wrong)  # type: ignore[arg-type]
    assert [each.id for each in desk.clients.all()] == ["parking"]


@pytest.mark.parametrize(
    "key",
    [
        KEYS["Ed25519"].as_dict(private=True),
        {"kty": "RSA", "n": "sn" * 85, "e": "AQAB"},
        ECKey.generate_key("P-384").as_dict(private=False),
        OKPKey.generate_key("X25519").as_dict(private=False),
        OctKey.generate_key(256).as_dict(),
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": []},
        {"kty": "RSA", "n": 5, "e": "AQAB"},
        "a key",
    ],
    ids="private,short,P-384,X25519,secret,cut,off-curve,no-kind,number,text".split(","),
)
def test_keys_that_are_not_taken(key: object) -> None:
    with pytest.raises(BadRequest):
        public_keys({"keys": [key]})
    mixed = public_keys({"keys": [key, jwks()["keys"][0]]}, lenient=True)
    assert [each["kid"] for each in mixed["keys"]] == (["ed"])


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(ANYTHING)
def test_anything_as_a_key_set_is_refused_in_words(raw: object) -> None:
    with pytest.raises(BadRequest):
        public_keys(raw)


@given(st.text(max_size=60) | st.from_regex(r"[\w-]{0,20}\.[\w-]{0,20}\.[\w-]{0,20}"))
def test_anything_as_a_token_is_refused_in_words(text: str) -> None:
    with pytest.raises(Unauthorized):
        verified(text, jwks())
