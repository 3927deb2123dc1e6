"""Keys and passwords that a source asks for: named where they are used, never written there.

Options, addresses and mapping files stand in entities, which anyone may read. So they hold only where a
secret is to be found when it is needed: ``$NAME`` is an environment variable of the node, ``@/path`` a
file (as systemd and containers hand them over). What looks like a secret written out is refused.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from hansa.kernel.errors import BadRequest

__all__ = ["address_without_secrets", "filled_address", "header", "reveal", "secrets_in"]

_NAME: Final = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_VALUE: Final = re.compile(r"(?<==)\$([A-Z_][A-Z0-9_]*)(?=&|$)")
_SECRET_WORDS: Final = re.compile(
    r"(?i)(api|app|access|auth|subscription)?[-_]?(key|token|secret)$|^pass"
)


def reveal(reference: str, option: str) -> str:
    """The secret behind ``$NAME`` or ``@/path``; empty where nothing is asked for.

    Raises:
        BadRequest: it is neither, or there is nothing there. What was written is not repeated.
    """
    if not reference:
        return ""
    if _NAME.fullmatch(reference):
        value = os.environ.get(reference[1:])
        if value is None:
            raise BadRequest(
                f"option '{option}'",
                f"the environment variable {reference} is not set",
                "set it before the node is started",
            )
        return value
    if reference.startswith("@"):
        try:
            return Path(reference[1:]).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError, ValueError):
            raise BadRequest(
                f"option '{option}'", "names a file that cannot be read", "check path and rights"
            ) from None
    raise BadRequest(
        f"option '{option}'",
        "must not hold a secret itself, because options can be read by anyone",
        "write $NAME for an environment variable of the node, or @/path/of/a/file",
    )


def header(template: str, option: str) -> dict[str, str]:
    """A header from ``Name: $VARIABLE`` (words may stand before it, as in ``Bearer $TOKEN``).

    Raises:
        BadRequest: it is not written like that, or the variable is not set.
    """
    if not template:
        return {}
    name, colon, value = template.partition(":")
    words, _, reference = value.strip().rpartition(" ")
    if not colon or not reference.startswith(("$", "@")):
        raise BadRequest(
            f"option '{option}'",
            "is not written as 'Name: $VARIABLE'",
            "name the environment variable that holds the value",
        )
    return {name.strip(): f"{words} {reveal(reference, option)}".strip()}


def address_without_secrets(address: str) -> str:
    """`address`, which may be shown to anyone: it holds no user name, password or key.

    Raises:
        BadRequest: it does.
    """
    subject = "the address of the source"
    try:
        parts = urlsplit(address)
        named = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        raise BadRequest(subject, "is not a URL", "write it like https://example.org/") from None
    if "@" in parts.netloc:
        raise BadRequest(subject, "holds a user name or password", "give them with the options")
    for name, value in named:
        if value and _SECRET_WORDS.search(name) and not _NAME.fullmatch(value):
            raise BadRequest(
                f"{subject}, parameter '{name}'",
                "looks like a secret, and addresses of sources can be read by anyone",
                f"write {name}=$NAME for an environment variable of the node",
            )
    return address


def filled_address(address: str) -> str:
    """`address` with the environment variables in their places: values like ``$NAME``, in capitals."""
    place, mark, query = address.partition("?")
    if not mark:
        return address
    return f"{place}?{_VALUE.sub(lambda found: quote(_revealed(found[0]), safe=''), query)}"


def secrets_in(address: str) -> list[str]:
    """What :func:`filled_address` puts into it, so that it can be kept out of messages."""
    return [_revealed(found[0]) for found in _VALUE.finditer(address.partition("?")[2])]


def _revealed(reference: str) -> str:
    return reveal(reference, "address of the source")
