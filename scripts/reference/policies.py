"""The reference of the policies' profile, from the tables that read them."""

from __future__ import annotations

from hansa.trust.policy.operands import DUTIES, LIMITS, OPERANDS
from hansa.trust.policy.parse import CITY, CONTEXT, POLICY_URN, PROFILE
from scripts.reference.markdown import code, page, table

_MEMBERS = (
    ("@context", "no", f"`{CONTEXT}`; never fetched"),
    (
        "@type",
        "yes",
        "`Set`; `Offer` and `Agreement` are for agreements between cities, and refused here",
    ),
    ("uid", "no", f"`{POLICY_URN}` and the policy's name"),
    ("profile", "yes", f"`{PROFILE}`"),
    ("title", "no", "a text, or an object with a text for `en`, `es`, `fr`, `ko`"),
    ("target", "yes", f"`{CITY}` for the city's own tenant, or `urn:hansa:tenant:` and a name"),
    ("permission, prohibition", "one rule at least", "lists of rules"),
)
_RULE = (
    ("action", "yes", "`read`, `aggregate`, `subscribe`, `republish`, or a list of them"),
    (
        "assignee",
        "yes",
        "`everyone`, `kind:public` (or `resident`, `staff`, `service`, `city`), `role:planner` (a role of staff), "
        "`name:ana` (an account), `client:bus` (a client), or a list of them",
    ),
    ("constraint", "no", "a list; all must hold"),
    ("duty", "no", "a list; permissions only"),
)


def make() -> str:
    """The text of ``policies.md``."""
    constraints = (
        (
            code(name),
            ", ".join(each.operators),
            each.form,
            f"Refused: {each.refused}." if each.refused else each.means + _where(name),
        )
        for name, each in OPERANDS.items()
    )
    duties = (
        (code(name), each.form, f"Refused: {each.refused}." if each.refused else each.means)
        for name, each in DUTIES.items()
    )
    heads = ("member", "needed", "what it is")
    return page(
        "Policies",
        "A policy is JSON in the shape of JSON-LD, in a closed profile of ODRL. What is not on this page is refused "
        "by name, with its place; nothing is fetched or evaluated. [Say who may see what](../how-to/say-who-may-see-what.md) "
        "shows how to write one.",
        "Without a permission there is nothing to see, and a prohibition wins over every permission. A prohibition to read "
        "forbids to subscribe and to republish as well, and leaves `aggregate` alone: that has rules of its own.",
        "`read` is asked for whatever somebody gets by asking: entities, history, tiles, exports, pages. `subscribe` is asked when a "
        "subscription is made, when a change is matched and when its notification is sent. `republish` is asked in addition where "
        "a service or a city hands on what it gets as a broker (a request or a subscription with a `Via` header). `aggregate` is asked where "
        "counts or sums alone are wanted of what may not be read.",
        "## The policy",
        table(heads, ((code(name), *rest) for name, *rest in _MEMBERS)),
        "## A rule",
        table(heads, ((code(name), *rest) for name, *rest in _RULE)),
        "## Constraints",
        "Each is an object with `leftOperand`, `operator` and `rightOperand`, and stands in a rule once.",
        table(("left operand", "operator", "right operand", "what it says"), constraints),
        "## Duties",
        "Each is an object with `action` and, where it says so, a `constraint`.",
        table(("action", "constraint", "what it says"), duties),
        "What goes with a permission goes with each answer of the API and each notification made under it, in the header "
        '`Hansa-Obligations`, a list of structured fields (RFC 9651): `attribution;text="City of Visby", '
        'delete;after="P30D", no-transfer`. The log names it beside the rules wherever a reading is logged (`duty:delete:P30D`), '
        "and the purpose (`purpose:research`).",
        "## Limits",
        table(("at most", "of"), ((f"{most:,}", what) for what, most in LIMITS.items())),
    )


def _where(name: str) -> str:
    each = OPERANDS[name]
    found = " Permissions only." if each.permissions_only else ""
    return found + (" Named assignees only." if each.bound_only else "")
