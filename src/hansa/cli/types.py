"""``hansa types``: which types of entities a node holds."""

from __future__ import annotations

from pathlib import Path

import orjson
import typer

from hansa.cli.console import Json, Screen, program
from hansa.cli.reach import FolderOption, TokenOption, UrlOption, reached

__all__ = ["register"]

_TYPES = "/ngsi-ld/v1/types"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(types)


def types(
    folder: FolderOption = Path("node"),
    url: UrlOption = None,
    token: TokenOption = None,
    json: Json = False,
) -> None:
    """List the types of entities that a node holds, how many of each, and their attributes.

    Example: `hansa types --folder my-city`
    """
    screen = Screen(json)
    rows = []
    with reached(folder, url, token) as ask:
        for name in orjson.loads(ask(_TYPES, {}).content)["typeList"]:
            about = orjson.loads(ask(f"{_TYPES}/{name}", {}).content)
            attributes = sorted(d["attributeName"] for d in about["attributeDetails"])
            rows.append({"type": name, "count": about["entityCount"], "attributes": attributes})
    if rows:
        screen.table(
            ("type", "count", "attributes"),
            [(row["type"], row["count"], ", ".join(row["attributes"])) for row in rows],
        )
    if json:
        screen.data(rows)
    if not rows:
        at = "FOLDER" if url else str(folder)
        screen.note("The node is empty. Bring data with one of these:")
        for words in (
            "table trees.csv --mapping trees.toml",
            "osm city.osm.pbf",
            "gtfs feed.zip",
            "aequilibrae project.zip",
        ):
            screen.note(f"  {program()} import {words} --folder {at}")
