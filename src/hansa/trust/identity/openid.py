"""Logging in elsewhere: OpenID Connect, authorization code with PKCE, state and nonce.

What is asked, in this order, of somebody who comes back from a provider: that this browser began the login, with that provider,
within ten minutes (sealed cookie, ``state``, ``iss`` where it is sent); that the provider gives a token for the code
and the PKCE verifier; that its ID token is signed by one of its keys and says the right issuer, audience, nonce and time
(OpenID Connect Core 3.1.3.7); what the rules make of what it says. Only then there is an account, and a session.

Everything between the node and the provider goes through the egress guard: discovery, keys, tokens, user information.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from asyncio import to_thread
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final
from urllib.parse import quote

import orjson
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError

from hansa.kernel.clock import Clock
from hansa.kernel.egress import Egress
from hansa.kernel.errors import AlreadyExists, BadRequest, Forbidden, HansaError, Unauthorized
from hansa.trust.identity.accounts import Account
from hansa.trust.identity.desk import Desk
from hansa.trust.identity.keysets import Keysets
from hansa.trust.identity.providers import Provider, web_address
from hansa.trust.identity.rules import Standing, standing
from hansa.trust.identity.seals import Seals
from hansa.trust.principals import PUBLIC
from hansa.trust.vault import Vault

__all__ = ["OpenId", "Started"]

_USE: Final = "openid"
_SUBJECT: Final = "subject"
_SCOPE: Final = "openid profile email"
_MOST_BYTES: Final = 200_000
_PATIENCE: Final = 15.0
_KEPT_SECONDS: Final = 3600.0
_LEEWAY: Final = 60
_ALSO: Final = ("name", "preferred_username")


@dataclass(frozen=True, slots=True)
class Started:
    """Where a login goes on, and what the browser keeps meanwhile."""

    address: str
    sealed: str


class OpenId:
    """Logins at the providers of a node."""

    def __init__(
        self, vault: Vault, desk: Desk, egress: Egress, keysets: Keysets, clock: Clock
    ) -> None:
        self._vault, self._desk, self._egress = vault, desk, egress
        self._keysets, self._clock = keysets, clock
        self._seals = Seals(clock)
        self._known: dict[str, tuple[float, dict[str, Any]]] = {}

    async def start(self, provider: Provider, back: str, onward: str) -> Started:
        """Begin a login.

        Args:
            provider: where.
            back: the address of this node to come back to.
            onward: the path of this node to go to when it is done.

        Raises:
            HansaError: the provider cannot be asked, or is not what it should be.
        """
        about = await self._about(provider)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        address = prepare_grant_uri(
            about["authorization_endpoint"],
            provider.client_id,
            "code",
            redirect_uri=back,
            scope=_SCOPE,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        kept = {
            "provider": provider.id,
            "state": state,
            "nonce": nonce,
            "verifier": verifier,
            "back": back,
            "onward": onward[:1000],
        }
        return Started(address, self._seals.sealed(_USE, kept))

    async def finish(
        self, provider: Provider, sealed: str, given: Mapping[str, str]
    ) -> tuple[Account, str]:
        """The account of somebody who came back, and the path to go on to.

        Args:
            provider: from where.
            sealed: what the browser kept.
            given: the parameters of the address.

        Raises:
            BadRequest: this browser did not begin it.
            Unauthorized: the provider does not vouch for them.
            Forbidden: it does, but they are not let in here.
        """
        kept = self._seals.opened(_USE, sealed)
        right = hmac.compare_digest(kept["state"].encode(), given.get("state", "").encode())
        if kept["provider"] != provider.id or not right:
            fact = "does not fit the one that this browser began"
            raise BadRequest("this login", fact, "begin it again")
        if given.get("iss", provider.issuer) != provider.issuer:
            raise Unauthorized("this login", "comes from another provider", "begin it again")
        if "error" in given or not given.get("code"):
            word = re.sub(r"[^a-z_]", "", given.get("error", ""))[:40] or "no code"
            raise Unauthorized("this login", f"was not granted by {provider.name} ({word})")
        try:
            return await self._proved(provider, given["code"], kept), kept["onward"]
        except (Unauthorized, Forbidden):
            if self._desk.log is not None:
                self._desk.log.refused(PUBLIC, (f"provider:{provider.id}",), "login.refused")
            raise

    async def _proved(self, provider: Provider, code: str, kept: Mapping[str, Any]) -> Account:
        """The account of somebody for whom the provider vouches."""
        about = await self._about(provider)
        answer = await self._token(provider, about, code, kept)
        claims = await self._claims(provider, about, answer, kept["nonce"])
        found = standing(provider.parsed(), claims, residents=provider.residents)
        if found is None:
            fact = f"is not open to people of {provider.name} whom no rule lets in"
            raise Forbidden("this node", fact, "ask an administrator")
        return await to_thread(self._account, provider, claims, found)

    # -- asking the provider -----------------------------------------------------------------------

    async def _about(self, provider: Provider) -> dict[str, Any]:
        """What the provider says about itself (OpenID Connect Discovery 4)."""
        known = self._known.get(provider.issuer)
        if known is not None and monotonic() - known[0] < _KEPT_SECONDS:
            return known[1]
        address = f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"
        found = await self._egress.fetch(
            address, accept="application/json", max_bytes=_MOST_BYTES, timeout=_PATIENCE
        )
        about = _object(found.content, provider)
        if about.get("issuer") != provider.issuer:
            raise _broken(provider, "names itself otherwise than it was declared")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            web_address(about.get(name), f"{name} of provider {provider.id}")
        self._known[provider.issuer] = (monotonic(), about)
        return about

    async def _token(
        self, provider: Provider, about: Mapping[str, Any], code: str, kept: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The tokens for a code (OpenID Connect Core 3.1.3)."""
        ways = about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        basic = bool(provider.secret) and "client_secret_basic" in ways
        body = prepare_token_request(
            "authorization_code",
            code=code,
            redirect_uri=kept["back"],
            code_verifier=kept["verifier"],
            client_id="" if basic else provider.client_id,
            client_secret="" if basic else provider.secret,
        )
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }
        if basic:
            pair = f"{quote(provider.client_id, safe='')}:{quote(provider.secret, safe='')}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        answer = await self._egress.request(
            "POST",
            about["token_endpoint"],
            headers=headers,
            body=body.encode(),
            max_bytes=_MOST_BYTES,
            timeout=_PATIENCE,
        )
        if answer.status != 200:
            raise Unauthorized("this login", f"was not granted by {provider.name}", "try again")
        return _object(answer.content, provider)

    async def _claims(
        self, provider: Provider, about: Mapping[str, Any], answer: Mapping[str, Any], nonce: str
    ) -> dict[str, Any]:
        """What the provider says about somebody, proved (OpenID Connect Core 3.1.3.7)."""
        token, access = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str):
            raise _broken(provider, "gave no ID token")
        signed = await self._keysets.verified(token, about["jwks_uri"])
        options = {
            "iss": {"essential": True, "value": provider.issuer},
            "aud": {"essential": True, "value": provider.client_id},
        }
        params = {"nonce": nonce, "client_id": provider.client_id, "access_token": access}
        claims = CodeIDToken(dict(signed.claims), dict(signed.header), options, params)
        try:
            claims.validate(int(self._clock.now().timestamp()), _LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as fault:
            raise _broken(provider, f"vouches for something else ({fault})"[:200]) from fault
        sub = claims.get("sub")
        if not isinstance(sub, str) or not 1 <= len(sub) <= 255:
            raise _broken(provider, "does not say whom it vouches for")
        return await self._more(provider, about, dict(claims), access)

    async def _more(
        self, provider: Provider, about: Mapping[str, Any], claims: dict[str, Any], access: object
    ) -> dict[str, Any]:
        """The claims, with those that only the user information has (OpenID Connect Core 5.3)."""
        wanted = {name for rule in provider.parsed() for name, _ in rule.conditions}
        lacking = any(
            name not in claims and name.partition(".")[0] not in claims
            for name in (*wanted, *_ALSO)
        )
        address = about.get("userinfo_endpoint")
        if not (lacking and address and isinstance(access, str) and access.isascii()):
            return claims
        web_address(address, f"userinfo_endpoint of provider {provider.id}")
        answer = await self._egress.request(
            "GET",
            address,
            headers={"authorization": f"Bearer {access}", "accept": "application/json"},
            max_bytes=_MOST_BYTES,
            timeout=_PATIENCE,
        )
        more = _object(answer.content, provider) if answer.status == 200 else {}
        # What is said of somebody else must not be believed of this one (5.3.4).
        return {**more, **claims} if more.get("sub") == claims["sub"] else claims

    # -- whom it is about --------------------------------------------------------------------------

    def _account(self, provider: Provider, claims: Mapping[str, Any], found: Standing) -> Account:
        """Their account, as the rules want it today; made at their first login."""
        subject = f"{provider.issuer} {claims['sub']}"
        key = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()
        index = self._vault.get(_SUBJECT, key)
        name = str(index["account"]) if index else self._made(subject, key, claims, found)
        account = self._desk.accounts.get(name)
        if account is None or account.subject != subject or account.disabled:
            raise Forbidden("this account", "is not open", "ask an administrator")
        return self._desk.follow(account, found, _words(claims.get("name")))

    def _made(self, subject: str, key: str, claims: Mapping[str, Any], found: Standing) -> str:
        """A new account; its name bears a part of who they are there, so that it cannot be another's."""
        given = _words(claims.get("preferred_username")).partition("@")[0].lower()
        name = f"{re.sub(r'[^a-z0-9_-]', '', given).lstrip('_-')[:40] or 'login'}.{key[:8]}"
        try:
            self._desk.welcome(name, subject, found, _words(claims.get("name")))
        except AlreadyExists:
            there = self._desk.accounts.get(name)
            if there is None or there.subject != subject:
                raise
        self._vault.put(_SUBJECT, key, {"account": name})
        return name


def _words(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(sign for sign in text if sign.isprintable())[:200]


def _object(content: bytes, provider: Provider) -> dict[str, Any]:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise _broken(provider, "answered with something that is no JSON object")
    return found


def _broken(provider: Provider, fact: str) -> HansaError:
    return Unauthorized(f"provider {provider.name}", fact, "tell an administrator of this node")
