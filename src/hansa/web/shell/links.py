"""Which addresses a page may link to."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["web_link"]

_WEB: Final = re.compile(r"https?://[^\s<>\"'`\\\x00-\x1f]{1,2000}", re.IGNORECASE)


def web_link(value: object) -> str:
    """`value` when it is an http or https address, else ""."""
    text = str(value)
    return text if _WEB.fullmatch(text) else ""
