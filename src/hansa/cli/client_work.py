"""What ``hansa client`` and ``hansa provider`` do, in the process that has the node open and its log."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hansa.cli.task import Given
from hansa.kernel.errors import BadRequest

if TYPE_CHECKING:
    from hansa.node import Node

__all__ = ["do_client", "do_provider"]


def do_client(node: Node, task: str, given: Given) -> dict[str, Any]:
    """Do the task "list", "add", "disable", "enable", "remove" or "new-key".

    Raises:
        BadRequest: there is no such task.
        HansaError: it cannot be done.
    """
    clients, id = node.trust.desk.clients, str(given.get("id", ""))
    match task:
        case "list":
            return {"clients": [asdict(each) for each in clients.all()]}
        case "add":
            clients.add(**given)
        case "disable" | "enable":
            clients.disable(id, disabled=task == "disable")
        case "remove":
            clients.remove(id)
        case "new-key":
            node.trust.desk.grants.new_key()
        case _:
            raise BadRequest("the task", f"'{task[:50]}' is not one of the clients'")
    return {"done": task}


def do_provider(node: Node, task: str, given: Given) -> dict[str, Any]:
    """Do the task "list", "add" or "remove". A provider's secret is not among what is listed.

    Raises:
        BadRequest: there is no such task.
        HansaError: it cannot be done.
    """
    providers = node.trust.desk.providers
    match task:
        case "list":
            return {
                "providers": [
                    {**asdict(each), "secret": bool(each.secret)} for each in providers.all()
                ]
            }
        case "add":
            providers.add(**given)
        case "remove":
            node.trust.desk.remove_provider(str(given["id"]))
        case _:
            raise BadRequest("the task", f"'{task[:50]}' is not one of the providers'")
    return {"done": task}
