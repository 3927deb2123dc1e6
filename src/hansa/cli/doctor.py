"""``hansa doctor``: check the installation and a node."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hansa.cli.console import Json, Screen

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    folder: Annotated[Path | None, typer.Argument(help="A node's folder to check as well.")] = None,
    json: Json = False,
) -> None:
    """Check the installation and, if named, a node; say what is wrong and how to mend it.

    Each line is ok, warn or fail. Nothing is changed. The exit code is 1 when a line fails.

    Example: `hansa doctor my-city`
    """
    from hansa.upkeep.doctor import examine

    screen = Screen(json)
    findings = list(examine(folder))
    for finding in findings:
        mend = f"  ->  {finding.remedy}" if finding.remedy else ""
        screen.say(f"{finding.level:<5} {finding.subject}: {finding.fact}{mend}")
    failed = sum(finding.level == "fail" for finding in findings)
    if json:
        screen.data({"ok": not failed, "findings": [asdict(finding) for finding in findings]})
    if failed:
        screen.note(f"{failed} of {len(findings)} checks failed.")
        raise typer.Exit(1)
