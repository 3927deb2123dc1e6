"""UN/CEFACT codes for units that sources write otherwise: as a symbol, a UCUM code or a name.

Only what means the same is translated; for anything else there is no code, and the caller keeps the words.
"""

from __future__ import annotations

import re
from functools import cache

from hansa.kernel.units import units

__all__ = ["unit_code"]

_UCUM = {
    "Cel": "CEL", "degC": "CEL", "[degF]": "FAH", "K": "KEL", "m": "MTR", "km": "KMT", "cm": "CMT",
    "mm": "MMT", "m/s": "MTS", "km/h": "KMH", "Pa": "PAL", "hPa": "A97", "kPa": "KPA", "bar": "BAR",
    "mbar": "MBR", "%": "P1", "deg": "DD", "W": "WTT", "kW": "KWT", "W.h": "WHR", "kW.h": "KWH",
    "kWh": "KWH", "V": "VLT", "A": "AMP", "Hz": "HTZ", "lx": "LUX", "g": "GRM", "kg": "KGM", "L": "LTR",
    "l": "LTR", "m3": "MTQ", "m2": "MTK", "s": "SEC", "min": "MIN", "h": "HUR", "d": "DAY", "dB": "2N",
    "dB(A)": "2N", "dBA": "2N", "ug/m3": "GQ", "mg/m3": "GP", "[ppm]": "59", "ppm": "59", "[ppb]": "61",
    "ppb": "61", "W/m2": "D54", "m3/s": "MQS", "m3/h": "MQH", "uS/cm": "", "dBm": "DBM",
}  # fmt: skip


@cache
def _known() -> dict[str, str]:
    """Spellings of all units, folded, to codes; one that means two units is left out."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for code, unit in units().items():
        for spelling in {_folded(unit.name)}:
            if found.setdefault(spelling, code) != code:
                twice.add(spelling)
    by_symbol: dict[str, str] = {}
    for code, unit in units().items():
        if unit.symbol and by_symbol.setdefault(_plain(unit.symbol), code) != code:
            twice.add(_plain(unit.symbol))
    ucum = {_plain(text): code for text, code in _UCUM.items() if code in units()}
    return {k: v for k, v in (found | by_symbol).items() if k not in twice} | ucum


def _plain(text: str) -> str:
    """A symbol with one way to write micro, squares and cubes; letters keep their case."""
    for written, meant in (
        ("µ", "u"),
        ("μ", "u"),
        ("²", "2"),
        ("³", "3"),
        ("·", "."),
        ("°C", "Cel"),
    ):
        text = text.replace(written, meant)
    return "".join(text.split()).replace("^", "")


def _folded(text: str) -> str:
    return "name:" + "".join(char for char in text.lower() if char.isalnum())


def unit_code(*spellings: str) -> str | None:
    """The code of the first spelling (code, symbol, UCUM, name, or an address that ends with one)."""
    for spelling in spellings:
        text = spelling.strip()
        if not text:
            continue
        if text in units():
            return text
        last = (
            re.split(r"[/#]", text.removeprefix("ucum:").rstrip("/"))[-1] if ":" in text else text
        )
        for key in (_plain(last), _folded(last)):
            if (code := _known().get(key)) is not None:
                return code
    return None
