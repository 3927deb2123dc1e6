"""Reading settings from where people write them, and writing the first settings file.

The order of :mod:`hansa.kernel.settings` is applied here: file, environment, flags. Values from the
environment are text and are parsed by the option's type; values from the file and from flags have
their type already and are only checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from hansa.kernel.settings import OPTIONS, Option, Settings, SettingsError
from hansa.kernel.toml import TOMLDecodeError, parsed

__all__ = ["SETTINGS_FILE", "load", "template"]

SETTINGS_FILE: Final = "hansa.toml"

_PREFIX: Final = "HANSA_"
_NOT_SETTINGS: Final = frozenset({"HANSA_TOKEN", "HANSA_DEMO_CACHE"})
"""Variables of ours that belong to a client or to the demonstration, not to a node."""

_YES: Final = {"1": True, "true": True, "yes": True, "on": True}
_NO: Final = {"0": False, "false": False, "no": False, "off": False}


def load(
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings of the node in `folder`.

    Args:
        folder: its ``hansa.toml`` is read if there is one.
        environment: variables that begin with ``HANSA_`` are read.
        flags: values by option name; ``None`` stands for a flag that was not given.

    Raises:
        SettingsError: an unknown option, a wrong type, a value out of bounds, or broken TOML.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for found, places in (
        _from_file(folder / SETTINGS_FILE) if folder else ({}, {}),
        _from_environment(environment or {}),
        _from_flags(flags or {}),
    ):
        values.update(found)
        origins.update(places)
    return Settings(**values, origins=MappingProxyType(origins))


_Found = tuple[dict[str, Any], dict[str, str]]


def _from_file(path: Path) -> _Found:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}, {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(path.name, f"cannot be read ({error})", "mend the file") from error
    try:
        document = parsed(text)
    except TOMLDecodeError as error:
        raise SettingsError(path.name, f"is not TOML: {error}", "mend that line") from error
    values, places = {}, {}
    for name, value in document.items():
        places[name] = f"{path.name}, line {_line(text, name)}"
        values[name] = _checked(_known(name, places[name]), value, places[name])
    return values, places


def _line(text: str, name: str) -> int:
    """The line on which the key or table `name` stands, counted from 1."""
    pattern = re.compile(rf"""^\s*(?:\[\s*)?["']?{re.escape(name)}["']?\s*[=\].]""")
    for number, line in enumerate(text.splitlines(), 1):
        if pattern.match(line):
            return number
    return 1


def _from_environment(environment: Mapping[str, str]) -> _Found:
    values, places = {}, {}
    for variable, text in environment.items():
        if variable.startswith(_PREFIX) and variable not in _NOT_SETTINGS:
            option = _known(variable.removeprefix(_PREFIX).lower(), f"environment, {variable}")
            place = f"environment, {variable}"
            values[option.name] = _checked(option, _parsed(option, text, place), place)
            places[option.name] = place
    return values, places


def _from_flags(flags: Mapping[str, Any]) -> _Found:
    given = {name: value for name, value in flags.items() if value is not None}
    places = {name: f"flag --{name.replace('_', '-')}" for name in given}
    values = {n: _checked(_known(n, places[n]), v, places[n]) for n, v in given.items()}
    return values, places


def _known(name: str, place: str) -> Option:
    if name in OPTIONS:
        return OPTIONS[name]
    near = get_close_matches(name, OPTIONS, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise SettingsError(
        f"setting '{name}' ({place})",
        "there is no such setting",
        f"{hint}All of them stand in the reference, and in a file that `hansa init` writes",
    )


def _parsed(option: Option, text: str, place: str) -> Any:
    """The value that `text` means for an option of this type."""
    match option.type:
        case "integer":
            return int(text) if re.fullmatch(r"-?\d+", text.strip()) else text
        case "yes/no":
            return {**_YES, **_NO}.get(text.strip().lower(), text)
        case "list":
            return [part for part in re.split(r"[,\s]+", text) if part]
        case "table":
            pairs = [part.partition("=") for part in text.split()]
            if not all(middle for _, middle, _ in pairs):
                raise _wrong(option, text, place)
            return {key: value for key, _, value in pairs}
        case _:
            return text


def _checked(option: Option, value: Any, place: str) -> Any:
    """`value` as the option holds it, or an error when it has another type or is out of bounds."""
    match option.type:
        case "text" if isinstance(value, str):
            return value
        case "yes/no" if isinstance(value, bool):
            return value
        case "integer" if isinstance(value, int) and not isinstance(value, bool):
            if option.low <= value <= option.high:
                return value
            raise SettingsError(
                f"setting '{option.name}' ({place})",
                f"{value} is out of bounds",
                f"use {option.low} to {option.high}",
            )
        case "list" if isinstance(value, list | tuple) and all(isinstance(v, str) for v in value):
            return tuple(value)
        case "table" if isinstance(value, Mapping) and all(
            isinstance(v, str) for v in value.values()
        ):
            return MappingProxyType(dict(value))
    raise _wrong(option, value, place)


_WANTED: Final = {
    "text": "a text",
    "integer": "a whole number",
    "yes/no": "true or false",
    "list": "a list of texts",
    "table": "a table of texts",
}


def _wrong(option: Option, value: Any, place: str) -> SettingsError:
    return SettingsError(
        f"setting '{option.name}' ({place})",
        f"{value!r} is not {_WANTED[option.type]}",
        f"write it like: {option.name} = {option.example}",
    )


def template(values: Mapping[str, Any]) -> str:
    """The text of a settings file: `values` set, every other option explained and commented out.

    It reads back to exactly `values`.
    """
    parts = [
        "# Settings of this node. Each option stands here with its default; remove the # to set it.",
        "# The environment (HANSA_...) and flags of the command line win over this file.",
    ]
    for option in OPTIONS.values():
        parts.append("")
        parts += [f"# {line}" for line in _wrapped(option.help)]
        if option.name in values:
            parts.append(f"{option.name} = {toml(values[option.name])}")
        else:
            parts.append(f"# Example: {option.example}")
            parts.append(f"# {option.name} = {toml(option.default)}")
    return "\n".join(parts) + "\n"


def _wrapped(text: str, width: int = 96) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if len(line) + len(word) >= width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line]


def toml(value: Any) -> str:
    """`value` in TOML's notation."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        inner = ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return "[" + ", ".join(toml(item) for item in value) + "]"
