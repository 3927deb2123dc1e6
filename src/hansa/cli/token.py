"""``hansa token``: what programs send to act in the name of an account."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from hansa.cli.account import until
from hansa.cli.console import Json, Screen, moment
from hansa.cli.reach import FolderOption
from hansa.cli.work import in_node
from hansa.kernel.errors import BadRequest

__all__ = ["register"]

Action = Literal["list", "add", "revoke"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(token)


def token(
    action: Annotated[
        Action, typer.Argument(help="What to do; without a word, list the tokens.")
    ] = "list",
    name: Annotated[
        str | None, typer.Argument(help="The account, to add; the token's id, to revoke.")
    ] = None,
    folder: FolderOption = Path("node"),
    label: Annotated[str, typer.Option(help="What the new token is for.")] = "token",
    scope: Annotated[
        list[str] | None, typer.Option(help="read, write or admin; again for more; default: read.")
    ] = None,
    type: Annotated[
        list[str] | None,
        typer.Option(help="Only this type of entities, a name or IRI; again for more."),
    ] = None,
    tenant: Annotated[str | None, typer.Option("--tenant", help="Only this tenant.")] = None,
    days: Annotated[int, typer.Option(help="How long the new token holds.")] = 90,
    source: Annotated[
        str,
        typer.Option(help="The declared source whose data it brings; needed to write entities."),
    ] = "",
    json: Json = False,
) -> None:
    """See, make and revoke API tokens, also while the node is served. Each change is logged.

    A token may do what its scopes say, and never more than its account. It is shown once.

    Example: `hansa token add ana --label "parking meters" --scope write --type ParkingSpot --source parking`

    Example: `hansa token list`

    Example: `hansa token revoke 9f86d081884c`
    """
    screen = Screen(json)
    if action == "list":
        _list(screen, in_node(folder, "tokens", "list", {"name": name})["tokens"])
        return
    if not name:
        what = "account" if action == "add" else "token"
        raise BadRequest(f"the {what}", "is not named", "write it after the word")
    if action == "revoke":
        gone = in_node(folder, "tokens", "revoke", {"name": name})
        screen.say(f"Revoked {gone['id']} ({gone['name']}).")
        return
    asked = {
        "name": name,
        "label": label,
        "scopes": scope or ["read"],
        "types": _iris(type),
        "tenant": tenant,
        "days": days,
        "source": source,
    }
    made = in_node(folder, "tokens", "add", asked)
    screen.say(f"The token, shown only now:  {made['token']}")
    if screen.json:
        screen.data(made)


def _iris(names: list[str] | None) -> list[str] | None:
    from hansa.ngsild.city import city_iri

    return [city_iri(name) for name in names] if names else None


def _list(screen: Screen, tokens: list[dict[str, Any]]) -> None:
    screen.records(
        ("token", "account", "for", "may", "source", "types", "tenant", "until", "last used"),
        [
            (
                each["id"],
                each["account"],
                each["name"],
                ", ".join(each["scopes"]),
                each["source"],
                ", ".join(each["types"] or ()),
                each["tenant"],
                until(each["expires"]),
                moment(each["used"]),
            )
            for each in tokens
        ],
    )
