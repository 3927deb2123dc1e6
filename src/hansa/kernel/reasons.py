"""Why a server could not be reached, in words that tell nothing of this machine."""

from __future__ import annotations

import ssl
from typing import Final

import httpx

from hansa.kernel.connections import BrokenExchange

__all__ = ["reason_of"]

_REASONS: Final[dict[type[Exception], str]] = {
    httpx.ConnectError: "no connection, or its certificate is not trusted",
    httpx.ConnectTimeout: "no connection in time",
    httpx.RemoteProtocolError: "the answer breaks the rules of HTTP",
    httpx.ReadError: "the connection broke",
    ssl.SSLCertVerificationError: "its certificate is not trusted",
    ConnectionRefusedError: "no connection",
}


def reason_of(fault: Exception) -> str:
    """The reason behind `fault`, as part of a sentence."""
    if isinstance(fault, BrokenExchange):
        return str(fault)
    return _REASONS.get(type(fault), type(fault).__name__)
