"""``hansa client``: programs and cities that may ask for tokens with their own keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from hansa.cli.account import until
from hansa.cli.console import Json, Screen, moment
from hansa.cli.reach import FolderOption
from hansa.cli.work import in_node
from hansa.kernel.errors import BadRequest

__all__ = ["register"]

Action = Literal["list", "add", "disable", "enable", "remove", "new-key"]
_ASK: Final = " It asks for tokens at /oauth/token of this node."

ScopeOption = Annotated[
    list[str] | None,
    typer.Option(help="read, write or admin, at most; again for more; default: read."),
]
TypeOption = Annotated[
    list[str] | None,
    typer.Option(help="Only this type of entities, a name or IRI; again for more."),
]

PurposeOption = Annotated[
    list[str] | None,
    typer.Option(help="What it asks for, a word or IRI; again for more."),
]
SourceOption = Annotated[
    str,
    typer.Option(help="The declared source whose data it brings; needed to write entities."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(client)


def client(
    action: Annotated[
        Action, typer.Argument(help="What to do; without a word, list the clients.")
    ] = "list",
    name: Annotated[str | None, typer.Argument(help="The client, its client_id.")] = None,
    folder: FolderOption = Path("node"),
    keys: Annotated[
        str,
        typer.Option(help="Its public keys (JWKS), to add: a file, or the address where they are."),
    ] = "",
    label: Annotated[str, typer.Option(help="What it is, in words.")] = "",
    city: Annotated[bool, typer.Option("--city", help="It is another city.")] = False,
    scope: ScopeOption = None,
    type: TypeOption = None,
    tenant: Annotated[str | None, typer.Option("--tenant", help="Only this tenant.")] = None,
    purpose: PurposeOption = None,
    days: Annotated[int, typer.Option(help="After how many days it ends; 0: not by itself.")] = 0,
    source: SourceOption = "",
    json: Json = False,
) -> None:
    """See and keep the clients of a node: programs that prove by a key of their own who they are.

    `add` registers one with its public keys (Ed25519, P-256, or RSA); it then gets tokens of ten minutes at
    `/oauth/token` (OAuth 2 client credentials, private_key_jwt) that may do what is said here, and no more.
    `disable` shuts it at once, also its tokens; `enable` opens it again; `remove` forgets it.
    `new-key` replaces the key that the node signs all tokens of clients with; those that it gave before end.

    Example: `hansa client add parking --keys keys.json --scope write --source parking-meters --purpose parking`

    Example: `hansa client list`

    Example: `hansa client remove parking`
    """
    screen = Screen(json)
    if action == "list":
        _list(screen, in_node(folder, "clients", "list", {})["clients"])
        return
    if not name and action != "new-key":
        raise BadRequest("the client", "is not named", "write its name after the word")
    asked: dict[str, Any] = {"id": name or ""}
    if action == "add":
        asked |= {
            **_keys(keys),
            "name": label,
            "kind": "city" if city else "service",
            "scopes": scope or ["read"],
            "types": _iris(type),
            "tenant": tenant,
            "purposes": purpose or [],
            "days": days,
            "source": source,
        }
    in_node(folder, "clients", action, asked)
    screen.say(f"Done: {action} {name or ''}".rstrip() + "." + (_ASK if action == "add" else ""))
    if screen.json:
        screen.data({"client": name, "done": action})


def _keys(given: str) -> dict[str, Any]:
    """The keys of a file, or where others are."""
    import orjson

    if given.startswith(("https://", "http://")) or not given:
        return {"jwks_uri": given}
    try:
        return {"jwks": orjson.loads(Path(given).read_bytes())}
    except orjson.JSONDecodeError as fault:
        raise BadRequest(f"file {given}", "is no JSON", "give a JWKS (RFC 7517)") from fault


def _iris(names: list[str] | None) -> list[str] | None:
    from hansa.ngsild.city import city_iri

    return [city_iri(name) for name in names] if names else None


def _list(screen: Screen, clients: list[dict[str, Any]]) -> None:
    screen.records(
        (
            "client",
            "kind",
            "for",
            "may",
            "types",
            "tenant",
            "source",
            "keys",
            "until",
            "disabled",
            "last token",
        ),
        [
            (
                each["id"],
                each["kind"],
                ", ".join(each["purposes"]) or each["name"],
                ", ".join(each["scopes"]),
                ", ".join(each["types"] or ()),
                each["tenant"],
                each["source"],
                each["jwks_uri"] or f"{len((each['jwks'] or {}).get('keys', ()))} given",
                each["expires"] and until(each["expires"]),
                each["disabled"],
                moment(each["used"]),
            )
            for each in clients
        ],
    )
