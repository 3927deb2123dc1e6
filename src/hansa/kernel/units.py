"""Units of measurement by their UN/CEFACT common codes, as ``unitCode`` carries them.

The table ``units.csv`` beside this module holds the codes that cities use: code, symbol, name,
dimension, and the factor and offset that lead to the dimension's SI unit (``si = value * factor +
offset``). Codes and names are those of UN/CEFACT Recommendation 20, revision 17 (2021); factors are
exact where a definition is. Recommendation 20 misprints those of H66, H67 and P71 to P73 (by powers of
ten); here they follow from the units' definitions. ARE, HAR and HN are deprecated there, but common.

A unit whose code is not in the table keeps its code as its symbol, and cannot be converted.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from hansa.kernel.errors import BadRequest

__all__ = ["Unit", "convert", "find_unit", "symbol", "units"]


@dataclass(frozen=True, slots=True)
class Unit:
    """One row of the table."""

    code: str
    symbol: str
    name: str
    dimension: str
    factor: float
    offset: float


@cache
def units() -> dict[str, Unit]:
    """Every unit of the table by code. Not to be changed."""
    text = files("hansa.kernel").joinpath("units.csv").read_text(encoding="utf-8")
    return {
        row["code"]: Unit(
            row["code"],
            row["symbol"],
            row["name"],
            row["dimension"],
            float(row["factor"]),
            float(row["offset"]),
        )
        for row in csv.DictReader(text.splitlines())
    }


def symbol(code: str) -> str:
    """What stands beside a number, for example ``km/h`` for KMH; an unknown code stands for itself."""
    found = units().get(code)
    return code if found is None else found.symbol


def find_unit(code: str) -> Unit:
    """The unit of a common code.

    Raises:
        BadRequest: the code is not in the table.
    """
    found = units().get(code)
    if found is None:
        raise BadRequest(
            f"unit code {str(code)[:20]!r}",
            "is not known here",
            "use a UN/CEFACT common code such as KMH or CEL",
        )
    return found


def convert(value: float, source: str, target: str) -> float:
    """`value` in another unit of the same dimension.

    Args:
        value: in units of `source`; a temperature is a point on the scale, not a difference.
        source, target: common codes.

    Raises:
        BadRequest: a code is unknown, the dimensions differ, or the result is not finite.
    """
    start, end = find_unit(source), find_unit(target)
    if start.dimension != end.dimension:
        raise BadRequest(
            f"conversion from {source} to {target}",
            f"{start.name} is a {start.dimension}, {end.name} a {end.dimension}",
            "name two units of one dimension",
        )
    if start == end:
        return value
    found = (value * start.factor + start.offset - end.offset) / end.factor
    if not math.isfinite(found):
        raise BadRequest(
            f"conversion from {source} to {target}", "the result is not a finite number"
        )
    return found
