"""Commands that an error or a note suggests, with the folder in use: the node itself does not know how it was reached."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hansa.kernel.errors import HansaError

__all__ = ["naming", "with_folder"]

_COMMAND: Final = re.compile(r"'(hansa (?:source|algorithm) (?:declare|list|restore)(?: [^']*)?)'")
_USUAL: Final = Path("node")


def with_folder(text: str, folder: Path) -> str:
    """The text, with ``--folder`` in the commands that need it; none for the folder that they would take anyway."""
    if folder == _USUAL:
        return text
    named = shlex.quote(str(folder)).replace("'", '"')  # within a command that is quoted itself
    return _COMMAND.sub(lambda found: f"'{found[1]} --folder {named}'", text)


@contextmanager
def naming(folder: Path) -> Iterator[None]:
    """Have the errors of the block suggest commands about `folder`."""
    try:
        yield
    except HansaError as fault:
        fault.remedy = with_folder(fault.remedy, folder)
        raise
