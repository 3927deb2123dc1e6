"""Which packages this installation lacks, by what Hansa's own metadata ask for, and how to bring them."""

from __future__ import annotations

import re
import shlex
import sys
from importlib import metadata

__all__ = ["fault", "install", "lacking", "requirements"]


def requirements() -> dict[str, list[str]]:
    """The packages of each extra by its name; under "" those that Hansa always needs."""
    found: dict[str, list[str]] = {"": []}
    for line in metadata.requires("hansa") or []:
        requirement, _, marker = line.partition(";")
        match = re.search(r"""extra\s*==\s*['"]([\w-]+)""", marker)
        found.setdefault(match.group(1) if match else "", []).append(requirement.strip())
    return found


def lacking(extra: str) -> list[str]:
    """What is wrong with the packages of an extra; nothing when it is complete, or none of Hansa's."""
    return [wrong for line in requirements().get(extra, []) if (wrong := fault(line))]


def fault(requirement: str) -> str | None:
    """What is wrong with an installed package, or ``None``."""
    match = re.match(r"([\w.-]+)(?:\[[^\]]*\])?\s*(?:>=\s*([\d.]+))?", requirement)
    name, oldest = match.groups() if match else (requirement, None)
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} is not installed"
    if oldest and _numbers(version) < _numbers(oldest):
        return f"{name} is {version}, and {oldest} or newer is needed"
    return None


def install(*extras: str, packages: tuple[str, ...] = ()) -> str:
    """The command that brings them into the environment in which this very program runs."""
    words = [*(f"hansa[{extra}]" for extra in extras), *packages]
    return shlex.join([sys.executable, "-m", "pip", "install", *words])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+", maxsplit=1)[0])[:3])
