"""Second factors: codes of an authenticator app (TOTP, RFC 6238), and recovery codes.

A code is taken within one step (30 s) of now, and no step twice: whoever saw a code cannot use it again.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from hansa.trust.principals import token_hash

__all__ = ["address", "new_recovery", "new_secret", "picture", "recovery_hash", "step_of"]

_STEP: Final = 30
_DIGITS: Final = 6
_RECOVERY: Final = 10


def new_secret() -> str:
    """A fresh key (160 bits), in base 32 as authenticator apps read it."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def address(secret: str, name: str, issuer: str) -> str:
    """The ``otpauth:`` address of a key, which apps read as a QR code or as a link."""
    return _totp(secret).get_provisioning_uri(name, issuer)


def picture(text: str) -> str:
    """`text` as a QR code, an SVG that can stand in a page: without a style or a name of its own."""
    import segno

    made = segno.make(text, error="m", micro=False)
    # omitsize: a viewBox, so that the page's style scales the picture instead of cutting it.
    return str(
        made.svg_inline(dark="#000", light="#fff", svgclass=None, lineclass=None, omitsize=True)
    )


def step_of(secret: str, code: str, now: datetime, last: int = 0) -> int | None:
    """The step of which `code` is the right code, after step `last`; ``None`` if it is of none."""
    given = code.replace(" ", "")
    if not (given.isascii() and given.isdigit() and len(given) == _DIGITS):
        return None
    present = int(now.timestamp()) // _STEP
    found = None
    for step in (present - 1, present, present + 1):
        right = _totp(secret).generate(step * _STEP)
        if hmac.compare_digest(right, given.encode()) and step > last:
            found = step
    return found


def new_recovery() -> list[str]:
    """Fresh recovery codes (120 bits each), shown once."""
    codes = [base64.b32encode(secrets.token_bytes(15)).decode().lower() for _ in range(_RECOVERY)]
    return ["-".join(code[i : i + 4] for i in range(0, 24, 4)) for code in codes]


def recovery_hash(code: str) -> str:
    """What of a recovery code is kept; they are random, so that a plain hash is enough."""
    return token_hash("".join(sign for sign in code.lower() if sign.isalnum()))


def _totp(secret: str) -> TOTP:
    return TOTP(base64.b32decode(secret), _DIGITS, SHA1(), _STEP)  # noqa: S303
