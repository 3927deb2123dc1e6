"""How this program was called, and what it leaves behind should it crash."""

from __future__ import annotations

import ctypes
import resource
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["leave_no_dump", "program"]

_SET_DUMPABLE: Final = 4


def program() -> str:
    """How this program was called, so that a command it suggests can be copied as it stands."""
    called = sys.argv[0]
    known = shutil.which("hansa")
    if Path(called).name != "hansa" or (known and Path(called).samefile(known)):
        return "hansa"
    return called


def leave_no_dump() -> None:
    """From now on the process leaves no image of its memory on the disk when it crashes.

    What passes through memory before its steps are done, and keys, would stand there. The limit of dumps alone is not
    enough: the system passes it over where it hands dumps to a program (systemd-coredump, apport), so the process is marked
    as one that is not to be dumped, too.
    """
    with suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    with suppress(OSError, AttributeError):  # Linux alone has it
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)
