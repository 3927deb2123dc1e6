"""``hansa resident``: whose entities are whose, what residents ask for, and what they agreed to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from hansa.cli.console import Json, Screen, moment
from hansa.cli.reach import FolderOption
from hansa.cli.work import in_node
from hansa.kernel.errors import BadRequest

__all__ = ["register"]

Action = Literal[
    "list", "link", "unlink", "requests", "grant", "refuse", "erase", "readmit", "consents"
]
_SHOWN: Final[dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]]] = {
    "list": (
        "links",
        ("account", "entity", "known by", "since"),
        ("account", "entity", "basis", "since"),
    ),
    "requests": (
        "requests",
        ("request", "account", "asks to", "entity", "words", "made", "decision", "reason"),
        ("id", "account", "want", "entity", "words", "made", "decision", "reason"),
    ),
    "consents": (
        "consents",
        ("purpose", "given", "until", "withdrawn"),
        ("purpose", "given", "until", "withdrawn"),
    ),
}
"""What is listed: where it stands in the outcome, the heads, and the members under them."""
_INSTANTS: Final = frozenset({"since", "made", "given", "until", "withdrawn"})


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(resident)


def resident(
    action: Annotated[
        Action, typer.Argument(help="What to do; without a word, list whose entities are whose.")
    ] = "list",
    name: Annotated[
        str | None,
        typer.Argument(
            help="The account; for grant and refuse the request; for erase and readmit the entity."
        ),
    ] = None,
    entity: Annotated[str | None, typer.Argument(help="The entity, to link or unlink.")] = None,
    folder: FolderOption = Path("node"),
    because: Annotated[
        str, typer.Option(help="The proof that was seen, to link; the reason, to grant or refuse.")
    ] = "",
    json: Json = False,
) -> None:
    """See and keep what the node holds about residents, also while it is served. Each change is logged.

    `link` says that an entity is a resident's, `unlink` that it is not; `requests` lists what residents ask for, `grant`
    and `refuse` decide it (an erasure that is granted is done at once); `erase` erases an entity with all its history and
    what the log could tell about it, and keeps its source from bringing it again, until `readmit`; `consents` lists what somebody agreed to.

    Example: `hansa resident link rosa urn:ngsi-ld:SmartMeter:rosa --because "contract 4711 and passport seen"`

    Example: `hansa resident requests`

    Example: `hansa resident grant 9f86d081884c`
    """
    if action not in ("list", "requests") and not name:
        raise BadRequest("the command", f"does not say whom or what to {action}", "see --help")
    if action in ("link", "unlink") and not entity:
        raise BadRequest("the entity", "is not named", "write it after the account")
    given = {"name": name or "", "what": entity or "", "basis": because}
    done = in_node(folder, "residents", action, given)
    screen = Screen(json)
    if action in _SHOWN:
        _list(screen, action, done)
        return
    screen.say(f"Done: {action} {name}{f' {entity}' if entity else ''}.")
    if screen.json:
        screen.data(done)


def _list(screen: Screen, action: str, done: dict[str, Any]) -> None:
    where, heads, members = _SHOWN[action]
    if screen.json:
        screen.data(done[where])
    screen.table(
        heads,
        [
            [moment(each[m]) if m in _INSTANTS and each[m] else each[m] for m in members]
            for each in done[where]
        ],
    )
