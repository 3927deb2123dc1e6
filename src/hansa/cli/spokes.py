"""``hansa spokes``: the kinds of sources that a node can read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from hansa.cli.console import Json, Screen

__all__ = ["register"]


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
        [(m.name, m.title, ", ".join(m.produces), _live(m)) for m in manifests],
    )
    if json:
        screen.data([asdict(manifest) for manifest in manifests])


def _one(screen: Screen, manifest: Any) -> None:
    """A spoke's manifest in words."""
    if screen.json:
        screen.data(asdict(manifest))
        return
    screen.say(f"{manifest.name} {manifest.version}: {manifest.title}")
    screen.say(" ".join(manifest.reads.split()))
    makes = ", ".join(manifest.produces) or "whatever its mapping says"
    screen.say(f"Makes {makes}.")
    if manifest.is_live:
        screen.say(f"Keeps {_live(manifest)} up to date while the node is served.")
    if manifest.extra:
        screen.say(f"All of it with: pip install 'hansa[{manifest.extra}]'")
    screen.say("")
    rows = [
        (f"--{o.name.replace('_', '-')}", _kind(o), str(o.default), " ".join(o.help.split()))
        for o in manifest.options
    ]
    screen.table(("option", "value", "default", "what it does"), rows)


def _live(manifest: Any) -> str:
    if manifest.remote:
        return ", ".join((*manifest.produces, *manifest.live)) or "everything"
    return ", ".join(manifest.live)


def _kind(option: Any) -> str:
    return " or ".join(option.choices) if option.choices else str(option.kind)
