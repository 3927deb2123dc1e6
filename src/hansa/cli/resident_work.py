"""What ``hansa resident`` does, in the process that has the node open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hansa.kernel.errors import BadRequest
from hansa.trust.principals import LOCAL

if TYPE_CHECKING:
    from hansa.node import Node

__all__ = ["do_resident"]


def do_resident(node: Node, task: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Do a task of residents' data.

    Raises:
        BadRequest: there is no such task.
        HansaError: it cannot be done.
    """
    residents = node.trust.residents
    name, what = str(given.get("name", "")), str(given.get("what", ""))
    match task:
        case "list":
            return {"links": [asdict(each) for each in residents.theirs.all()]}
        case "requests":
            return {"requests": [asdict(each) for each in residents.wishes.all()]}
        case "consents":
            return {"consents": [asdict(each) for each in residents.consents.of(name)]}
        case "link":
            return asdict(residents.link(LOCAL, name, what, str(given.get("basis", ""))))
        case "unlink":
            residents.unlink(LOCAL, name, what)
        case "erase":
            residents.erase(LOCAL, name)
        case "readmit":
            residents.readmit(LOCAL, name)
        case "grant" | "refuse":
            granted, reason = task == "grant", str(given.get("basis", ""))
            return asdict(residents.decide(LOCAL, name, granted=granted, reason=reason))
        case _:
            raise BadRequest("the task", f"'{task[:50]}' is not one of residents' data")
    return {"done": task}
