"""Pseudonyms: what a value becomes under a key, and nobody can undo or repeat once the key is gone. Pure.

A pseudonym is the HMAC-SHA-256 of the value, cut to 128 bits. Under one key the same value has the same pseudonym,
wherever it stands, so that entities which belonged together still do; under another key it has one that cannot be
told to be of the same value. An identifier that is a URN stays one, with the type that it names.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

__all__ = ["Key", "is_pseudonym"]

_URN: Final = re.compile(r"urn:ngsi-ld:([A-Za-z][A-Za-z0-9_-]{0,63}):.+", re.DOTALL)
_LENGTH: Final = 26
_SHAPE: Final = re.compile(r"p-[a-z2-7]{26}")


@dataclass(frozen=True, slots=True)
class Key:
    """A secret that pseudonyms are made with, and the name that tells its period from others.

    It never shows its secret: not in a message, a log or a traceback.
    """

    name: str
    secret: bytes = field(repr=False)

    @classmethod
    def new(cls, name: str) -> Key:
        """A fresh one of 256 bits."""
        return cls(name, secrets.token_bytes(32))

    def word(self, value: Any) -> str:
        """The pseudonym of any JSON value, as a word."""
        if isinstance(value, str):
            return _made(self.secret, b"s" + value.encode("utf-8", "surrogatepass"))
        whole = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        return _made(self.secret, b"j" + whole)

    def uri(self, identifier: str) -> str:
        """The pseudonym of an identifier, as one: of the same type, if it names one."""
        match = _URN.fullmatch(identifier)
        kind = match[1] if match else "Pseudonym"
        return f"urn:ngsi-ld:{kind}:{self.word(identifier)}"


def is_pseudonym(value: str) -> bool:
    """Whether a word, or the end of an identifier, has the form of a pseudonym."""
    return bool(_SHAPE.fullmatch(value.rsplit(":", 1)[-1]))


def _made(secret: bytes, message: bytes) -> str:
    digest = hmac.digest(secret, message, "sha256")[:16]
    return "p-" + base64.b32encode(digest).decode().lower()[:_LENGTH]
