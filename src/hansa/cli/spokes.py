"""``hansa spokes``: the kinds of sources that a node can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from hansa.cli.console import Json, Screen, program

if TYPE_CHECKING:
    from hansa.spokes.manifest import Manifest, Option

__all__ = ["register"]

_SHOWN: Final = 3
"""Names of types that the list shows of each spoke."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(spokes)


def spokes(
    name: Annotated[str | None, typer.Argument(help="Show this one in full.")] = None,
    json: Json = False,
) -> None:
    """List the kinds of sources that can be imported, or show one with its options.

    Example: `hansa spokes`

    Example: `hansa spokes gtfs`
    """
    from hansa.spokes.registry import all_spokes, find_spoke

    screen = Screen(json)
    if name is not None:
        _one(screen, find_spoke(name).manifest)
        return
    manifests = [spoke.manifest for spoke in all_spokes()]
    screen.table(
        ("spoke", "reads", "makes", "keeps up to date"),
        [(m.name, m.title, _some(_makes(m)), _live(m)) for m in manifests],
    )
    if json:
        screen.data([asdict(manifest) for manifest in manifests])
    else:
        screen.note(f"More about one, with its options: {program()} spokes NAME")


def _one(screen: Screen, manifest: Manifest) -> None:
    """A spoke's manifest in words."""
    from hansa.upkeep.extras import install, lacking

    if screen.json:
        screen.data(asdict(manifest))
        return
    screen.say(f"{manifest.name} {manifest.version}: {manifest.title}")
    screen.say(" ".join(manifest.reads.split()))
    screen.say(f"Makes {', '.join(_makes(manifest))}.")
    if manifest.is_live:
        screen.say(f"Keeps {_live(manifest)} up to date while the node is served.")
    if faults := lacking(manifest.extra):
        screen.say(f"Not all of it works here: {'; '.join(faults)}. Run: {install(manifest.extra)}")
    screen.say("")
    if not manifest.options:
        screen.say(
            "It has no options of its own; `hansa import --help` lists those of every import."
        )
        return
    rows = [
        (f"--{o.name.replace('_', '-')}", _kind(o), _plain(o.default), " ".join(o.help.split()))
        for o in manifest.options
    ]
    screen.table(("option", "value", "default", "what it does"), rows)


def _makes(manifest: Manifest) -> list[str]:
    """The types that it makes, or where they are said."""
    if manifest.produces:
        return list(manifest.produces)
    mapped = any(option.name == "mapping" for option in manifest.options)
    return ["whatever its mapping says" if mapped else "whatever the source holds"]


def _some(names: Sequence[str]) -> str:
    """The first few of many names: in a list the line must stay readable in a pipe as well."""
    more = len(names) - _SHOWN
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:_SHOWN])} and {more} more"


def _live(manifest: Manifest) -> str:
    if manifest.remote:
        return ", ".join((*manifest.produces, *manifest.live)) or "everything"
    return ", ".join(manifest.live)


def _kind(option: Option) -> str:
    if option.kind == "flag":
        return "yes or no"
    return " or ".join(option.choices) if option.choices else option.kind


def _plain(value: object) -> str:
    """A default as somebody would write it on the command line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
