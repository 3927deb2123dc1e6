"""The way out that spokes are given: documents over HTTP and connections to brokers, both guarded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from hansa.kernel.egress import Egress
from hansa.kernel.mqtt import Broker, connected
from hansa.spokes.mailboxes import Mailbox, Mailboxes

__all__ = ["Outward"]

LARGEST: Final = 64_000_000
"""Bytes of the largest document that a spoke reads from an address."""

_PATIENCE: Final = 60.0
_SHORT: Final = 10.0


class Outward:
    """See :class:`hansa.spokes.port.WayOut`."""

    def __init__(self, egress: Egress, mailboxes: Mailboxes | None = None) -> None:
        self._egress = egress
        self._mailboxes = mailboxes or Mailboxes()

    def __call__(self, url: str, headers: Mapping[str, str], /) -> bytes:
        """The document at `url`."""
        answer = self._egress.fetch_now(url, headers=headers, max_bytes=LARGEST, timeout=_PATIENCE)
        return answer.content

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, /
    ) -> tuple[int, Mapping[str, str]]:
        """Status and headers of the answer to a request."""
        egress = self._egress.apart()

        async def once() -> tuple[int, Mapping[str, str]]:
            try:
                answer = await egress.request(
                    method, url, headers=headers, body=body, timeout=_SHORT, status_only=True
                )
            finally:
                egress.close()
            return answer.status, answer.headers

        return asyncio.run(once())

    def mailbox(self) -> Mailbox:
        """A new mailbox of the node."""
        return self._mailboxes.open()

    def mqtt(self, broker: Broker, **options: Any) -> AbstractAsyncContextManager[Any]:
        """See :func:`hansa.kernel.mqtt.connected`."""
        return connected(self._egress, broker, **options)
