"""A request to a source, as it goes over the wire (clauses 4.3.6.5, 4.3.6.6, 6.3.18 and 6.3.19).

What steers the connection, the tenant and the trail cannot be set by a registration; everything else
that it wants conveyed is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson

from hansa.hub.federation.asker import Asker
from hansa.hub.federation.speech import Speech
from hansa.hub.federation.trail import onward
from hansa.hub.registrations.model import Source

__all__ = ["Outgoing", "outgoing"]

_JSON: Final = "application/json"
_LD_JSON: Final = "application/ld+json"
_FROM_REQUEST: Final = "urn:ngsi-ld:request"
_RESERVED: Final = frozenset(
    "accept accept-encoding connection content-encoding content-length content-type expect host "
    "keep-alive link ngsild-entitymap ngsild-tenant prefer proxy-authorization proxy-connection te "
    "trailer transfer-encoding upgrade user-agent via".split()
)
_SUBSCRIPTIONS: Final = "/subscriptions"
"""Copies of subscriptions say it of themselves (localOnly)."""

_LINK: Final = '<%s>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
_SAFE: Final = ":/*,;@!$()'"
_URL_SAFE: Final = ":/?#[]@!$&'()*+,;=%~-._"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request, ready to be sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def key(self) -> tuple[str, str, bytes, str]:
        """What tells apart requests whose answers may differ."""
        spoken = orjson.dumps(dict(self.headers), option=orjson.OPT_SORT_KEYS).decode()
        return self.method, self.url, self.body, spoken


def outgoing(
    source: Source,
    asker: Asker,
    speech: Speech,
    alias: str,
    method: str,
    path: str,
    parameters: Mapping[str, str],
    payload: Any = None,
    more: Mapping[str, str] | None = None,
) -> Outgoing:
    """The request to `source`.

    Args:
        alias: the name of this node's tenant, for the trail.
        path: below the address of the API; already quoted.
        parameters: of the query, as text.
        payload: a JSON value in the words of `speech`; None for requests without a body.
        more: further headers.
    """
    given = dict(parameters)
    if source.local_only and not path.startswith(_SUBSCRIPTIONS):
        given["local"] = "true"
    query = urlencode(given, safe=_SAFE, quote_via=quote)
    headers = _conveyed(source, asker)
    headers["Accept"] = source.accept or _JSON
    headers["Via"] = onward(asker.via, alias)
    if source.tenant is not None:
        headers["NGSILD-Tenant"] = source.tenant
    headers |= more or {}
    body = b""
    inside = source.content_type == _LD_JSON and source.context is None and payload is not None
    if payload is not None:
        headers["Content-Type"] = _LD_JSON if inside else _JSON
        body = orjson.dumps(_with_context(payload, speech) if inside else payload)
    if speech.url is not None and not inside:
        headers["Link"] = _LINK % quote(speech.url, safe=_URL_SAFE)
    return Outgoing(method, f"{source.base}{path}" + (f"?{query}" if query else ""), headers, body)


def _with_context(payload: Any, speech: Speech) -> Any:
    context = speech.url or speech.context.source
    if isinstance(payload, list):
        return [{**i, "@context": context} if isinstance(i, dict) else i for i in payload]
    return {**payload, "@context": context}


def _conveyed(source: Source, asker: Asker) -> dict[str, str]:
    """The headers that the registration wants, with those taken from the request."""
    headers: dict[str, str] = {}
    for name, value in source.headers.items():
        if name in _RESERVED:
            continue
        if value == _FROM_REQUEST:
            given = asker.headers.get(name)
            if given is not None and given.isprintable():
                headers[name] = given
        else:
            headers[name] = value
    return headers
