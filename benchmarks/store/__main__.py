"""Run the measurements named on the command line, or all."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.store import reading, writing
from benchmarks.store.gauge import machine

GROUPS = {"write": writing.measure, "read": reading.measure}


def main(names: list[str]) -> None:
    """Measure in a folder that is removed afterwards."""
    print(machine())
    for name in names or GROUPS:
        with tempfile.TemporaryDirectory(prefix="hansa-store-") as folder:
            GROUPS[name](Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
