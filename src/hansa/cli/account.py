"""``hansa account``: who may log in; the way in when nobody can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hansa.cli.console import Json, Screen, moment
from hansa.cli.reach import FolderOption
from hansa.kernel.errors import BadRequest

if TYPE_CHECKING:
    from hansa.kernel.settings import Settings
    from hansa.trust.identity.desk import Desk

__all__ = ["desk_of", "link_address", "register"]

Action = Literal["list", "add", "roles", "disable", "enable", "reset", "link"]


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
    json: Json = False,
) -> None:
    """See and keep the accounts of a node, also while it is served.

    `add` makes an account and prints a link with which its owner chooses a password; `link` prints another
    one (without a name: one that makes a new administrator); `reset` first takes away the password, the second
    factors and the sessions; `disable` shuts an account at once, `enable` opens it again; `roles` gives it the
    roles of `--role` and no others. A link works once, for a day.

    Example: `hansa account list --folder my-city`

    Example: `hansa account add ana --role planner --role auditor`

    Example: `hansa account link`

    Example: `hansa account disable ana`
    """
    screen = Screen(json)
    with desk_of(folder) as (desk, settings):
        if action == "list":
            _list(screen, desk)
            return
        kind: Literal["resident", "staff"] = "resident" if resident else "staff"
        if action == "link" and name is None:
            secret: str | None = desk.links.make("")
        else:
            secret = _change(desk, action, _given(name), role or [], kind)
        _tell(screen, action, name, secret and link_address(folder, settings, secret))


def _change(
    desk: Desk, action: str, name: str, roles: list[str], kind: Literal["resident", "staff"]
) -> str | None:
    """Do it; the secret of a link, where one was made."""
    accounts = desk.accounts
    if action == "add":
        return desk.links.make(accounts.add(name, kind=kind, roles=roles).name)
    if action == "reset":
        return desk.reset(name)
    if action == "link":
        return desk.links.make(accounts.named(name).name)
    if action == "roles":
        accounts.set_roles(name, roles)
    else:
        accounts.disable(name, disabled=action == "disable")
        if action == "disable":
            desk.sessions.end_all(name)
    return None


def _list(screen: Screen, desk: Desk) -> None:
    screen.records(
        ("account", "kind", "roles", "disabled", "second factor", "last login"),
        [
            (
                each.name,
                each.kind,
                ", ".join(each.roles),
                each.disabled,
                bool(each.totp or each.passkeys),
                moment(each.last_login),
            )
            for each in desk.accounts.all()
        ],
    )


def _tell(screen: Screen, action: str, name: str | None, link: str | None) -> None:
    if link:
        screen.say(f"Open this within a day; it works once:  {link}")
    else:
        screen.say(f"Done: {action} {name}.")
    if screen.json:
        screen.data({"account": name, "link": link})


def _given(name: str | None) -> str:
    if not name:
        raise BadRequest("the account", "is not named", "write its name after the word")
    return name.strip().lower()


@contextmanager
def desk_of(folder: Path) -> Iterator[tuple[Desk, Settings]]:
    """The accounts of the node in `folder`, which may be served meanwhile.

    Raises:
        NotFound: there is no node.
        BadRequest: it is a node without accounts.
    """
    import os

    from hansa.kernel.clock import Clock
    from hansa.kernel.folder import Folder
    from hansa.kernel.settings_file import load
    from hansa.trust.identity.desk import Desk
    from hansa.trust.vault import Vault

    place = Folder.open(folder)
    settings = load(folder, os.environ)
    vault = Vault(place.vault, Clock())
    try:
        yield Desk(vault, settings, Clock()), settings
    finally:
        vault.close()


def link_address(folder: Path, settings: Settings, secret: str) -> str:
    """Where a one-time link is opened: at the node's public address, or where it listens."""
    from hansa.kernel.folder import Folder

    holder = Folder.open(folder).holder()
    served = holder.address if holder else ""
    address = settings.base_url or served or f"http://127.0.0.1:{settings.port}"
    return f"{address}/link/{secret}"


def until(text: str) -> str:
    """A day, from an instant."""
    return f"{datetime.fromisoformat(text):%Y-%m-%d}"
