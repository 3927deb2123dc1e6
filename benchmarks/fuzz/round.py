"""``python -m benchmarks.fuzz.round KIND SEED COUNT``: one round, in a process of its own.

The last line that it prints is what became of it, as JSON.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import sys
import tempfile
import warnings
from pathlib import Path
from random import Random

from benchmarks.fuzz.throw import Result, opened, throw

__all__ = ["KINDS", "play"]

KINDS = ("operations", "mutants", "pages", "files", "sources", "commands", "guided")


def play(kind: str, seed: int, count: int) -> Result:
    """One round of a kind."""
    random = Random(f"{kind} {seed}")
    if kind == "files":
        from benchmarks.fuzz.files import throw_files

        return throw_files(random, count)
    if kind == "sources":
        from benchmarks.fuzz.files import throw_sources

        return throw_sources(random, count)
    if kind == "commands":
        from benchmarks.fuzz.commands import throw_commands

        return throw_commands(random, count)
    if kind == "guided":
        from benchmarks.fuzz.guided import throw_guided

        return throw_guided(random, count)
    with opened() as node:
        if kind == "pages":
            from benchmarks.fuzz.pages import Pages, build_town

            with tempfile.TemporaryDirectory() as place:
                ids = build_town(node, Path(place))
            return throw(node, Pages(random, ids), count)
        from benchmarks.fuzz.mutants import Mutants
        from benchmarks.fuzz.requests import Requests

        return throw(node, Mutants(random) if kind == "mutants" else Requests(random), count)


def main() -> None:
    """The command."""
    kind, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    faulthandler.enable()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    result = play(kind, seed, count)
    counts = [[what, how, number] for (what, how), number in sorted(result.counts.items())]
    print(json.dumps({"counts": counts, "faults": result.faults, "memory": result.memory}))


if __name__ == "__main__":
    main()
