"""Command lines that are wrong: every command but ``serve`` and ``demo``, with garbage for its options.

In this process, in a folder of its own, with a small node in it. A command may fail, with exit status 1
and a sentence, or 2 and its usage; it must not raise. Values that lead out of the folder are left out.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from random import Random
from typing import Any, Final

import typer
from click import Group
from typer.testing import CliRunner

from benchmarks.fuzz.requests import TEXTS
from benchmarks.fuzz.throw import Result, resident_kib
from hansa.cli.app import app
from hansa.kernel.folder import Folder
from hansa.kernel.settings_file import template

__all__ = ["throw_commands"]

_SERVING: Final = frozenset({"serve", "demo"})
_GOOD: Final = (
    "node",
    "a.csv",
    "a.toml",
    "PT1H",
    "P1D",
    "5",
    "urn:x:1",
    "T",
    "table",
    "gtfs",
    "--",
    "name=1",
)
_VALUES: Final = (
    *(t for t in TEXTS if "\0" not in t and ".." not in t and t[:1] not in ("/", "~")),
    "\udcff", "-x", "--help", "\x1b[31m", "\r\n", "=", "node/hansa.toml", "2147483648",
)  # fmt: skip


def throw_commands(random: Random, count: int) -> Result:
    """Run `count` commands."""
    result = Result()
    root: Any = typer.main.get_command(app)
    commands = _leaves(root, ())
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="hansa-fuzz-") as place:
        os.chdir(place)
        try:
            Folder.create(Path("node"), template({"city": "Fuzz"}))
            Path("a.csv").write_text("entity,type,attribute,time,value\nurn:x:1,T,a,2025-01-01,1\n")
            Path("a.toml").write_text('type = "T"\nid = "{entity}"\n')
            for number in range(count):
                if number % max(count // 10, 1) == 0:
                    result.memory.append(resident_kib())
                _one(random, *random.choice(commands), result)
            result.memory.append(resident_kib())
        finally:
            os.chdir(before)
    return result


def _leaves(group: Any, names: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    found = []
    for name, command in group.commands.items():
        if isinstance(command, Group) or hasattr(command, "commands"):
            found += _leaves(command, (*names, name))
        elif name not in _SERVING:
            found.append(((*names, name), command))
    return found


def _one(random: Random, names: tuple[str, ...], command: Any, result: Result) -> None:
    words = [*names]
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            words += [_value(random)] if random.random() < 0.9 else []
        elif "--folder" in parameter.opts:
            words += ["--folder", "node"] if random.random() < 0.8 else []
        elif random.random() < 0.25:
            words.append(random.choice(parameter.opts))
            words += [] if parameter.is_flag else [_value(random)]
    if random.random() < 0.1:
        words.insert(random.randint(1, len(words)), _value(random))
    found = CliRunner().invoke(app, words)
    raised = found.exception is not None and not isinstance(found.exception, SystemExit)
    fault = f"{found.exception!r}: {words!r}" if raised or found.exit_code not in (0, 1, 2) else ""
    how = "exception" if raised else f"exit {found.exit_code}"
    result.add(f"command {' '.join(names)}", how, fault)


def _value(random: Random) -> str:
    return random.choice(_GOOD if random.random() < 0.5 else _VALUES)
