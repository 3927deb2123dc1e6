"""``hansa serve``: a node on the web, until Ctrl-C."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hansa.cli.console import Json, Screen
from hansa.kernel.errors import BadRequest

if TYPE_CHECKING:
    from hansa.node import Node

__all__ = ["announce", "register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    place: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help="The node's folder; default: node.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", "-f", help="The same, as with the other commands.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; default 1356; 0 takes any free one.")
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; default 127.0.0.1, this machine only.")
    ] = None,
    dev: Annotated[
        bool, typer.Option("--dev", help="Without accounts, on loopback only, for experiments.")
    ] = False,
    context: Annotated[
        list[str] | None,
        typer.Option(help="Preload a @context: URL=FILE. May be given again.", metavar="URL=FILE"),
    ] = None,
    clock: Annotated[
        str | None, typer.Option(help="Show timetables as of this time: 2016-04-13T08:30.")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="Public address, behind a proxy.")] = None,
    json: Json = False,
) -> None:
    """Serve a node: its pages, its map and its API, until Ctrl-C.

    With `--dev` and no folder the node lives in a temporary folder that is gone at the end.

    Example: `hansa serve my-city`

    Example: `hansa serve --dev --port 0 --context https://example.org/c.jsonld=c.jsonld`
    """
    from hansa.cli.server import run_node
    from hansa.kernel.settings_file import load

    flags: dict[str, Any] = {
        "port": port,
        "host": host,
        "dev": dev or None,
        "clock": clock,
        "base_url": base_url,
    }
    screen = Screen(json)
    with _place(_one(place, folder), dev) as root:
        settings = load(root, os.environ, flags)
        more = preloaded(context or [])
        if more:
            flags["contexts"] = {**settings.contexts, **more}
            settings = load(root, os.environ, flags)
        run_node(
            root,
            settings,
            lambda node, address: announce(screen, node, address),
            settings.host,
            settings.port,
        )
    screen.note("Stopped; everything is saved.")


def _one(place: Path | None, folder: Path | None) -> Path | None:
    """The folder, however it was given."""
    if place is not None and folder is not None and place != folder:
        raise BadRequest(
            "the folder", f"is given twice, as {place} and as {folder}", "give it once"
        )
    return place or folder


def announce(screen: Screen, node: Node, address: str) -> None:
    """Say where the node is, and what is special about it."""
    link = _first_link(node, address)
    if screen.json:
        more = {"administratorLink": link} if link else {}
        screen.data({"address": address, "city": node.settings.city, **more})
    screen.say(f"{node.settings.city} is at {address}/   (Ctrl-C stops it)")
    if node.settings.dev:
        screen.note("This node has no accounts: everyone on this machine may change its data.")
    if link:
        screen.note(
            f"Nobody administers it over the web yet. This link, used once, lets you:  {link}"
        )
    if not node.timetable_clock.is_real:
        screen.note(f"Its timetables are shown as of {node.settings.clock}.")


def _first_link(node: Node, address: str) -> str:
    """Where the first administrator makes an account; "" if there is one, or the node has no accounts."""
    secret = "" if node.settings.dev else node.trust.desk.first_link()
    return f"{node.settings.base_url or address}/link/{secret}" if secret else ""


@contextmanager
def _place(folder: Path | None, dev: bool) -> Iterator[Path]:
    """The folder to serve; for a node without accounts and without a folder, a temporary one."""
    from hansa.kernel.folder import Folder
    from hansa.kernel.settings_file import template

    if folder is not None:
        if dev and not folder.exists():
            Folder.create(folder, template({"city": "Experiment"}))
        yield folder
    elif dev:
        with tempfile.TemporaryDirectory(prefix="hansa-") as place:
            Folder.create(Path(place), template({"city": "Experiment"}))
            yield Path(place)
    else:
        yield Path("node")


def preloaded(pairs: list[str]) -> dict[str, str]:
    """URL to absolute file, from ``URL=FILE``; a URL may itself contain ``=``.

    Raises:
        BadRequest: one is not of that form, or names no file.
    """
    found = {}
    for pair in pairs:
        url, _, name = pair.rpartition("=")
        path = Path(name).expanduser().absolute()
        if not url.startswith(("http://", "https://")) or not path.is_file():
            raise BadRequest(
                f"--context {pair}",
                "is not a URL and an existing file",
                "write it like https://example.org/c.jsonld=c.jsonld",
            )
        found[url] = str(path)
    return found
