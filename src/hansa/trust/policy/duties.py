"""Obligations as they travel with an answer, and as the log has them. Pure.

They are a list of structured fields (RFC 9651), for example ``attribution;text="City of Visby", delete;after="P30D",
no-transfer``: told to whoever gets the data, in the header ``Hansa-Obligations``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hansa.trust.policy.view import Obligation

__all__ = ["HEADER", "codes", "header"]

HEADER: Final = "Hansa-Obligations"

_PARAMETER: Final = {"attribution": "text", "delete": "after"}


def header(obligations: Iterable[Obligation]) -> str:
    """The value of the header; "" without obligations."""
    return ", ".join(dict.fromkeys(map(_item, obligations)))


def _item(duty: Obligation) -> str:
    parameter = _PARAMETER.get(duty.kind)
    return duty.kind if parameter is None else f"{duty.kind};{parameter}={_text(duty.text)}"


def _text(text: str) -> str:
    """A String, or where it is not of ASCII a Display String."""
    if text.isascii() and text.isprintable():
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}"'
    told = "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b'%"' else f"%{byte:02x}"
        for byte in text.encode("utf-8", "replace")
    )
    return f'%"{told}"'


def codes(obligations: Iterable[Obligation]) -> tuple[str, ...]:
    """How the log names them: without texts, which may be long."""
    found = (
        f"duty:{duty.kind}:{duty.text}" if duty.kind == "delete" else f"duty:{duty.kind}"
        for duty in obligations
    )
    return tuple(dict.fromkeys(found))
