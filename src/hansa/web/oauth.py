"""Tokens for machines: OAuth 2 client credentials with a signed assertion, and what says where to ask.

``/.well-known/oauth-authorization-server`` (RFC 8414), ``/.well-known/jwks.json`` and ``POST /oauth/token`` (RFC 6749
4.4 with ``private_key_jwt``, RFC 7523). Errors of the token endpoint are those of RFC 6749 5.2. Only registered
clients get a token, and none sends a secret.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hansa.kernel.errors import HansaError, Misdirected, TooSlow, Unauthorized, Unavailable
from hansa.trust.identity.grants import Granted, InvalidScope
from hansa.trust.identity.keysets import ALGORITHMS
from hansa.trust.principals import SCOPES
from hansa.web.api.register import as_document
from hansa.web.shell.hosts import is_local
from hansa.web.shell.site import PageNode, base_of

__all__ = ["OAuthRoutes"]

_LONGEST: Final = 30_000
_MOST: Final = 20
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_GRANT: Final = "client_credentials"
_KEPT: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_OPEN: Final = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}


class _Fault(Exception):
    """An error of RFC 6749 5.2."""

    def __init__(self, error: str, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.error, self.words, self.status = error, words, status


class OAuthRoutes:
    """The addresses that machines ask for tokens."""

    def __init__(self, node: PageNode) -> None:
        self._node = node

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/.well-known/oauth-authorization-server", self._metadata),
            Route("/.well-known/jwks.json", self._keys),
            Route("/oauth/token", self._token, methods=["POST"]),
        ]

    async def _metadata(self, request: Request) -> Response:
        """RFC 8414, section 2."""
        try:
            issuer = self._issuer(request)
        except Misdirected as error:
            return as_document(error)
        found: dict[str, Any] = {
            "issuer": issuer,
            "token_endpoint": f"{issuer}/oauth/token",
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "grant_types_supported": [_GRANT],
            "response_types_supported": [],
            "scopes_supported": list(SCOPES),
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
            "service_documentation": f"{issuer}/api",
        }
        return JSONResponse(found, headers=_OPEN)

    async def _keys(self, request: Request) -> Response:
        """The public keys of the tokens."""
        found = await run_in_threadpool(self._node.trust.desk.grants.published)
        return JSONResponse(found, headers=_OPEN, media_type="application/jwk-set+json")

    async def _token(self, request: Request) -> Response:
        try:
            granted = await self._granted(request)
        except _Fault as fault:
            return _refusal(fault)
        except Unauthorized as error:
            return _refusal(_Fault("invalid_client", error.sentence, 401))
        except InvalidScope as error:
            return _refusal(_Fault("invalid_scope", error.sentence))
        except Unavailable as error:
            return _refusal(_Fault("temporarily_unavailable", error.sentence, error.status))
        except HansaError as error:  # the client's keys cannot be had
            return _refusal(_Fault("invalid_client", error.sentence, 401))
        found = {
            "access_token": granted.token,
            "token_type": "Bearer",
            "expires_in": granted.seconds,
            "scope": granted.scope,
        }
        return JSONResponse(found, headers=_KEPT)

    def _issuer(self, request: Request) -> str:
        """The node's own address, never one that only the request names: an assertion for another would be good here.

        Raises:
            Misdirected: it is not known.
        """
        settings, host = self._node.settings, (request.url.hostname or "").rstrip(".")
        own = {name.lower() for name in settings.hosts}
        if not settings.base_url and not is_local(host) and host not in own:
            fact, remedy = "does not know its own address", "set base_url or hosts in hansa.toml"
            raise Misdirected("this node", fact, remedy)
        return base_of(self._node, request)

    async def _granted(self, request: Request) -> Granted:
        """What RFC 6749 4.4.2 and RFC 7523 2.2 ask of a request, in the order of the checks."""
        form = await _form(request)
        if "grant_type" not in form:
            raise _Fault("invalid_request", "grant_type is missing")
        if form["grant_type"] != _GRANT:
            raise _Fault("unsupported_grant_type", f"only {_GRANT} is given here")
        if "authorization" in request.headers or "client_secret" in form:
            words = "clients prove who they are by private_key_jwt here, not by a secret"
            raise _Fault("invalid_client", words, 401)
        assertion = form.get("client_assertion", "")
        if form.get("client_assertion_type") != _ASSERTION or not assertion:
            words = f"client_assertion, or client_assertion_type {_ASSERTION}, is missing"
            raise _Fault("invalid_client", words, 401)
        grants = self._node.trust.desk.grants
        client = await run_in_threadpool(grants.holder, assertion, form.get("client_id", ""))
        issuer = self._issuer(request)
        proof = (
            await self._node.trust.keysets.verified(assertion, client.jwks_uri)
            if client.jwks_uri
            else assertion
        )
        audiences = {issuer, f"{issuer}/oauth/token"}
        scope = form.get("scope", "")
        return await run_in_threadpool(grants.grant, client, proof, audiences, issuer, scope)


async def _form(request: Request) -> dict[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise _Fault("invalid_request", "the body must be application/x-www-form-urlencoded")
    found = b""
    try:
        async for chunk in request.stream():
            found += chunk
            if len(found) > _LONGEST:
                raise _Fault("invalid_request", "the request is too long", 413)
    except TooSlow as error:
        raise _Fault("invalid_request", error.sentence, error.status) from error
    try:
        pairs = parse_qsl(found.decode("ascii"), errors="strict", max_num_fields=_MOST)
    except (UnicodeDecodeError, ValueError):
        raise _Fault("invalid_request", "the body cannot be read") from None
    if len({name for name, _ in pairs}) < len(pairs):
        raise _Fault("invalid_request", "a parameter is there twice")
    return dict(pairs)


def _refusal(fault: _Fault) -> Response:
    # RFC 6749 5.2 allows these signs alone in a description.
    words = "".join(
        sign if " " <= sign <= "~" and sign not in '"\\' else "'" for sign in fault.words
    )
    found = {"error": fault.error, "error_description": words}
    challenge = {"WWW-Authenticate": "Bearer"} if fault.status == 401 else {}
    return JSONResponse(found, fault.status, _KEPT | challenge)
