"""Work on a node's folder that needs the open node: done here, or by the node that serves the folder.

Tasks take what was asked for as plain data and give plain data back, so that both may pass through the back door of
a served node (:mod:`.control`). They stand in rooms; each room does one task at a time.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

from hansa.cli.hints import naming
from hansa.cli.rooms import ROOMS
from hansa.cli.task import Given, Progress, nothing

__all__ = ["in_node"]


def in_node(
    folder: Path, room: str, task: str, given: Given, progress: Progress = nothing
) -> dict[str, Any]:
    """The outcome of a task of a room.

    Raises:
        NotFound: there is no node in `folder`.
        HansaError: what goes wrong in the task.
    """
    from hansa.cli.control import ask
    from hansa.kernel.folder import Folder
    from hansa.kernel.settings_file import load
    from hansa.node import Node

    with naming(folder):
        holder = Folder.open(folder).holder()
        if holder is not None and holder.door:
            return ask(holder.door, room, task, given, progress)
        settings = load(folder, os.environ)
        with Folder.open(folder).locked(), closing(Node.open(folder, settings)) as node:
            return ROOMS[room](node, task, given, progress)
