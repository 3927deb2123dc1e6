"""``hansa algorithm``: what computes with the city's data, and what it may read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
import typer

from hansa.cli.console import Json, Screen
from hansa.cli.reach import FolderOption
from hansa.cli.work import in_node
from hansa.kernel.errors import BadRequest, InvalidRequest, NotFound
from hansa.kernel.toml import TOMLDecodeError, parsed

if TYPE_CHECKING:
    from hansa.trust.algorithms.record import Record

__all__ = ["register"]

_LONGEST: Final = 200_000
Name = Annotated[str, typer.Argument(help="The algorithm's name in the register.")]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        help="The register of algorithms: what computes with the city's data, and what it may read.",
        no_args_is_help=True,
    )
    for command in (form, declare, show, retire):
        group.command()(command)
    group.command("list")(list_all)
    app.add_typer(group, name="algorithm")


def list_all(folder: FolderOption = Path("node"), json: Json = False) -> None:
    """List the algorithms, their risk, and what they read.

    Example: `hansa algorithm list`
    """
    Screen(json).records(
        ("algorithm", "name", "status", "risk", "reads"),
        [
            (
                each["id"],
                each["name"],
                each["status"],
                each["risk_category"],
                ", ".join(each["reads"]),
            )
            for each in _all(folder)
        ],
    )


def show(name: Name, folder: FolderOption = Path("node"), json: Json = False) -> None:
    """Show a record.

    Example: `hansa algorithm show timetable-positions`
    """
    found = next((each for each in _all(folder) if each["id"] == name), None)
    if found is None:
        remedy = "its name is another, then: 'hansa algorithm list' has them all"
        raise NotFound(f"algorithm {name[:64]}", "is not in the register", remedy)
    screen = Screen(json)
    if json:
        screen.data(found)
        return
    screen.fields(found)


def form(json: Json = False) -> None:
    """Print an empty record (TOML) to fill in: every field, what to write there, and which are required.

    Example: `hansa algorithm form > green-wave.toml`
    """
    from hansa.trust.algorithms.fields import FIELDS, PRACTICES

    if json:
        Screen(json).data(
            {name: [] if each.kind == "list" else "" for name, each in FIELDS.items()}
        )
        return
    part = ""
    for name, field in FIELDS.items():
        if field.part != part:
            part = field.part
            typer.echo(f"\n# -- {part} --")
        typer.echo(f"# {field.help}{'' if field.required else ' (not required)'}")
        if field.values:
            typer.echo(f"#   one of: {', '.join(field.values)}")
        if name == "practices":
            for each, practice in PRACTICES.items():
                typer.echo(f"#   {each}: {practice.words} ({practice.risk})")
        empty = "[]" if field.kind == "list" else '""'
        typer.echo(f"{'' if field.required else '# '}{name} = {empty}")


def declare(
    name: Name,
    file: Annotated[Path, typer.Argument(help="Its record, as TOML or JSON (see `form`).")],
    folder: FolderOption = Path("node"),
    json: Json = False,
) -> None:
    """Put a record into the register, or in the place of the one that is there.

    What is missing is named, all of it at once. A use that the law prohibits is refused, with the article.

    Example: `hansa algorithm declare green-wave green-wave.toml`
    """
    made = in_node(folder, "algorithms", "declare", {"id": name, "record": read_record(file)})
    _tell(Screen(json), made, "Declared")


def retire(name: Name, folder: FolderOption = Path("node"), json: Json = False) -> None:
    """End an algorithm: its record stays in the register, and it reads no more.

    Example: `hansa algorithm retire green-wave`
    """
    _tell(Screen(json), in_node(folder, "algorithms", "retire", {"id": name}), "Retired")


def read_record(file: Path) -> Any:
    """What a file of TOML or JSON holds.

    Raises:
        TooLarge, InvalidRequest: it is too long, or it is neither.
    """
    content = file.read_bytes()
    if len(content) > _LONGEST:
        raise BadRequest(f"file {file}", f"is longer than {_LONGEST:,} bytes", "shorten its texts")
    try:
        if file.suffix.lower() == ".json":
            return orjson.loads(content)
        return parsed(content.decode("utf-8"))
    except (orjson.JSONDecodeError, TOMLDecodeError, UnicodeDecodeError) as fault:
        kind = "JSON" if file.suffix.lower() == ".json" else "TOML"
        raise InvalidRequest(f"file {file}", f"is no {kind} ({fault})", "mend it there") from fault


def _all(folder: Path) -> list[Record]:
    found: list[Record] = in_node(folder, "algorithms", "list", {})["algorithms"]
    return found


def _tell(screen: Screen, record: Record, word: str) -> None:
    screen.say(f"{word} {record['id']} ({record['name']}); the log has an entry of it.")
    if screen.json:
        screen.data(record)
