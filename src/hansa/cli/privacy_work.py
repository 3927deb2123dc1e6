"""What ``hansa privacy`` changes, in the process that has the node open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hansa.cli.task import Given
from hansa.kernel.errors import BadRequest
from hansa.trust.principals import LOCAL

if TYPE_CHECKING:
    from hansa.node import Node

__all__ = ["do_privacy"]


def do_privacy(node: Node, task: str, given: Given) -> dict[str, Any]:
    """Do the task "measure" or "end-key" for the ``source``.

    Raises:
        BadRequest: there is no such task, or the source declares nothing to be measured.
        NotFound: there is no such source.
    """
    source = str(given["source"])
    node.trust.sources.get(source)
    if task == "measure":
        found = node.trust.privacy.measure(source, node.gate.reader(LOCAL))
        if found is None:
            raise BadRequest(
                f"source '{source}'",
                "does not say over which attributes k, l and t are measured",
                "add a step 'measure' with 'quasi' to its record",
            )
        return found
    if task == "end-key":
        return {"source": source, "destroyed": node.trust.privacy.keys.destroy(source)}
    raise BadRequest("the task", f"'{task[:50]}' is not one of privacy's")
