"""``hansa demo --check``: serve the city as a process of its own and look it over from outside."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import typer

from hansa.cli.console import Screen
from hansa.cli.inspection import Inspection
from hansa.kernel.errors import Unavailable
from hansa.kernel.folder import Folder

if TYPE_CHECKING:
    from hansa.spokes.cities import City

__all__ = ["inspect", "served"]

_START: Final = 60.0
_END: Final = 20.0
_PAGES: Final = ["/", "/data", "/openapi.json", "/contexts/city.jsonld", "/ngsi-ld/v1/types"]


def inspect(screen: Screen, city: City, root: Path, clock: str | None = None) -> None:
    """Serve the node in `root`, inspect it, and report; exit code 1 when something is wrong."""
    more = ["--clock", clock] if clock else []
    with served(root, more) as address, httpx.Client(timeout=60, http2=False) as client:
        look = Inspection(address, client)
        report: dict[str, Any] = {"city": city.title, "counts": look.counts(city.counts)}
        report["totals"] = {
            f"{type_name}.{attribute}": look.total(type_name, attribute, expected)
            for (type_name, attribute), expected in city.totals.items()
        }
        report["sources"] = look.sources(name for name, _ in city.declarations())
        with screen.progress("Fetching every page and file") as progress:
            report["pages"] = look.pages(_PAGES, progress)
        with screen.progress("Fetching map tiles") as progress:
            report["tiles"] = look.tiles(city.box, progress)
    _report(screen, report, look.faults)


def _report(screen: Screen, report: dict[str, Any], faults: list[str]) -> None:
    rows = [(name, count) for name, count in report["counts"].items()]
    rows += [(name, round(total)) for name, total in report["totals"].items()]
    rows += [("declared sources", report["sources"])]
    rows += [("pages and files", report["pages"]), ("map tiles with content", report["tiles"])]
    screen.table((report["city"], "found"), rows)
    if screen.json:
        screen.data({**report, "ok": not faults, "faults": faults})
    for fault in faults:
        screen.note(f"WRONG: {fault}")
    if faults:
        raise typer.Exit(1)
    screen.say("All as it should be.")


@contextmanager
def served(root: Path, more: list[str]) -> Iterator[str]:
    """The node in `root`, served by a process of its own on a free port; yields its address.

    Raises:
        Unavailable: it does not start, or does not end cleanly on Ctrl-C.
    """
    command = [sys.executable, "-m", "hansa.cli", "serve", "--folder", str(root), "--port", "0"]
    process = subprocess.Popen([*command, *more], stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        yield _address(process, root)
        process.send_signal(signal.SIGINT)
        code = process.wait(_END)
        if code:
            raise Unavailable("the node", f"ended with {code} on Ctrl-C", "see the lines above")
    except subprocess.TimeoutExpired as error:
        raise Unavailable("the node", "did not end on Ctrl-C", "see the lines above") from error
    finally:
        process.kill()
        process.wait()


def _address(process: subprocess.Popen[bytes], root: Path) -> str:
    """Where the process serves, once it answers."""
    until = time.monotonic() + _START
    while time.monotonic() < until and process.poll() is None:
        holder = Folder(root).holder()
        if holder and holder.process == process.pid and holder.address:
            try:
                httpx.get(f"{holder.address}/ngsi-ld/v1/types", timeout=5)
            except httpx.HTTPError:
                time.sleep(0.05)
            else:
                return holder.address
        time.sleep(0.05)
    raise Unavailable("the node", "did not start", "see the lines above, and run: hansa doctor")
