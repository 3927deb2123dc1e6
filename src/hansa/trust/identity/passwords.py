"""Passwords: which are taken, and how they are kept (argon2id).

Length is what counts; no rule asks for signs of some kind, and any character is taken as it is. Refused are
short ones, those that everybody tries first, and those made of words that somebody who knows the place tries: the account's
and the city's name, what the software and its roles are called, and the words of the setting ``password_words``.

Those that everybody tries are some thousands from leaks of passwords, kept as eight bytes of a hash each
(``common_passwords.bin``, see ``scripts/common_passwords.py``); nothing is asked of a service elsewhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hansa.kernel.errors import BadRequest

__all__ = [
    "LEAST",
    "WORDS",
    "check_password",
    "hashed",
    "is_common",
    "is_stale",
    "mark",
    "matches",
    "spend",
]

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
"""Some that the leaks do not have, in the languages of the pages."""

WORDS: Final = (
    "hansa administrator admin password passwort contraseña motdepasse secret login welcome city stadt ville ciudad "
    "planner auditor diplomat strategy officer resident"
).split()
"""What somebody who knows the software would try; documented in docs/how-to/accounts.md."""

_MARK: Final = 8

_HASHER: Final = PasswordHasher()
"""argon2id with the library's parameters (RFC 9106, low memory: 64 MiB, 3 passes, 4 lanes)."""
_ROOM: Final = BoundedSemaphore(2)
"""However many ask, two are hashed at a time: each takes 64 MiB."""
_NOBODY: Final = _HASHER.hash("nobody has this password")


def check_password(password: str, *names: str, words: Iterable[str] = ()) -> None:
    """Refuse a password that is too easily found.

    Args:
        password: what somebody wants to have.
        names: those of the account and the city.
        words: what else people of the place would try.

    Raises:
        BadRequest: it is short, overlong, common, or made of such names and words.
    """
    low = password.casefold()
    if len(password) < LEAST:
        raise BadRequest("the password", f"has fewer than {LEAST} characters", "take a longer one")
    if len(password) > _MOST:
        raise BadRequest("the password", f"has more than {_MOST} characters", "take a shorter one")
    if low in _COMMON or len(set(low)) < 5 or is_common(password):
        raise BadRequest("the password", "is among the first that are tried", "take another one")
    parts = (part for name in names for part in re.split(r"\W+", name))
    if len(_without(low, (*names, *parts, *WORDS, *words))) < 8:
        fact = "is made of your or the city's name, or of words that are tried first here"
        raise BadRequest("the password", fact, "take another one")


def _without(low: str, names: Iterable[str]) -> str:
    """What is left of a password without these names, the longest first."""
    for name in sorted({each.strip().casefold() for each in names}, key=len, reverse=True):
        if len(name) > 2:
            low = low.replace(name, "")
    return low


def mark(password: str) -> bytes:
    """By what a common password is known."""
    return hashlib.sha256(password.casefold().encode("utf-8", "surrogatepass")).digest()[:_MARK]


def is_common(password: str) -> bool:
    """Whether it is one of those that leaks have shown to be common."""
    return mark(password) in _marks()


@cache
def _marks() -> frozenset[bytes]:
    kept = resources.files("hansa.trust.identity").joinpath("common_passwords.bin").read_bytes()
    return frozenset(kept[i : i + _MARK] for i in range(0, len(kept), _MARK))


def hashed(password: str) -> str:
    """What of a password is kept."""
    with _ROOM:
        return _HASHER.hash(password.encode("utf-8", "surrogatepass"))


def matches(password: str, stored: str) -> bool:
    """Whether it is the password behind `stored`. Takes as long for an account that is not there ("")."""
    if len(password) > _MOST:
        return False
    try:
        with _ROOM:
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
