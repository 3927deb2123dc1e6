"""``hansa policy``: the rules about who may see what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hansa.cli.console import Json, Screen, moment
from hansa.cli.reach import FolderOption
from hansa.cli.work import in_node
from hansa.kernel.errors import BadRequest, NotFound

__all__ = ["register"]

Name = Annotated[str, typer.Argument(help="The policy's name.")]
File = Annotated[Path, typer.Argument(help="The policy, as JSON.")]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        help="The rules about who may see what, and why somebody may.", no_args_is_help=True
    )
    for command in (show, check, add, remove, restore, explain):
        group.command()(command)
    group.command("list")(list_all)
    app.add_typer(group, name="policy")


def list_all(folder: FolderOption = Path("node"), json: Json = False) -> None:
    """List the policies in force.

    Example: `hansa policy list`
    """
    found = in_node(folder, "policies", "list", {})["policies"]
    Screen(json).records(
        ("policy", "version", "since", "about", "permits", "prohibits"),
        [
            (
                each["name"],
                each["version"],
                moment(each["since"]),
                each["policy"]["target"].removeprefix("urn:hansa:"),
                len(each["policy"].get("permission", ())),
                len(each["policy"].get("prohibition", ())),
            )
            for each in found
        ],
    )


def show(
    name: Name,
    version: Annotated[
        int | None, typer.Option(min=1, help="This version; default: the newest.")
    ] = None,
    versions: Annotated[
        bool, typer.Option("--versions", help="List all versions instead.")
    ] = False,
    folder: FolderOption = Path("node"),
    json: Json = False,
) -> None:
    """Print a policy, as JSON that `hansa policy add` takes, or list its versions.

    Example: `hansa policy show published > published.json`

    Example: `hansa policy show published --versions`
    """
    found = in_node(folder, "policies", "versions", {"name": name})["versions"]
    if versions:
        Screen(json).records(
            ("version", "since", "in force", "restores"),
            [
                (
                    each["version"],
                    moment(each["since"]),
                    each["policy"] is not None,
                    each.get("restores"),
                )
                for each in found
            ],
        )
        return
    wanted = version or found[0]["version"]
    kept = next((each for each in found if each["version"] == wanted), None)
    if kept is None or kept["policy"] is None:
        fact = "does not exist" if kept is None else "says that it was withdrawn"
        raise NotFound(f"version {wanted} of policy {name}", fact, "see it with --versions")
    Screen(json=True).data(kept["policy"])


def check(name: Name, file: File, folder: FolderOption = Path("node"), json: Json = False) -> None:
    """See whether a policy could be added, and what would change for whom. Nothing is changed.

    Example: `hansa policy check trees trees.json`
    """
    given = {"name": name, "policy": _text(file)}
    found = in_node(folder, "policies", "check", given)["differences"]
    screen = Screen(json)
    screen.say(f"Policy {name} can be added." if found else f"Policy {name} would change nothing.")
    _differences(screen, found)


def add(name: Name, file: File, folder: FolderOption = Path("node"), json: Json = False) -> None:
    """Put a policy in force, or in the place of the one of that name; the log has an entry of it.

    It holds from the next question on, also in a node that is served. See first with `hansa policy check` what it changes.

    Example: `hansa policy add trees trees.json`
    """
    kept = in_node(folder, "policies", "add", {"name": name, "policy": _text(file)})
    _told(Screen(json), kept, "is in force")


def remove(name: Name, folder: FolderOption = Path("node"), json: Json = False) -> None:
    """Take a policy out of force; its versions stay, and the log has an entry of it.

    Example: `hansa policy remove trees`
    """
    _told(Screen(json), in_node(folder, "policies", "remove", {"name": name}), "is withdrawn")


def restore(
    name: Name,
    version: Annotated[int, typer.Argument(min=1, help="The version to bring back.")],
    folder: FolderOption = Path("node"),
    json: Json = False,
) -> None:
    """Undo: put an earlier version of a policy in force again, as a new version.

    Example: `hansa policy restore trees 1`
    """
    given = {"name": name, "version": version}
    _told(Screen(json), in_node(folder, "policies", "restore", given), "is in force again")


def explain(
    who: Annotated[
        str,
        typer.Argument(help="public, role:planner, kind:resident, client:bus or an account."),
    ],
    what: Annotated[str, typer.Argument(help="The identifier of an entity, or a type.")],
    attribute: Annotated[str, typer.Argument(help="An attribute of it.")] = "",
    tenant: Annotated[
        str | None, typer.Option("--tenant", help="Of this tenant; default: the city's own.")
    ] = None,
    purpose: Annotated[
        str | None, typer.Option(help="What they would say that they ask for.")
    ] = None,
    folder: FolderOption = Path("node"),
    json: Json = False,
) -> None:
    """Say whether somebody may read something, and which rule decides.

    Example: `hansa policy explain public Vehicle`

    Example: `hansa policy explain role:planner urn:ngsi-ld:Building:7 occupier`
    """
    given = {
        "who": who,
        "what": what,
        "attribute": attribute,
        "tenant": tenant,
        "purpose": purpose,
    }
    found = in_node(folder, "policies", "explain", given)
    screen = Screen(json)
    if json:
        screen.data(found)
    screen.say(found["reason"] + ".")
    if found["total"] is not None:
        screen.say(f"{found['seen']:,} of {found['total']:,} are there for {found['who']}.")
    if found["rules"]:
        screen.say(f"Rules about it: {', '.join(found['rules'])}")


def _differences(screen: Screen, found: list[dict[str, Any]]) -> None:
    screen.records(
        ("for", "type", "attribute", "before", "after"),
        [
            (each["who"], each["type"], each["attribute"], each["before"], each["after"])
            for each in found
        ],
    )


def _told(screen: Screen, kept: dict[str, Any], word: str) -> None:
    screen.say(f"Policy {kept['name']} {word} (version {kept['version']}); the log says so.")
    if screen.json:
        screen.data(kept)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as fault:
        raise BadRequest(f"file {file}", "is not encoded as UTF-8", "encode it so") from fault
