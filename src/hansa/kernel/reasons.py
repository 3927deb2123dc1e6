"""Why a server could not be reached, in words that tell nothing of this machine."""

from __future__ import annotations

import ssl
from typing import ClassVar, Final

import httpx

from hansa.kernel.connections import BrokenExchange
from hansa.kernel.errors import HansaError

__all__ = ["AnswerTooLarge", "FetchFailed", "TimedOut", "reason_of"]


class FetchFailed(HansaError):
    """The address may be contacted, but did not give what was asked for."""

    code: ClassVar[str] = "InternalError"
    status: ClassVar[int] = 502


class TimedOut(FetchFailed):
    """There was no whole answer in time."""

    status: ClassVar[int] = 504


class AnswerTooLarge(FetchFailed):
    """The answer is larger than wanted."""


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
