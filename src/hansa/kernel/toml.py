"""TOML that others wrote: whatever is wrong with it is said as one kind of error."""

from __future__ import annotations

import tomllib
from typing import Any

__all__ = ["TOMLDecodeError", "parsed"]

TOMLDecodeError = tomllib.TOMLDecodeError


def parsed(text: str) -> dict[str, Any]:
    """What a document says.

    Raises:
        TOMLDecodeError: it is no TOML, is nested too deeply, or holds a number of thousands of digits.
    """
    try:
        return tomllib.loads(text)
    except TOMLDecodeError:
        raise
    except RecursionError:
        raise TOMLDecodeError("it is nested too deeply") from None
    except ValueError as fault:
        raise TOMLDecodeError("it holds a value that is too long") from fault
