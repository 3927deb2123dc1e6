"""Passwords: which are taken, and how they are kept (argon2id).

Length is what counts; no rule asks for signs of some kind, and any character is taken as it is. Refused are
short ones, those that everybody tries first, and those made of the account's or the city's name.
"""

from __future__ import annotations

from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hansa.kernel.errors import BadRequest

__all__ = ["LEAST", "check_password", "hashed", "is_stale", "matches", "spend"]

LEAST: Final = 12
_MOST: Final = 256
_COMMON: Final = frozenset(
    "password1234 password12345 password123456 passwordpassword 123456789012 1234567890123 "
    "0123456789ab qwertyuiop12 qwertyuiop123 qwertyuiop1234 qwertyuiopas 1q2w3e4r5t6y 1q2w3e4r5t6y7u "
    "1qaz2wsx3edc 1qaz2wsx3edc4rfv zaq12wsxcde3 letmeinletmein iloveyou1234 iloveyouiloveyou "
    "administrator administrator1 administrador contraseña123 motdepasse123 motdepasse1234 "
    "changemechangeme changeme1234 welcome12345 welcomewelcome qwerty123456 qwertyqwerty abcdefghijkl "
    "abcdefghijklm abc123abc123 123123123123 111111111111 000000000000 aaaaaaaaaaaa correcthorsebatterystaple "
    "sunshine1234 princess1234 football1234 baseball1234 monkey123456 dragon123456 superman1234 "
    "trustno1trustno1 p@ssw0rd1234 passw0rd1234 adminadmin12 adminadminadmin asdfghjkl123 asdfasdfasdf "
    "987654321098 qazwsxedcrfv 147258369147 112233445566 121212121212 123456123456 1234512345 "
    "hansahansahansa".split()
)
"""Of the passwords that are tried first, those that are long enough to be taken otherwise."""

_HASHER: Final = PasswordHasher()
"""argon2id with the library's parameters (RFC 9106, low memory: 64 MiB, 3 passes, 4 lanes)."""
_NOBODY: Final = _HASHER.hash("nobody has this password")


def check_password(password: str, *names: str) -> None:
    """Refuse a password that is too easily found.

    Raises:
        BadRequest: it is short, overlong, common, or made of one of `names`.
    """
    low = password.casefold()
    if len(password) < LEAST:
        raise BadRequest("the password", f"has fewer than {LEAST} characters", "take a longer one")
    if len(password) > _MOST:
        raise BadRequest("the password", f"has more than {_MOST} characters", "take a shorter one")
    if low in _COMMON or len(set(low)) < 5:
        raise BadRequest("the password", "is among the first that are tried", "take another one")
    rest = low
    for name in names:
        if len(name) > 2:
            rest = rest.replace(name.casefold(), "")
    if len(rest) < 8:
        raise BadRequest("the password", "is made of your or the city's name", "take another one")


def hashed(password: str) -> str:
    """What of a password is kept."""
    return _HASHER.hash(password.encode("utf-8", "surrogatepass"))


def matches(password: str, stored: str) -> bool:
    """Whether it is the password behind `stored`. Takes as long for an account that is not there ("")."""
    if len(password) > _MOST:
        return False
    try:
        _HASHER.verify(stored or _NOBODY, password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False
    return bool(stored)


def spend() -> None:
    """Take as long as a comparison."""
    matches("", "")


def is_stale(stored: str) -> bool:
    """Whether it was hashed with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(stored)
