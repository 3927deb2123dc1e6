"""Install Hansa with some of its extras, saying one line a step; pip's own words only when it fails.

``python scripts/install.py demo test`` installs into the environment of that Python. It needs nothing
that Python does not bring along, because nothing else is there yet.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TextIO

__all__ = ["install", "steps"]

_STEPS: Final = (
    (r"Collecting ", "finding out which packages are needed"),
    (r"\s*(Downloading|Using cached) (?!.*\.metadata)", "fetching them"),
    (r"\s*Building (wheel|editable)", "building what comes as source, Hansa among it"),
    (r"Installing collected packages: (?P<names>.*)", "putting {count} packages in place"),
)
"""How the lines begin with which pip starts a step, and what the step is called here."""


def steps(lines: Iterable[str]) -> Iterator[str]:
    """The steps that pip's lines tell of, each when it begins and once."""
    waiting = dict(_STEPS)
    for line in lines:
        for pattern, words in list(waiting.items()):
            if match := re.match(pattern, line):
                del waiting[pattern]
                names = match.groupdict().get("names", "")
                yield words.format(count=len(names.split(",")))


def install(command: Sequence[str], what: str, out: TextIO, err: TextIO) -> int:
    """Run pip's `command`; its exit code. What it says is shown whole if it fails, and else not at all."""
    said: list[str] = []

    def heard(lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            said.append(line)
            yield line

    begun = time.monotonic()
    print(f"Installing {what} (the first time may take some minutes)", file=out, flush=True)
    with subprocess.Popen(  # noqa: S603 - fixed words, and the extras that the Makefile names
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as pip:
        for step in steps(heard(pip.stdout or ())):
            print(f"  {step} ...", file=out, flush=True)
    if pip.returncode:
        err.write("".join(said))
        print(f"pip could not install {what}; what it said stands above.", file=err)
    else:
        print(f"  done, in {time.monotonic() - begun:.0f} s", file=out)
    return pip.returncode


def main(extras: Sequence[str]) -> int:
    """Install this folder with `extras`, so that changes in it are in effect at once."""
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command = [*pip, "--progress-bar", "off", "--editable", f".[{','.join(extras)}]"]
    return install(command, f"Hansa with: {', '.join(extras)}", sys.stdout, sys.stderr)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
