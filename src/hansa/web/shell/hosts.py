"""Under which names the node answers: so that no foreign name can be pointed at it (DNS rebinding).

A page of an attacker may let its own name resolve to this node's address and then ask as if it were from here.
Such a name has a dot and is none of ours. Answered are addresses written as numbers, names without a dot,
``localhost``, the host of ``base_url`` and those of ``hosts``. A node that listens beyond this machine and has
neither setting answers to any name, because it cannot know its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from hansa.kernel.errors import Misdirected
from hansa.kernel.settings import Settings

__all__ = ["Hosts", "is_local"]

_MOST = 1000


class Hosts:
    """The names of one node."""

    def __init__(self, settings: Settings) -> None:
        own = urlsplit(settings.base_url).hostname
        self._names = {name.lower() for name in (*settings.hosts, own or "") if name}
        local = settings.host == "localhost" or _is_loopback(settings.host)
        self._any = not local and not self._names
        self._known: set[bytes] = set()

    def check(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Refuse a request that is meant for another host.

        Raises:
            Misdirected: it is.
        """
        for name, value in headers:
            if name == b"host":
                if value not in self._known:
                    self._look(value)
                return

    def _look(self, value: bytes) -> None:
        try:
            parts = urlsplit("//" + value.decode("ascii"))
            name = (parts.hostname or "").rstrip(".") if parts.port != 0 else "."
        except ValueError:  # half a bracket, or a port that is no number
            name = "."
        if self._any and name != ".":
            return
        local = "." not in name or name.endswith(".localhost") or _is_address(name)
        if not local and name not in self._names:
            raise Misdirected(
                "the host of the request",
                "is not a name of this node",
                "if it is, set base_url or hosts in hansa.toml",
            )
        if len(self._known) < _MOST:
            self._known.add(value)


def is_local(name: str) -> bool:
    """Whether a name is of this machine alone."""
    return name == "localhost" or name.endswith(".localhost") or _is_loopback(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    return _is_address(name) and ip_address(name).is_loopback
