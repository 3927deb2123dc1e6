"""Addresses of this node at which services tell what is new: for spokes that are told instead of asking.

A job opens a mailbox and gives its address to the service. The address holds a secret of 256 bits, which is
all that lets anyone put something in; it is kept in memory only, and with the job it ends. What arrives is
JSON that the job has yet to check. A box is bounded: what finds it full is refused, and the job knows by
:meth:`Mailbox.empty` that it missed something.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from threading import Lock
from typing import Any, Final

__all__ = ["PATH", "Mailbox", "Mailboxes"]

PATH: Final = "/hansa/v1/told/"
"""What the address of a mailbox begins with, before its secret."""

_MOST: Final = 1_000
_LARGEST: Final = 32_000_000  # bytes


class Mailbox:
    """What a service told, until the job takes it."""

    def __init__(self, secret: str, closed: Callable[[], None]) -> None:
        self.path = PATH + secret
        self._closed = closed
        self._lock = Lock()
        self._waiting: list[Any] = []
        self._size = 0
        self._missed = False

    def put(self, content: Any, size: int) -> bool:
        """Put a JSON value of some bytes in; False when there is no room."""
        with self._lock:
            if len(self._waiting) >= _MOST or self._size + size > _LARGEST:
                self._missed = True
                return False
            self._waiting.append(content)
            self._size += size
            return True

    def empty(self) -> tuple[list[Any], bool]:
        """All that waits, oldest first; and whether something was refused since the last time."""
        with self._lock:
            found, missed = self._waiting, self._missed
            self._waiting, self._size, self._missed = [], 0, False
        return found, missed

    def close(self) -> None:
        """Nothing more is taken in."""
        self._closed()


class Mailboxes:
    """The mailboxes of a node. Safe to use from several threads."""

    def __init__(self) -> None:
        self._boxes: dict[bytes, Mailbox] = {}

    def open(self) -> Mailbox:
        """A new one."""
        secret = secrets.token_urlsafe(32)
        key = _key(secret)
        made = self._boxes[key] = Mailbox(secret, lambda: self._close(key))
        return made

    def find(self, secret: str) -> Mailbox | None:
        """The one whose address ends in `secret`; how long that takes tells nothing of the others."""
        return self._boxes.get(_key(secret))

    def _close(self, key: bytes) -> None:
        self._boxes.pop(key, None)


def _key(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
