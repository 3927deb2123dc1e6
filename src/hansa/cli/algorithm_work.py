"""What ``hansa algorithm`` changes, in the process that has the node open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hansa.cli.task import Given
from hansa.kernel.errors import BadRequest
from hansa.trust.principals import LOCAL

if TYPE_CHECKING:
    from hansa.node import Node

__all__ = ["do_algorithm"]


def do_algorithm(node: Node, task: str, given: Given) -> dict[str, Any]:
    """Do the task "declare" or "retire" for the ``id``, or "list".

    Raises:
        BadRequest: there is no such task, or the record is not complete.
        Forbidden: the use is prohibited by law.
        NotFound: there is no such record.
    """
    register = node.trust.algorithms
    if task == "list":
        return {"algorithms": register.all()}
    if task == "declare":
        return register.declare(LOCAL, str(given["id"]), given["record"])
    if task == "retire":
        register.retire(LOCAL, str(given["id"]))
        return register.get(str(given["id"]))
    raise BadRequest("the task", f"'{task[:50]}' is not one of the register's")
