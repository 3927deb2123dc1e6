"""What ``hansa account`` and ``hansa token`` do, in the process that has the node open and its log.

Nothing that proves who somebody is goes back to the command, but what it must show once: the secret of a
link, the text of a token.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from hansa.cli.task import Given
from hansa.kernel.errors import BadRequest

if TYPE_CHECKING:
    from hansa.node import Node
    from hansa.trust.identity.desk import Desk

__all__ = ["do_account", "do_token"]


def do_account(node: Node, task: str, given: Given) -> dict[str, Any]:
    """Do the task "list", "add", "roles", "disable", "enable", "reset", "end" or "link".

    Raises:
        BadRequest: there is no such task.
        HansaError: it cannot be done.
    """
    desk = node.trust.desk
    if task == "list":
        return {"accounts": _listed(desk)}
    name, roles = str(given["name"]), [str(role) for role in given.get("roles", ())]
    secret = ""
    match task:
        case "add":
            kind: Literal["resident", "staff"] = "resident" if given.get("resident") else "staff"
            secret = desk.links.make(desk.accounts.add(name, kind=kind, roles=roles).name)
        case "link":
            secret = desk.links.make(desk.accounts.named(name).name if name else "")
        case "reset":
            secret = desk.reset(name, factors=bool(given.get("factors")))
        case "end":
            desk.end_everything(name)
        case "roles":
            desk.accounts.set_roles(name, roles)
        case "disable" | "enable":
            desk.disable(name, disabled=task == "disable")
        case _:
            raise BadRequest("the task", f"'{task[:50]}' is not one of the accounts'")
    return {"link": secret}


def _listed(desk: Desk) -> list[dict[str, Any]]:
    return [
        {
            "account": each.name,
            "kind": each.kind,
            "roles": list(each.roles),
            "disabled": each.disabled,
            "second": bool(each.totp or each.passkeys),
            "last": each.last_login,
        }
        for each in desk.accounts.all()
    ]


def do_token(node: Node, task: str, given: Given) -> dict[str, Any]:
    """Do the task "list", "add" or "revoke".

    Raises:
        BadRequest: there is no such task.
        HansaError: it cannot be done.
    """
    desk, name = node.trust.desk, str(given.get("name") or "")
    match task:
        case "list":
            return {"tokens": [asdict(each) for each in desk.tokens.all(name or None)]}
        case "revoke":
            return asdict(desk.tokens.revoke(name))
        case "add":
            made, text = desk.tokens.add(
                desk.accounts.named(name).name,
                str(given["label"]),
                scopes=given["scopes"],
                types=given["types"],
                tenant=given["tenant"],
                days=int(given["days"]),
                source=str(given["source"]),
            )
            return {"id": made.id, "token": text, "expires": made.expires}
        case _:
            raise BadRequest("the task", f"'{task[:50]}' is not one of the tokens'")
