"""``python -m benchmarks.fuzz``: throw hostile requests, files and commands at nodes, and count how they end.

In rounds; each has a process and a node of its own, so that a crash is seen and costs one round. Requests
go straight into the application, some at once, without sockets. Kinds of rounds, in turn:

- ``operations``: requests of every operation of the API, with parts replaced by hostile values;
- ``mutants``: requests that were answered, with bytes and values changed, led by new answers;
- ``pages``: pages, tiles, downloads and live streams;
- ``files``, ``sources``, ``commands``: tables of the past, what spokes read, and command lines;
- ``guided``: what the parsers read, led by the code that it reaches, where the package atheris is installed.

The exit status is 1 when something broke: each such thing is shown with its round, and
``python -m benchmarks.fuzz.round KIND SEED COUNT`` repeats that round. With ``--book FILE`` the counts are
kept, and a run that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.fuzz.book import Book
from benchmarks.fuzz.guided import MISSING, is_there

_REQUESTS: Final = ("operations", "mutants", "pages")
_TURN: Final = (
    *[(kind, 10_000) for kind in ("operations", "mutants") * 4],
    ("operations", 10_000),
    ("pages", 5_000),
    ("files", 100),
    ("sources", 1_000),
    ("commands", 100),
    ("guided", 100_000),
)
_LONGEST: Final = 1_800
"""Seconds that a round may take."""


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Throw hostile requests at nodes.")
    parser.add_argument("--requests", type=int, default=100_000, help="requests to throw in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--book", type=Path, help="where counts are kept, to go on from")
    parser.add_argument(
        "--kind", choices=sorted({kind for kind, _ in _TURN}), help="only this kind"
    )
    options = parser.parse_args()
    book = Book(options.book, options.seed)
    number = 0
    if not is_there() and options.kind in (None, "guided"):
        print(MISSING, file=sys.stderr)
        if options.kind == "guided":
            return 2
    wanted = (options.kind,) if options.kind else _REQUESTS
    while book.total(wanted) < options.requests:
        kind, count = _TURN[number % len(_TURN)]
        number += 1
        seed = options.seed * 100_000 + number
        name = f"{kind} {seed} {count}"
        absent = kind == "guided" and not is_there()
        if name not in book.rounds and options.kind in (None, kind) and not absent:
            began = time.perf_counter()
            told = _play(name)
            book.add(name, kind, told, time.perf_counter() - began)
            for fault in told["faults"]:
                print(f"{name}: {fault}", flush=True)
            print(f"{name}: {len(told['faults'])} faults; {book.total(wanted):,}", file=sys.stderr)
    rate = book.total(wanted) / max(book.seconds, 1e-9)
    print(f"{book.total(wanted):,} thrown, {book.seconds:,.0f} s ({rate:.0f}/s), seed {book.seed}")
    print("\n".join(book.table()))
    print(f"{len(book.faults)} broke something")
    return 1 if book.faults else 0


def _play(name: str) -> dict[str, Any]:
    """One round in a process of its own; one that dies is a fault."""
    command = [sys.executable, "-m", "benchmarks.fuzz.round", *name.split()]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        return _died(name, f"the round did not end within {_LONGEST} s")
    if done.returncode:
        return _died(name, f"exit status {done.returncode}: {done.stderr[-1500:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def _died(name: str, fault: str) -> dict[str, Any]:
    kind, _, count = name.split()
    how = [[f"a round of {count} {kind}", "died", 1]]
    return {"counts": how, "faults": [fault], "memory": []}


if __name__ == "__main__":
    sys.exit(main())
