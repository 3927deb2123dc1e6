"""What went wrong while sources were asked, as NGSILD-Warning headers (clause 6.3.17)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["Code", "Warned", "header"]

Code = Literal[110, 111, 199, 299]
"""110 the answer was kept from before; 111 it was not valid; 199 there was none; 299 it was an error."""

_TITLES: Final[dict[int, str]] = {
    110: "Response is Stale",
    111: "Revalidation Failed",
    199: "Miscellaneous Warning",
    299: "Miscellaneous Persistent Warning",
}


@dataclass(frozen=True, slots=True)
class Warned:
    """One abnormal outcome: which registration (none: it is this node's), what, and in words safe to show."""

    code: Code
    registration: str
    fact: str


def header(warned: Warned, alias: str) -> str:
    """The value of an NGSILD-Warning header, in the form of the Warning header (RFC 7234)."""
    who = f"registration {warned.registration}: " if warned.registration else ""
    text = f"{_TITLES[warned.code]}: {who}{warned.fact}"
    plain = text.encode("ascii", "replace").decode().replace("\\", "/").replace('"', "'")
    return f'{warned.code} {alias} "{"".join(c if c.isprintable() else " " for c in plain)[:400]}"'
