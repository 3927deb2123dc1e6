"""``hansa source``: where data come from, who answers for it, and what for. No record, no data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hansa.cli.console import Json, Screen
from hansa.cli.declaring import record_from, template_lines
from hansa.cli.learning import learned
from hansa.cli.reach import FolderOption
from hansa.cli.sign import sign
from hansa.cli.work import in_node
from hansa.kernel.errors import InvalidRequest, NotFound

__all__ = ["register"]

Name = Annotated[str, typer.Argument(help="The source's name: that of its import.")]
File = Annotated[Path, typer.Argument(help="Its record, as TOML or JSON (see `template`).")]
SpokeOption = Annotated[
    str, typer.Option("--spoke", help="The kind of source, whose manifest knows some of it.")
]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        help="The register of sources: where data come from, who answers for it, and what for.",
        no_args_is_help=True,
    )
    for command in (show, template, declare, check, withdraw, restore, sign):
        group.command()(command)
    group.command("list")(list_all)
    app.add_typer(group, name="source")


def list_all(folder: FolderOption = Path("node"), json: Json = False) -> None:
    """List the sources: who answers for each, on what basis, and how long its data are kept.

    Example: `hansa source list`
    """
    Screen(json).records(
        ("source", "name", "status", "accountable", "basis", "kept for", "version"),
        [
            (
                each["id"],
                each["name"],
                each["status"],
                each["accountable"],
                each["lawful_basis"],
                each["retention_period"],
                each["version"],
            )
            for each in in_node(folder, "sources", "list", {})["sources"]
        ],
    )


def show(
    name: Name,
    folder: FolderOption = Path("node"),
    version: Annotated[int, typer.Option(help="An earlier version; default: the present one.")] = 0,
    json: Json = False,
) -> None:
    """Show a record, also as it was.

    Example: `hansa source show helsinki-map`
    """
    found = in_node(folder, "sources", "versions", {"id": name})["versions"]
    record = next((each for each in found if version in (0, each["version"])), None)
    if record is None:
        raise NotFound(f"source {name[:100]}", f"has no version {version}")
    screen = Screen(json)
    if json:
        screen.data(record)
        return
    screen.fields(record)


def template(
    name: Name,
    spoke: SpokeOption = "",
    mapping: Annotated[
        Path | None,
        typer.Option(
            help="Of a table: its mapping, which tells kinds of data and what is personal."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Print a record (TOML) to fill in: what the kind of source knows stands there, the rest is explained.

    Example: `hansa source template trees --spoke table --mapping trees.toml > trees.source.toml`
    """
    known = _known(spoke)
    if mapping is not None:
        if spoke != "table":
            raise InvalidRequest("option --mapping", "goes with --spoke table only", "leave it out")
        known = learned(known, mapping)
    if json:
        Screen(json).data(known)
        return
    typer.echo(
        f"# The record of the source '{name}'. Declare it with: hansa source declare {name} FILE"
    )
    for line in template_lines(known):
        typer.echo(line)


def declare(
    name: Name,
    file: File,
    folder: FolderOption = Path("node"),
    spoke: SpokeOption = "",
    json: Json = False,
) -> None:
    """Put a record into the register, or a new version in the place of the one that is there.

    What is missing is named, all of it at once. What no city may collect is refused, with the article.

    Example: `hansa source declare trees trees.source.toml --folder my-city`
    """
    record = record_from(file, spoke)
    _tell(Screen(json), in_node(folder, "sources", "declare", {"id": name, "record": record}))


def check(file: File, spoke: SpokeOption = "", json: Json = False) -> None:
    """Check a record without declaring it; needs no node.

    Example: `hansa source check trees.source.toml --spoke table`
    """
    from hansa.spokes.registry import known_of
    from hansa.trust.sources.record import checked
    from hansa.trust.sources.register import filled

    screen = Screen(json)
    found = checked(filled(record_from(file, spoke), known_of))
    screen.say("Nothing is missing.")
    if json:
        screen.data(found)


def withdraw(name: Name, folder: FolderOption = Path("node"), json: Json = False) -> None:
    """End a source: its record stays to be read, and nothing comes in from it any more.

    Example: `hansa source withdraw trees`
    """
    _tell(Screen(json), in_node(folder, "sources", "withdraw", {"id": name}))


def restore(
    name: Name,
    version: Annotated[int, typer.Argument(help="The version to declare again.")],
    folder: FolderOption = Path("node"),
    json: Json = False,
) -> None:
    """Declare an earlier version of a record again: takes a change or a withdrawal back.

    Example: `hansa source restore trees 1`
    """
    given = {"id": name, "version": version}
    _tell(Screen(json), in_node(folder, "sources", "restore", given))


def _known(spoke: str) -> dict[str, Any]:
    from hansa.spokes.registry import find_spoke, known_of
    from hansa.trust.sources.register import filled

    if not spoke:
        return {}
    return dict(filled({"adapter": find_spoke(spoke).manifest.name}, known_of))


def _tell(screen: Screen, record: dict[str, Any]) -> None:
    word = "Declared" if record["status"] == "declared" else "Withdrew"
    screen.say(
        f"{word} {record['id']} ({record['name']}), version {record['version']}; the log has an entry of it."
    )
    if (trouble := record.get("notShown")) is not None:
        screen.note(f"Its entity does not show it yet: {trouble}")
    if screen.json:
        screen.data(record)
