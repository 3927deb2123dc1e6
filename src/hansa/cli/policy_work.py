"""What ``hansa policy`` asks and changes, in the process that has the node open."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hansa.cli.task import Given
from hansa.kernel.errors import BadRequest
from hansa.trust.principals import LOCAL

if TYPE_CHECKING:
    from hansa.node import Node

__all__ = ["do_policy"]


def do_policy(node: Node, task: str, given: Given) -> dict[str, Any]:
    """Do a task of the register of policies.

    Raises:
        BadRequest: there is no such task, or the policy is not of the profile.
        NotFound: there is no such policy, version or thing.
        Unavailable: it could not be logged or kept.
    """
    from hansa.trust.policy.parse import decoded
    from hansa.trust.policy.published import published
    from hansa.web.api.policies import preview

    policies, name = node.trust.policies, str(given.get("name", ""))
    match task:
        case "list":
            return {"policies": [published(each, whole=True) for each in policies.all()]}
        case "versions":
            return {"versions": [published(each, whole=True) for each in policies.versions(name)]}
        case "check":
            return {"differences": preview(node, name, decoded(str(given["policy"])))}
        case "add":
            raw = decoded(str(given["policy"]))
            return published(policies.declare(LOCAL, name, raw), whole=True)
        case "remove":
            return published(policies.withdraw(LOCAL, name), whole=True)
        case "restore":
            kept = policies.restore(LOCAL, name, int(given["version"]))
            return published(kept, whole=True)
        case "explain":
            who, what, attribute = (str(given[each]) for each in ("who", "what", "attribute"))
            found = node.trust.explainer.explain(
                LOCAL,
                who,
                what,
                attribute,
                tenant=given["tenant"] or None,
                purpose=given["purpose"] or None,
            )
            return asdict(found)
    raise BadRequest("the task", f"'{task[:50]}' is not one of the policies'")
