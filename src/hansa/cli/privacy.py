"""``hansa privacy``: how people are hidden in the data of each source, how well, and what noisy counts have cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hansa.cli.console import Json, Screen, moment
from hansa.cli.reach import FolderOption, TokenOption, UrlOption, reached
from hansa.cli.work import in_node

__all__ = ["register"]

Source = Annotated[str, typer.Argument(help="The source's name in the register.")]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        help="Privacy: what becomes of data about people, how well they are hidden, what counts cost.",
        no_args_is_help=True,
    )
    for command in (show, measure, budget):
        group.command()(command)
    group.command("end-key")(end_key)
    app.add_typer(group, name="privacy")


def show(
    folder: FolderOption = Path("node"),
    url: UrlOption = None,
    token: TokenOption = None,
    json: Json = False,
) -> None:
    """List the sources that declare steps: what came in, what was withheld, and the measures.

    Example: `hansa privacy show`
    """
    screen = Screen(json)
    found = _sources(folder, url, token)
    if json:
        screen.data(found)
    rows = []
    for each in found:
        account, measures = each["account"], each["measures"] or {}
        rows.append(
            (
                each["source"],
                ", ".join(step["step"] for step in each["steps"]),
                account["read"],
                account["passed"],
                sum(account["withheld"].values()),
                measures.get("k"),
                _named(measures.get("l")),
                _named(measures.get("t")),
                moment(each["keys"]["until"]),
            )
        )
    heads = ("source", "steps", "read", "stored", "withheld", "k", "l", "t", "key ends")
    screen.table(heads, rows)


def measure(source: Source, folder: FolderOption = Path("node"), json: Json = False) -> None:
    """Measure k, l and t of what is stored of a source now; the numbers are kept and published.

    Over which attributes, the step `measure` of its record says.

    Example: `hansa privacy measure bike-trips`
    """
    found = in_node(folder, "privacy", "measure", {"source": source})
    screen = Screen(json)
    if json:
        screen.data(found)
    screen.say(f"{found['rows']:,} entities in {found['classes']:,} groups that look alike.")
    screen.say(f"k = {found['k']} (by {', '.join(found['quasi'])})")
    for name, value in found["l"].items():
        screen.say(f"l = {value} ({name})")
    for name, value in found["t"].items():
        screen.say(f"t = {value:g} ({name})")


def budget(
    folder: FolderOption = Path("node"),
    url: UrlOption = None,
    token: TokenOption = None,
    json: Json = False,
) -> None:
    """List what noisy counts of each source have cost, and how much they may.

    Example: `hansa privacy budget --url https://city.example`
    """
    screen = Screen(json)
    found = [each["budget"] for each in _sources(folder, url, token) if each["budget"]]
    if json:
        screen.data(found)
    screen.table(
        ("source", "ε spent", "of", "δ spent", "of", "begins anew", "counts", "ε ever"),
        [
            (
                each["source"],
                each["spent"]["epsilon"],
                each["epsilon"],
                each["spent"]["delta"],
                each["delta"],
                each["renews"],
                each["releases"],
                each["ever"]["epsilon"],
            )
            for each in found
        ],
    )


def end_key(source: Source, folder: FolderOption = Path("node"), json: Json = False) -> None:
    """Destroy the key of a source's pseudonyms before its time; what comes next gets another.

    Example: `hansa privacy end-key bike-trips`
    """
    found = in_node(folder, "privacy", "end-key", {"source": source})
    screen = Screen(json)
    if json:
        screen.data(found)
    was = "is destroyed" if found["destroyed"] else "was none"
    screen.say(f"The key of {source} {was}.")


def _sources(folder: Path, url: str | None, token: str | None) -> list[dict[str, Any]]:
    with reached(folder, url, token) as ask:
        found: list[dict[str, Any]] = ask("/hansa/v1/privacy", {}).json()["sources"]
    return found


def _named(values: dict[str, Any] | None) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in (values or {}).items())
