"""Policies as they are written: JSON in the shape of JSON-LD, read strictly. Pure.

Checks run in this order: length, nesting, JSON (no name twice, no NaN), then each member from the outside in. What is
not of the profile is refused by name with its place; nothing is passed over, fetched or evaluated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final, cast, get_args

from hansa.kernel.errors import BadRequest
from hansa.trust.policy.model import Party, PartyKind, Policy, Rule
from hansa.trust.policy.operands import DUTIES, LIMITS, OPERANDS, Operator
from hansa.trust.policy.place import Place
from hansa.trust.policy.view import ACTIONS, Action, Obligation
from hansa.trust.principals import KINDS, ROLES

__all__ = ["CITY", "CONTEXT", "POLICY_URN", "PROFILE", "decoded", "parse_party", "parse_policy"]

CONTEXT: Final = "http://www.w3.org/ns/odrl.jsonld"
PROFILE: Final = "urn:hansa:odrl-profile:1"
POLICY_URN: Final = "urn:hansa:policy:"
_TENANT_URN: Final = "urn:hansa:tenant:"
CITY: Final = "urn:hansa:city"
"""The target of rules about the city's own tenant."""

_TENANT: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_DUTY_OPERANDS: Final = {"attribute": ("attributedParty", "eq"), "delete": ("elapsedTime", "lteq")}
_LANGUAGES: Final = ("en", "es", "fr", "ko")
_KINDS_OF_PARTY: Final = get_args(PartyKind)

Expand = Callable[[str], str]


def decoded(content: bytes | str) -> Any:
    """What the JSON text says.

    Raises:
        BadRequest: it is too long, too deep, no JSON, or names a member twice.
    """
    most = LIMITS["bytes of a policy"]
    place = Place()
    try:
        text = content.decode("utf-8") if isinstance(content, bytes) else content
        size = len(text.encode("utf-8"))
    except UnicodeError:
        raise place.fault("is not encoded as UTF-8", "encode it so") from None
    if size > most:
        raise place.fault(f"is longer than {most:,} bytes", "make several policies of it")
    _check_depth(text)
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as fault:
        raise BadRequest(
            f"the policy, line {fault.lineno}, column {fault.colno}",
            f"is no JSON: {fault.msg}",
            "correct it there",
        ) from None
    except ValueError as fault:  # a number of thousands of digits
        raise place.fault(f"cannot be read ({str(fault)[:100]})", "look at its numbers") from None


def parse_policy(name: str, document: object, expand: Expand, *, version: int = 1) -> Policy:
    """The policy that `document`, which JSON gave, says.

    Args:
        name: what it is kept under.
        document: the policy.
        expand: a short name to its IRI, in the city's words.
        version: which version of it; part of the identifiers of its rules.

    Raises:
        BadRequest: it is not of the profile, or says what the node cannot carry out; says where.
    """
    top = Place()
    found = top.members(
        document,
        {
            "@context": False,
            "@type": True,
            "uid": False,
            "profile": True,
            "title": False,
            "target": True,
            "permission": False,
            "prohibition": False,
        },
    )
    _check_head(name, found)
    rules: list[Rule] = []
    for kind in ("permission", "prohibition"):
        if kind in found:
            place = top.at(kind)
            items = place.items(found[kind], LIMITS["rules in a policy"], least=1)
            rules += [
                _rule(
                    place.at(i),
                    f"{name}:{version}/{kind}/{i + 1}",
                    kind == "permission",
                    item,
                    expand,
                )
                for i, item in enumerate(items)
            ]
    if not 1 <= len(rules) <= LIMITS["rules in a policy"]:
        most = LIMITS["rules in a policy"]
        raise top.fault(f"has {len(rules)} rules", f"give 1 to {most} permissions and prohibitions")
    title = _title(top.at("title"), found.get("title", {}))
    return Policy(name, _tenant(top.at("target"), found["target"]), title, tuple(rules), found)


def parse_party(text: str, place: Place | None = None) -> Party:
    """The party that a text such as ``role:planner`` names.

    Raises:
        BadRequest: it names none.
    """
    place = place or Place("assignee")
    kind, colon, value = text.partition(":")
    if kind not in _KINDS_OF_PARTY or bool(colon) != (kind != "everyone"):
        raise place.fault(
            f"{text[:50]!r} names nobody",
            "write everyone, kind:…, role:…, name:… or client:…",
        )
    if kind == "kind":
        place.one_of(value, tuple(each for each in KINDS if each != "operator"))
    elif kind == "role":
        place.one_of(value, ROLES)
    elif kind in ("name", "client"):
        place.name(value)
    return Party(cast(PartyKind, kind), value)


def _check_head(name: str, found: dict[str, Any]) -> None:
    top = Place()
    if found.get("@context", CONTEXT) != CONTEXT:
        raise top.at("@context").fault("is another one", f"write {CONTEXT!r}; it is not fetched")
    if found["@type"] in ("Offer", "Agreement"):
        raise top.at("@type").fault(
            f"'{found['@type']}' is for agreements between cities", "write Set"
        )
    top.at("@type").one_of(found["@type"], ("Set",))
    top.at("profile").one_of(found["profile"], (PROFILE,))
    if found.get("uid", POLICY_URN + name) != POLICY_URN + name:
        raise top.at("uid").fault("is not its name", f"write {POLICY_URN}{name}, or leave it out")


def _title(place: Place, value: object) -> dict[str, str]:
    if isinstance(value, str):
        return {"en": place.text(value)}
    members = place.members(value, dict.fromkeys(_LANGUAGES, False))
    return {code: place.at(code).text(text) for code, text in members.items()}


def _tenant(place: Place, value: object) -> str | None:
    if value == CITY:
        return None
    name = value.removeprefix(_TENANT_URN) if isinstance(value, str) else ""
    if not _TENANT.fullmatch(name) or value == name:
        raise place.fault(
            "is no tenant of this node", f"write {CITY}, or {_TENANT_URN} and its name"
        )
    return name


def _rule(place: Place, id: str, permits: bool, value: object, expand: Expand) -> Rule:
    known = {"action": True, "assignee": True, "constraint": False} | (
        {"duty": False} if permits else {}
    )
    members = place.members(value, known)
    actions = _actions(place.at("action"), members["action"])
    parties = _parties(place.at("assignee"), members["assignee"])
    fields: dict[str, Any] = {}
    if "duty" in members:
        fields["duties"] = _duties(place.at("duty"), members["duty"])
    if "constraint" in members:
        _constraints(
            place.at("constraint"), members["constraint"], permits, parties, fields, expand
        )
    _check_aggregate(place, permits, actions, fields)
    return Rule(id, permits, actions, parties, **fields)


def _actions(place: Place, value: object) -> frozenset[Action]:
    items = [value] if isinstance(value, str) else place.items(value, len(ACTIONS), least=1)
    return frozenset(cast(Action, place.one_of(item, ACTIONS)) for item in items)


def _parties(place: Place, value: object) -> tuple[Party, ...]:
    if isinstance(value, str):
        return (parse_party(place.text(value), place),)
    items = place.items(value, LIMITS["parties of a rule"], least=1)
    texts = [(place.at(i), place.at(i).text(item)) for i, item in enumerate(items)]
    return tuple(dict.fromkeys(parse_party(text, at) for at, text in texts))


def _constraints(
    place: Place,
    value: object,
    permits: bool,
    parties: tuple[Party, ...],
    fields: dict[str, Any],
    expand: Expand,
) -> None:
    seen: set[str] = set()
    for i, item in enumerate(place.items(value, LIMITS["constraints of a rule"])):
        at = place.at(i)
        members = at.members(item, {"leftOperand": True, "operator": True, "rightOperand": True})
        left = at.at("leftOperand").one_of(members["leftOperand"], tuple(OPERANDS))
        operand = OPERANDS[left]
        if operand.refused:
            raise at.fault(f"'{left}' cannot be carried out: {operand.refused}", "leave it out")
        if operand.permissions_only and not permits:
            raise at.fault(f"'{left}' says nothing in a prohibition", "leave it out")
        if operand.bound_only and not all(map(_is_bound, parties)):
            raise at.fault(
                f"'{left}' binds nobody who has no name", "name the assignees, not everyone"
            )
        if left in seen and left != "dateTime":
            raise at.fault(f"'{left}' is there twice", "say it in one constraint")
        seen.add(left)
        operator = at.at("operator").one_of(members["operator"], operand.operators)
        right = at.at("rightOperand")
        operand.read(right, cast(Operator, operator), members["rightOperand"], fields, expand)


def _is_bound(party: Party) -> bool:
    """Whether who belongs to it has a name, and so can have promised something."""
    return party.kind != "everyone" and party != Party("kind", "public")


def _duties(place: Place, value: object) -> tuple[Obligation, ...]:
    found = []
    for i, item in enumerate(place.items(value, LIMITS["duties of a rule"])):
        at = place.at(i)
        members = at.members(item, {"action": True, "constraint": False})
        action = at.at("action").one_of(members["action"], tuple(DUTIES))
        if why := DUTIES[action].refused:
            raise at.fault(f"the duty '{action}' cannot be carried out: {why}", "leave it out")
        found.append(DUTIES[action].read(at, _of_duty(at, action, members.get("constraint"))))
    return tuple(dict.fromkeys(found))


def _of_duty(place: Place, action: str, value: object) -> object:
    """The right operand of a duty's only constraint."""
    wanted = _DUTY_OPERANDS.get(action)
    if wanted is None:
        return value
    left, operator = wanted
    at = place.at("constraint")
    (item,) = at.items([] if value is None else value, 1, least=1)
    at = at.at(0)
    members = at.members(item, {"leftOperand": True, "operator": True, "rightOperand": True})
    at.at("leftOperand").one_of(members["leftOperand"], (left,))
    at.at("operator").one_of(members["operator"], (operator,))
    return members["rightOperand"]


def _check_aggregate(
    place: Place, permits: bool, actions: frozenset[Action], fields: dict[str, Any]
) -> None:
    if permits and "aggregate" in actions and "group" not in fields:
        raise place.fault(
            "permits to aggregate without a least size of groups",
            "add groupSize gteq 2 or more; what may be read may be summed without it",
        )
    if "group" in fields and actions != {"aggregate"}:
        raise place.fault(
            "has a least size of groups, and not aggregate alone for its action",
            "make two permissions of it",
        )
    passes_on = "republish" in actions
    if passes_on and Obligation("no-transfer") in fields.get("duties", ()):
        raise place.fault("permits to republish, and forbids to pass on", "take one of them out")


def _check_depth(text: str) -> None:
    """Refuse nesting that would exhaust a reader, before one reads it."""
    depth, most = 0, LIMITS["levels of nesting"]
    for found in re.finditer(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[\[{]|[\]}]', text, re.DOTALL):
        sign = found[0]
        if sign in ("[", "{"):
            depth += 1
            if depth > most:
                raise Place().fault(f"is nested deeper than {most} levels", "make it flatter")
        elif sign in ("]", "}"):
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise BadRequest(
                "the policy", f"names {name[:50]!r} twice in one object", "name it once"
            )
        found[name] = value
    return found


def _no_constant(text: str) -> Any:
    raise BadRequest("the policy", f"has the number {text}", "JSON has no such number")
