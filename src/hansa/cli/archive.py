"""``hansa backup`` and ``hansa restore``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hansa.cli.console import Json, Screen, moment, program

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(backup)
    app.command()(restore)


def backup(
    folder: Annotated[Path, typer.Argument(help="The node's folder.")],
    file: Annotated[Path, typer.Argument(help="The archive to write; must not exist.")],
    json: Json = False,
) -> None:
    """Save a whole node in one file, also while it is being served.

    The archive holds every tenant's data with its history, the settings and the preloaded @contexts,
    with a checksum for each. Map tiles stay out: a node makes them again.

    Example: `hansa backup my-city my-city.hansa.tgz`
    """
    from hansa.kernel.folder import Folder
    from hansa.upkeep.archive import backup as save

    screen = Screen(json)
    with screen.progress("Saving (bytes)") as progress:
        manifest = save(Folder.open(folder), file, progress)
    size = file.stat().st_size
    screen.say(f"Saved {manifest.city} in {file} ({size:,} bytes, {len(manifest.items)} files).")
    if json:
        screen.data({"file": str(file), "bytes": size, **asdict(manifest)})


def restore(
    file: Annotated[Path, typer.Argument(help="An archive made by `hansa backup`.")],
    folder: Annotated[Path, typer.Argument(help="The folder to make; must not exist.")],
    json: Json = False,
) -> None:
    """Bring a saved node back, into a new folder.

    Every file is checked against its checksum, and every database for soundness, before the folder
    appears. A node that is there already is never overwritten.

    Example: `hansa restore my-city.hansa.tgz my-city-again`
    """
    from hansa.upkeep.archive import restore as bring_back

    screen = Screen(json)
    with screen.progress("Restoring (bytes)") as progress:
        manifest = bring_back(file, folder, progress)
    screen.say(f"Restored {manifest.city}, saved {moment(manifest.made_at)}, to {folder}.")
    screen.note(f"Serve it with: {program()} serve --folder {folder}")
    if json:
        screen.data({"folder": str(folder), **asdict(manifest)})
