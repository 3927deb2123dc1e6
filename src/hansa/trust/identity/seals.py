"""Seals: what a browser keeps for the node between two steps of a login, unread and unchanged.

Nothing is stored for somebody who has not proved anything yet, so nobody can fill the node by beginning logins. The key is made
anew when the node starts: a login that was begun before must be begun again. What is sealed for one thing does not
open another, and ends after ten minutes. Sealed is by AES-256-GCM, with what it is for as associated data.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import b64decode, urlsafe_b64encode
from collections import OrderedDict
from threading import Lock
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hansa.kernel.clock import Clock
from hansa.kernel.errors import BadRequest

__all__ = ["SECONDS", "Seals"]

SECONDS: Final = 600
_LONGEST: Final = 4000
_NONCE: Final = 12


class Seals:
    """Seals and opens."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._box = AESGCM(AESGCM.generate_key(256))
        self._used: OrderedDict[bytes, int] = OrderedDict()
        self._lock = Lock()

    def sealed(self, use: str, what: dict[str, Any]) -> str:
        """`what`, for a browser to keep."""
        text = orjson.dumps({"until": self._now() + SECONDS, "what": what})
        nonce = secrets.token_bytes(_NONCE)
        return urlsafe_b64encode(nonce + self._box.encrypt(nonce, text, use.encode())).decode()

    def opened(self, use: str, text: str) -> dict[str, Any]:
        """What was sealed for `use`.

        Raises:
            BadRequest: it was not sealed here, for that, or within the last minutes.
        """
        try:
            if len(text) > _LONGEST:
                raise InvalidTag
            sealed = _bytes(text)
            inner = self._box.decrypt(sealed[:_NONCE], sealed[_NONCE:], use.encode())
            found = orjson.loads(inner)
        except (InvalidTag, ValueError):
            found = {"until": 0}
        if found["until"] <= self._now():
            fact = "was begun in another browser, before the node started, or too long ago"
            raise BadRequest("this login", fact, "begin it again")
        return dict(found["what"])

    def opened_once(self, use: str, text: str) -> dict[str, Any]:
        """As :meth:`opened`, but only the first time.

        Raises:
            BadRequest: as there, or it was opened before.
        """
        found = self.opened(use, text)
        mark = hashlib.sha256(_bytes(text)).digest()  # one text may be spelt in several ways
        with self._lock:
            now = self._now()
            while self._used and next(iter(self._used.values())) <= now:
                self._used.popitem(last=False)
            if mark in self._used:
                raise BadRequest("this login", "was done with this already", "begin it again")
            self._used[mark] = now + SECONDS + 1
        return found

    def _now(self) -> int:
        return int(self._clock.now().timestamp())


def _bytes(text: str) -> bytes:
    """What a text says that is written as :meth:`Seals.sealed` writes: what says the same otherwise could be used once more."""
    found = b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    if urlsafe_b64encode(found).decode() != text:
        raise ValueError("it is written in another way")
    return found
