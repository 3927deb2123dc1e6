"""The page of the commands, read from the command line's own declarations."""

from __future__ import annotations

import inspect
from typing import Any

import typer.main

from hansa.cli import app
from scripts.reference.markdown import code, page, table

_EVERYWHERE = {"help", "install_completion", "show_completion"}


def make() -> str:
    """The text of ``commands.md``."""
    group: Any = typer.main.get_command(app)
    parts = [
        "Every command takes `--json` for a result that programs read, and `--help`. It ends with 0 "
        "when it did what it was asked for, 1 when it was refused or failed (the message says what, why and "
        "what to do now), and 2 when the command line could not be understood. An import that refuses some "
        "records and takes the others in says which, and ends with 0; one that takes none in ends with 1. "
        "Progress and messages go to standard error."
    ]
    for name, command in group.commands.items():
        parts += _command(name, command)
    return page("Commands", *parts)


def _command(name: str, command: Any) -> list[str]:
    """The parts about a command; of a group, also those about each of its commands."""
    inner = getattr(command, "commands", {})
    usage = _usage(f"{name} COMMAND" if inner else name, command)
    parts = [f"## hansa {name}", usage, _text(command)]
    parts += [_parameters(command)] if command.params and not inner else []
    for word, each in inner.items():
        parts += _command(f"{name} {word}", each)
    return parts


def _usage(name: str, command: Any) -> str:
    words = ["hansa", name]
    options = any(p.param_type_name == "option" for p in command.params)
    words += ["[OPTIONS]"] if options else []
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            word = _word(parameter)
            words.append(word if parameter.required else f"[{word}]")
    return "```sh\n" + " ".join(words) + "\n```"


def _word(argument: Any) -> str:
    """An argument as the help shows it."""
    return str(argument.metavar or argument.name.upper())


def _text(command: Any) -> str:
    return inspect.cleandoc(command.help or "")


def _parameters(command: Any) -> str:
    rows = []
    for parameter in command.params:
        if parameter.name in _EVERYWHERE:
            continue
        if parameter.param_type_name == "argument":
            name = code(_word(parameter))
        else:
            name = ", ".join(code(o) for o in [*parameter.opts, *parameter.secondary_opts])
        rows.append((name, parameter.help or "", _default(parameter)))
    return table(("argument or option", "what it does", "default"), rows)


def _default(parameter: Any) -> str:
    value = parameter.default
    if value is None or value is False or callable(value) or value in ((), []):
        return "required" if parameter.required else ""
    if type(value).__name__ == "Sentinel":
        return "required" if parameter.required else ""
    return code(str(getattr(value, "value", value)))
