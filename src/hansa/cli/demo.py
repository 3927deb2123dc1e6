"""``hansa demo``: a real city, from nothing to the browser.

The first start fetches the city's data (they travel inside a Python package), imports them into a new
node beside its final place, and moves it there when it is complete; an interrupted start leaves
nothing half made. Every later start only serves it. ``--fresh`` builds anew in the same way, and takes
the old city away only when the new one is complete, and only where it was itself built by this command.
"""

from __future__ import annotations

import os
import shutil
import sys
import webbrowser
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from zoneinfo import ZoneInfo

import typer

from hansa.cli.console import Json, Screen
from hansa.cli.importing import following
from hansa.cli.serve import announce
from hansa.kernel.errors import Conflict

if TYPE_CHECKING:
    from hansa.node import Node
    from hansa.spokes.cities import City

__all__ = ["build", "register"]

_MARK: Final = "demo.city"
"""The file in a node that says which city of the demonstration it was built as."""

_DECLARED: Final = "demo.declared"
"""The file that says that the sources of such a node are declared; cities of before the register lack it."""

_AWAKE: Final = range(7, 22)
_MORNING: Final = "08:30"
"""Hours of the day in which the demonstration's buses run, and the time shown in the others."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    city: Annotated[str, typer.Option(help="Which city: coquimbo or helsinki.")] = "coquimbo",
    folder: Annotated[
        Path | None, typer.Option("--folder", "-f", help="Where the node is; default .demo/CITY.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port; default 1356, or a free one when that is in use.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Serve it, look it over through its API, and end.")
    ] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser.")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Build the city again, without what was added to it.")
    ] = False,
    clock: Annotated[
        str | None, typer.Option(help="Show timetables as of this time: 2016-04-13T08:30.")
    ] = None,
    json: Json = False,
) -> None:
    """Build a real city and serve it: the quickest way to see what Hansa is.

    The data are fetched once, with pip. The second start takes seconds; Ctrl-C stops the city, and
    nothing is lost. With `--check` no browser is needed: the node is served on a free port, its counts
    are compared with what the city is known to hold, every page, file and map tile is fetched, and the
    command ends with 0, or says what is wrong.

    Example: `hansa demo`

    Example: `hansa demo --city helsinki --port 8080 --no-browser`
    """
    from hansa.spokes.cities import find_city

    screen = Screen(json)
    plan = find_city(city)
    root = folder if folder is not None else _usual(plan)
    if fresh:
        _must_be_replaceable(plan, root)
    if fresh or not (root / "hansa.toml").exists():
        build(screen, plan, root)
    _declare_late(plan, root)
    if check:
        from hansa.cli.demo_check import inspect

        inspect(screen, plan, root, clock)
        return
    browser = not (no_browser or json) and _has_windows()
    if not _is_there(screen, plan, root, browser):
        _serve(screen, root, port, clock or _morning(screen, plan), browser)


def build(screen: Screen, city: City, root: Path) -> None:
    """Make the node of `city` in `root`, completely or not at all."""
    from contextlib import closing

    from hansa.cli.control import work_through
    from hansa.kernel.folder import Folder
    from hansa.kernel.settings_file import load, template
    from hansa.node import Node

    screen.note(f"Building {city.title} in {root}")
    with following(screen, "Fetching its data") as progress:
        source = city.fetch(progress)
    draft = root.with_name(f"{root.name}.building")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        folder = Folder.create(
            draft,
            template({"city": city.title, "timezone": city.timezone, "second_factor": "nobody"}),
        )
        with folder.locked(), closing(Node.open(draft, load(draft, os.environ))) as node:
            _declare(node, city)
            for spoke, request in city.requests(source):
                what = request.title.removeprefix(f"{city.title}: ").partition(" (")[0]
                with following(screen, f"Importing {what or request.name}") as progress:
                    work_through(node, spoke, request, False, progress)
        (draft / _DECLARED).touch()
        (draft / _MARK).write_text(f"{city.name}\n", encoding="utf-8")
        _swap(draft, root)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _declare(node: Node, city: City) -> None:
    """Put the records of the city's sources into the register."""
    from hansa.trust.principals import LOCAL

    for name, record in city.declarations():
        node.trust.sources.declare(LOCAL, name, record)


def _declare_late(city: City, root: Path) -> None:
    """Declare the sources of a city that was built before there was a register, unless it is being served."""
    from contextlib import closing

    from hansa.kernel.folder import Folder
    from hansa.kernel.settings_file import load
    from hansa.node import Node

    if (root / _DECLARED).exists() or Folder.open(root).holder() is not None:
        return
    with Folder.open(root).locked(), closing(Node.open(root, load(root, os.environ))) as node:
        _declare(node, city)
    (root / _DECLARED).touch()


def _usual(city: City) -> Path:
    """Where the node of a city is when nobody says otherwise."""
    return Path(".demo") / city.name


def _must_be_replaceable(city: City, root: Path) -> None:
    """Refuse to build over anything that this command did not build itself, or that is in use."""
    from hansa.kernel.folder import Folder

    if not root.exists():
        return
    with Folder.open(root).locked():
        mark = root / _MARK
        built_as = mark.read_text(encoding="utf-8").strip() if mark.is_file() else ""
    # Cities of before the mark stand in the usual place.
    if built_as != city.name and (built_as or root.resolve() != _usual(city).resolve()):
        raise Conflict(
            f"folder {root}",
            f"is a node that 'hansa demo' did not build as {city.title}, so it is left alone",
            "choose another --folder, or leave --fresh away to serve what is there",
        )


def _swap(draft: Path, root: Path) -> None:
    """Put the finished node in its place; what stood there goes when the new one stands."""
    from hansa.kernel.folder import Folder

    if not root.exists():
        draft.rename(root)
        return
    if not any(root.iterdir()):
        root.rmdir()
        draft.rename(root)
        return
    before = root.with_name(f"{root.name}.before")
    shutil.rmtree(before, ignore_errors=True)
    with Folder.open(root).locked():
        root.rename(before)
        try:
            draft.rename(root)
        except OSError:
            before.rename(root)
            raise
    shutil.rmtree(before, ignore_errors=True)


def _morning(screen: Screen, city: City) -> str | None:
    """A time at which buses run, if the city has a timetable and it is night there; else nothing."""
    now = datetime.now(ZoneInfo(city.timezone))
    if "GtfsTrip" not in city.counts or now.hour in _AWAKE:
        return None
    screen.note(
        f"It is {now:%H:%M} in {city.title}, and hardly a bus runs: you see the timetable of {_MORNING}."
    )
    return f"{now:%Y-%m-%d}T{_MORNING}"


def _is_there(screen: Screen, city: City, root: Path, browser: bool) -> bool:
    """Whether the city is being served already; then that is said, and its page opened."""
    from hansa.kernel.folder import Folder

    holder = Folder.open(root).holder()
    if holder is None or not holder.address:
        return False
    screen.say(f"{city.title} is being served already, at {holder.address}/")
    if screen.json:
        screen.data({"address": holder.address, "city": city.title})
    if browser:
        webbrowser.open(holder.address)
    return True


def _has_windows() -> bool:
    """Whether a browser would open beside this terminal, and not inside it."""
    names = ("DISPLAY", "WAYLAND_DISPLAY")
    return sys.platform == "darwin" or any(os.environ.get(name) for name in names)


def _serve(screen: Screen, root: Path, port: int | None, clock: str | None, browser: bool) -> None:
    from hansa.cli.server import run_node
    from hansa.kernel.settings_file import load

    settings = load(root, os.environ, {"port": port, "clock": clock})

    def ready(node: Node, address: str) -> None:
        announce(screen, node, address)
        if browser:
            webbrowser.open(address)

    def serve(at: int) -> None:
        run_node(root, settings, ready, settings.host, at)

    if port is None:
        _on_a_free_port(screen, settings.port, serve)
    else:
        serve(port)
    screen.note("Stopped; everything is saved.")


def _on_a_free_port(screen: Screen, port: int, serve: Callable[[int], None]) -> None:
    """Serve on the usual port, or on any free one when another program has it."""
    from hansa.cli.server import listen

    try:
        listen("127.0.0.1", port).close()
    except Conflict:
        screen.note(f"Port {port} is in use by another program, so a free one is taken.")
        port = 0
    serve(port)
