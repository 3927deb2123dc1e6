"""``hansa init``: a new, empty node."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hansa.cli.console import Json, Screen, program

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(init)


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make.")],
    city: Annotated[
        str | None, typer.Option(help="Name of the city, as pages show it; default: My city.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Its time zone, for example Europe/Berlin; default: UTC.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to serve on; default: 1356.")] = None,
    new_token: Annotated[
        bool,
        typer.Option("--new-token", help="Only give the node in FOLDER a new operator's token."),
    ] = False,
    json: Json = False,
) -> None:
    """Make a new, empty node: a folder with settings, a store and an operator's token.

    The token is shown once; the node keeps only a hash of it. Who sends it along (as
    `Authorization: Bearer TOKEN`) may write over the network. Lost it, or a node without one?
    `--new-token` makes another; a node that is being served takes it at its next start.

    Example: `hansa init my-city --city "Lübeck" --timezone Europe/Berlin`

    Example: `hansa init my-city --new-token`
    """
    screen = Screen(json)
    if new_token:
        token = _renew(folder)
    else:
        token = create(folder, {"city": city, "timezone": timezone, "port": port})
    screen.say(f"{'Gave' if new_token else 'Made'} {folder}{' a new token' if new_token else ''}.")
    screen.say("")
    screen.say(f"  The operator's token, shown only now:  {token}")
    screen.say("")
    if not new_token:
        screen.note(f"Next: {program()} serve --folder {folder}")
    elif _is_served(folder):
        screen.note("The node is being served: the new token holds from its next start.")
    if json:
        screen.data({"folder": str(folder), "operatorToken": token})


def create(folder: Path, values: dict[str, Any]) -> str:
    """Make a node with these settings (``None`` is left at its default); the operator's token."""
    from hansa.kernel.folder import Folder
    from hansa.kernel.settings_file import load, template
    from hansa.trust.principals import new_token, token_hash

    token = new_token()
    given = {name: value for name, value in values.items() if value is not None}
    given["operator_token_hash"] = token_hash(token)
    load(flags=given)
    Folder.create(folder, template(given))
    return token


def _is_served(root: Path) -> bool:
    from hansa.kernel.folder import Folder

    return Folder.open(root).holder() is not None


def _renew(root: Path) -> str:
    """Put the hash of a new token into the settings, leaving every other line as it is."""
    import re

    from hansa.kernel.folder import Folder
    from hansa.kernel.settings_file import load
    from hansa.trust.principals import new_token, token_hash

    folder = Folder.open(root)
    load(root)
    token = new_token()
    text = folder.settings_file.read_text(encoding="utf-8")
    line = f'operator_token_hash = "{token_hash(token)}"'
    changed, found = re.subn(r"(?m)^\s*operator_token_hash\s*=.*$", line, text)
    folder.write_settings(changed if found else f"{line}\n{text}")
    return token
