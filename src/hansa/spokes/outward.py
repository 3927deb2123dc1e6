"""The way out that spokes are given: documents over HTTP and connections to brokers, both guarded."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from hansa.kernel.egress import Egress
from hansa.kernel.mqtt import Broker, connected

__all__ = ["Outward"]

LARGEST: Final = 64_000_000
"""Bytes of the largest document that a spoke reads from an address."""

_PATIENCE: Final = 60.0


class Outward:
    """See :class:`hansa.spokes.port.WayOut`."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    def __call__(self, url: str, headers: Mapping[str, str], /) -> bytes:
        """The document at `url`."""
        answer = self._egress.fetch_now(url, headers=headers, max_bytes=LARGEST, timeout=_PATIENCE)
        return answer.content

    def mqtt(self, broker: Broker, **options: Any) -> AbstractAsyncContextManager[Any]:
        """See :func:`hansa.kernel.mqtt.connected`."""
        return connected(self._egress, broker, **options)
