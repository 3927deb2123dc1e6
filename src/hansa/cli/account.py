"""``hansa account``: who may log in; the way in when nobody can."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from hansa.cli.console import Json, Screen, moment
from hansa.cli.reach import FolderOption
from hansa.cli.work import in_node
from hansa.kernel.errors import BadRequest

__all__ = ["link_address", "register", "until"]

Action = Literal["list", "add", "roles", "disable", "enable", "reset", "link", "end"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(account)


def account(
    action: Annotated[
        Action, typer.Argument(help="What to do; without a word, list the accounts.")
    ] = "list",
    name: Annotated[str | None, typer.Argument(help="The account.")] = None,
    folder: FolderOption = Path("node"),
    role: Annotated[
        list[str] | None,
        typer.Option(
            help="data_officer, strategy, diplomat, planner, auditor or administrator; again for more."
        ),
    ] = None,
    resident: Annotated[
        bool, typer.Option("--resident", help="Add a resident's account, not one of staff.")
    ] = False,
    lost_factor: Annotated[
        bool,
        typer.Option(
            "--lost-factor",
            help="Reset the second factors, too. Make sure who asks, as when you invited them.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """See and keep the accounts of a node, also while it is served. Each change is logged.

    `add` makes an account and prints a link with which its owner chooses a password; `link` prints another
    one (without a name: one that makes a new administrator); `reset` first takes away the password and the
    sessions, and with `--lost-factor` the second factors; `end` ends the sessions of an account, or without a name
    everybody's; `disable` shuts an account at once, `enable` opens it again; `roles` gives it the
    roles of `--role` and no others. A link works once, for a day.

    Example: `hansa account list --folder my-city`

    Example: `hansa account add ana --role planner --role auditor`

    Example: `hansa account link`

    Example: `hansa account disable ana`
    """
    screen = Screen(json)
    if action == "list":
        _list(screen, in_node(folder, "accounts", "list", {})["accounts"])
        return
    named = "" if action in ("link", "end") and name is None else _given(name)
    asked = {"name": named, "roles": role or [], "resident": resident, "factors": lost_factor}
    secret = in_node(folder, "accounts", action, asked)["link"]
    _tell(screen, action, name, secret and link_address(folder, secret))


def _list(screen: Screen, accounts: list[dict[str, Any]]) -> None:
    screen.records(
        ("account", "kind", "roles", "disabled", "second factor", "last login"),
        [
            (
                each["account"],
                each["kind"],
                ", ".join(each["roles"]),
                each["disabled"],
                each["second"],
                moment(each["last"]),
            )
            for each in accounts
        ],
    )


def _tell(screen: Screen, action: str, name: str | None, link: str | None) -> None:
    if link:
        screen.say(f"Open this within a day; it works once:  {link}")
    else:
        screen.say(f"Done: {action} {name or 'all sessions'}.")
    if screen.json:
        screen.data({"account": name, "link": link or None})


def _given(name: str | None) -> str:
    if not name:
        raise BadRequest("the account", "is not named", "write its name after the word")
    return name.strip().lower()


def link_address(folder: Path, secret: str) -> str:
    """Where a one-time link is opened: at the node's public address, or where it listens."""
    import os

    from hansa.kernel.folder import Folder
    from hansa.kernel.settings_file import load

    settings, holder = load(folder, os.environ), Folder.open(folder).holder()
    served = holder.address if holder else ""
    address = settings.base_url or served or f"http://127.0.0.1:{settings.port}"
    return f"{address}/link/{secret}"


def until(text: str) -> str:
    """A day, from an instant."""
    return f"{datetime.fromisoformat(text):%Y-%m-%d}"
