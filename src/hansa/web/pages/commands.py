"""Commands that a page suggests, ready to be copied.

On a node without accounts, which only this machine reaches, they name the program and the folder as
this very node was started; on any other node a reader need not know where things lie, so the program
is ``hansa`` and the folder a word to be replaced.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from hansa.kernel.program import program
from hansa.web.shell.site import PageNode

__all__ = ["IMPORTS", "command"]

IMPORTS: Final = {
    "aequilibrae": "import aequilibrae project.zip",
    "osm": "import osm city.osm.pbf",
    "gtfs": "import gtfs feed.zip",
    "table": "import table trees.csv --mapping trees.toml",
}
"""How a city is brought, by spoke."""


def command(node: PageNode, words: str) -> str:
    """``hansa`` with these words and the option that names the node's folder."""
    if not node.settings.dev:
        return f"hansa {words} --folder FOLDER"
    return f"{shlex.quote(program())} {words} --folder {shlex.quote(_near(node.folder.root))}"


def _near(folder: Path) -> str:
    """The folder as seen from where the node was started, if it lies below."""
    here, there = Path.cwd(), folder.resolve()
    return str(there.relative_to(here)) if there.is_relative_to(here) else str(there)
