"""Inputs led by the code that they reach (atheris, libFuzzer).

What a client, a source or a broker writes is read by parsers that know no network: the languages of queries,
geometries, times, @contexts, entities, history, links, entities of NGSIv2, and policies. The fuzzer sees which lines
of them an input reaches, and changes those that reached something new. A parser may refuse; whatever else
it raises is a fault, and so are a hang and a crash. Needs the package ``atheris``, which has no place in
the environment of the tests; it is passed over, by name, where it is not there.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.util import find_spec
from random import Random
from typing import Final

from benchmarks.fuzz.parsers import SECONDS
from benchmarks.fuzz.throw import Result

__all__ = ["MISSING", "is_there", "throw_guided"]

MISSING: Final = "guided: not thrown, for the package atheris is missing (pip install atheris)"


def is_there() -> bool:
    """Whether the fuzzer is installed."""
    return find_spec("atheris") is not None


def throw_guided(random: Random, count: int) -> Result:
    """Have the fuzzer try `count` inputs, in a process of its own, for it ends the one that it runs in."""
    result = Result()
    seed = str(random.randrange(1, 2**31))
    with tempfile.TemporaryDirectory(prefix="hansa-fuzz-") as place:
        command = [sys.executable, "-m", "benchmarks.fuzz.parsers", seed, str(count), place]
        done = subprocess.run(
            command, capture_output=True, timeout=SECONDS + 60, check=False, errors="replace"
        )
    if done.returncode == 0:
        result.counts["guided", "taken or refused"] += count
    else:
        result.counts["guided", "fault"] += 1
        result.faults.append(f"guided, seed {seed}: {done.stderr[-3_000:]}")
    return result
