"""How this program was called."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

__all__ = ["program"]


def program() -> str:
    """How this program was called, so that a command it suggests can be copied as it stands."""
    called = sys.argv[0]
    known = shutil.which("hansa")
    if Path(called).name != "hansa" or (known and Path(called).samefile(known)):
        return "hansa"
    return called
