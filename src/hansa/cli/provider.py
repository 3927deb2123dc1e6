"""``hansa provider``: who else may say who somebody is (OpenID Connect)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from hansa.cli.console import Json, Screen
from hansa.cli.reach import FolderOption
from hansa.cli.work import in_node
from hansa.kernel.errors import BadRequest

__all__ = ["register"]

Action = Literal["list", "add", "remove"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(provider)


def provider(
    action: Annotated[
        Action, typer.Argument(help="What to do; without a word, list the providers.")
    ] = "list",
    name: Annotated[str | None, typer.Argument(help="The provider, by a word of yours.")] = None,
    folder: FolderOption = Path("node"),
    issuer: Annotated[str, typer.Option(help="Its address, as it names itself.")] = "",
    client_id: Annotated[str, typer.Option(help="The client that it made for this node.")] = "",
    secret_file: Annotated[
        Path | None, typer.Option(help="A file with the client's secret, if it has one.")
    ] = None,
    label: Annotated[str, typer.Option(help="What the login page calls it.")] = "",
    rule: Annotated[
        list[str] | None,
        typer.Option(help="What its people are here: 'ROLES if CLAIM=VALUE'; again for more."),
    ] = None,
    residents: Annotated[
        bool,
        typer.Option(
            "--residents/--no-residents",
            help="Whether somebody to whom no rule applies is let in, as a resident.",
        ),
    ] = True,
    json: Json = False,
) -> None:
    """See and keep the providers of logins (OpenID Connect) of a node.

    At the provider, register the node as a client with the address `/login/from/NAME` to come back to. A rule gives
    roles of staff to people by what the provider says of them: `planner,auditor if groups=planners`; `staff if …` gives
    no role, `nobody if …` shuts somebody out, and `and` joins conditions. Rules decide anew at each login.

    Example: `hansa provider add visby --issuer https://id.visby.example --client-id hansa --rule "planner if groups=plan"`

    Example: `hansa provider list`

    Example: `hansa provider remove visby`
    """
    screen = Screen(json)
    if action == "list":
        _list(screen, in_node(folder, "providers", "list", {})["providers"])
        return
    if not name:
        raise BadRequest("the provider", "is not named", "write a word for it")
    asked: dict[str, Any] = {"id": name}
    if action == "add":
        asked |= {
            "issuer": issuer,
            "client_id": client_id,
            "secret": secret_file.read_text().strip() if secret_file else "",
            "name": label,
            "rules": rule or [],
            "residents": residents,
        }
    in_node(folder, "providers", action, asked)
    screen.say(f"Done: {action} {name}.")
    if screen.json:
        screen.data({"provider": name, "done": action})


def _list(screen: Screen, providers: list[dict[str, Any]]) -> None:
    screen.records(
        ("provider", "name", "issuer", "client", "secret", "rules", "residents"),
        [
            (
                each["id"],
                each["name"],
                each["issuer"],
                each["client_id"],
                each["secret"],
                "; ".join(each["rules"]),
                each["residents"],
            )
            for each in providers
        ],
    )
