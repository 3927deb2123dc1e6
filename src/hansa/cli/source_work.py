"""What ``hansa source`` reads and changes, in the process that has the node open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hansa.cli.task import Given
from hansa.kernel.errors import BadRequest
from hansa.trust.principals import LOCAL

if TYPE_CHECKING:
    from hansa.node import Node

__all__ = ["do_source"]


def do_source(node: Node, task: str, given: Given) -> dict[str, Any]:
    """Do a task: "list", or for the ``id`` "state", "versions", "declare", "withdraw", "restore".

    Raises:
        BadRequest: there is no such task, or the record is not complete.
        RedLine: no city may have such a source.
        NotFound: there is no such record.
    """
    register, id = node.trust.sources, str(given.get("id", ""))
    match task:
        case "list":
            return {"sources": register.all()}
        case "state":
            found = register.find(id)
            return {"record": found, "known": register.filled({"adapter": given["adapter"]})}
        case "versions":
            return {"versions": register.versions(id)}
        case "declare":
            return register.declare(LOCAL, id, given["record"])
        case "withdraw":
            return register.withdraw(LOCAL, id)
        case "restore":
            return register.restore(LOCAL, id, int(given["version"]))
    raise BadRequest("the task", f"'{task[:50]}' is not one of the register's")
