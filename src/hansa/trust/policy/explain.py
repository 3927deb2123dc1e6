"""What somebody may see of a thing, and why: the rules applied to one entity, one type, or one attribute of it.

An entity is asked about by the rules themselves; a type by counting, in the store, how many of its entities are there
for whoever it is. Whoever asks must be somebody: what another account may see, and whether an entity exists that one
may not see oneself, is told to those who keep the rules or check them, and to nobody else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import orjson

from hansa.kernel.clock import Clock
from hansa.kernel.errors import BadRequest, Forbidden, NotFound
from hansa.ngsild.query import Query, Seen, TypeName
from hansa.store.port import Reader
from hansa.trust.gate import Gate
from hansa.trust.policy.decide import Answer, covers, decided
from hansa.trust.policy.model import Rule
from hansa.trust.policy.parse import parse_party
from hansa.trust.policy.register import Policies
from hansa.trust.policy.view import View
from hansa.trust.principals import LOCAL, OPERATOR, PUBLIC, Principal, Role

__all__ = ["Explained", "Explainer"]

_KNOWING: Final = ("data_officer", "auditor")


@dataclass(frozen=True, slots=True)
class Explained:
    """An answer with its reason.

    Attributes:
        who: who was asked about, as the rules name them.
        what: the IRI of the entity or type.
        kind: which of the two it is.
        attribute: the IRI of the attribute asked about; "": the thing itself.
        extent: whether all of it is there, a part (some entities, or some attributes), or none.
        code: why, in a word.
        rule: the rule that decided, where one did.
        rules: all rules about it, for whoever it is.
        seen, total: of a type, how many entities there are for whoever it is, and at all; ``None`` for an entity,
            and for those who may not know.
        reason: all of it in one sentence.
        sums: of what may not be read wholly, of how many entities at least sums may be seen; 0: none may.
    """

    who: str
    what: str
    kind: Literal["entity", "type"]
    attribute: str
    extent: Literal["all", "some", "none"]
    code: str
    rule: str
    rules: tuple[str, ...]
    seen: int | None
    total: int | None
    reason: str
    sums: int = 0


class Explainer:
    """Explains the rules of a node.

    Args:
        gate: knows whom no rule concerns.
        policies: the rules.
        named: the principal of an account, client or algorithm by its name, or ``None``.
        clock: the node's time.
        expand: a short name to its IRI, in the city's words.
    """

    def __init__(
        self,
        gate: Gate,
        policies: Policies,
        named: Callable[[str], Principal | None],
        clock: Clock,
        expand: Callable[[str], str],
    ) -> None:
        self._gate, self._policies, self._named = gate, policies, named
        self._clock, self._expand = clock, expand

    def explain(
        self,
        asker: Principal,
        who: str,
        what: str,
        attribute: str = "",
        *,
        tenant: str | None = None,
        purpose: str | None = None,
    ) -> Explained:
        """Whether `who` may read `what`, or an attribute of it, and why.

        Args:
            asker: who wants to know.
            who: public, kind:…, role:…, name:…, client:…, or the name of an account.
            what: the identifier of an entity, or a type.
            attribute: a name or IRI.
            tenant: the tenant; ``None`` is the city's own.
            purpose: what `who` would say that it asks for.

        Raises:
            BadRequest: `who` or `what` is nothing.
            Forbidden: `asker` may not know that.
            NotFound: there is no such account or thing, or `asker` may not know of it.
        """
        if not what or len(what) > 2000:
            raise BadRequest("what to explain", "is not said", "give an entity's id or a type")
        principal = self._principal(asker, who, purpose)
        label = "the public" if principal.kind == "public" else who
        reader = self._gate.reader(asker, tenant)
        iri = self._expand(attribute) if attribute else ""
        view = self._gate.view(principal, "read", tenant, counts=False)
        found = reader.get(what)
        if found is not None:
            whole = self._gate.reader(LOCAL, tenant).get(what) if knows(asker) else found
            entity = orjson.loads(whole or found)
            told = self._of_entity(label, principal, tenant, entity, iri, view)
            return self._with_sums(told, principal, tenant, entity["type"], iri)
        type = self._expand(what)
        if self._is_known(type, reader, tenant):
            told = self._of_type(label, principal, tenant, type, iri, view, knows(asker))
            return self._with_sums(told, principal, tenant, [type], iri)
        raise NotFound(
            what[:200],
            "is neither an entity nor a type here, or is not there for you to see",
            "look at the data, or ask while logged in",
        )

    def _is_known(self, type: str, reader: Reader, tenant: str | None) -> bool:
        """Whether the asker sees something of a type, or a rule, which all may read, names it."""
        named = (rule.types for rule in self._policies.book().rules(tenant))
        return any(type in shape.types for shape in reader.shapes()) or any(
            type in types for types in named
        )

    def _with_sums(
        self,
        told: Explained,
        principal: Principal,
        tenant: str | None,
        types: Sequence[str],
        attribute: str,
    ) -> Explained:
        """The answer, with what may be summed up of what may not be read."""
        layer: View | None = self._gate.view(principal, "aggregate", tenant, counts=False)
        reader = self._gate.reader(LOCAL, tenant)
        while told.extent != "all" and layer is not None:
            least, seen = layer.smallest_group, layer.seen
            if least > 1 and any(counted(reader, t, attribute, seen) >= least for t in types):
                more = f"; sums of at least {least} entities may be seen"
                return replace(told, sums=least, reason=told.reason + more)
            layer = layer.wider
        return told

    def _of_entity(
        self,
        who: str,
        principal: Principal,
        tenant: str | None,
        entity: Mapping[str, Any],
        attribute: str,
        view: View,
    ) -> Explained:
        if attribute and attribute not in entity:
            raise NotFound(f"attribute {attribute[:200]}", "is not there", "look at the entity")
        rules = self._rules(principal, tenant)
        beyond = self._beyond_rules(principal, view)
        answer = beyond or decided(rules, entity, attribute or None)
        part = (
            answer.allowed
            and not beyond
            and not attribute
            and not all(decided(rules, entity, name).allowed for name in _attributes(entity))
        )
        about = [
            rule.id
            for rule in rules
            if covers(rule, entity) and (not rule.attributes or attribute in ("", *rule.attributes))
        ]
        return Explained(
            who,
            str(entity["id"]),
            "entity",
            attribute,
            "some" if part else "all" if answer.allowed else "none",
            "partly" if part else answer.code,
            answer.rule.id if answer.rule else "",
            tuple(about),
            None,
            None,
            f"{who} {'may' if answer.allowed else 'may not'} read it"
            f"{', without some of its attributes' if part else ''}: {answer.reason}",
        )

    def _of_type(
        self,
        who: str,
        principal: Principal,
        tenant: str | None,
        type: str,
        attribute: str,
        view: View,
        knowing: bool,
    ) -> Explained:
        reader = self._gate.reader(LOCAL, tenant)
        total = counted(reader, type, attribute)
        seen = counted(reader, type, attribute, view.seen)
        extent: Literal["all", "some", "none"] = (
            "none" if not seen else "all" if seen == total else "some"
        )
        if extent == "all" and not attribute and not view.whole:
            names = {n for s in reader.shapes() if type in s.types for n in s.attributes}
            hidden = any(
                counted(reader, type, n) != counted(reader, type, n, view.seen) for n in names
            )
            extent = "some" if hidden else "all"
        about = [
            rule
            for rule in self._rules(principal, tenant)
            if (not rule.types or type in rule.types)
            and (not rule.attributes or attribute in ("", *rule.attributes))
        ]
        code, rule = _why(extent, about)
        beyond = self._beyond_rules(principal, view)
        reason = beyond.reason if beyond else _said(extent, about)
        return Explained(
            who,
            type,
            "type",
            attribute,
            extent,
            beyond.code if beyond else code,
            "" if beyond else rule,
            () if beyond else tuple(each.id for each in about),
            seen if knowing else None,
            total if knowing else None,
            f"{who} may read {extent} of them: {reason}",
        )

    def _rules(self, principal: Principal, tenant: str | None) -> list[Rule]:
        return self._policies.book().concerning(principal, "read", tenant, self._clock.now())

    def _beyond_rules(self, principal: Principal, view: View) -> Answer | None:
        """The answer for those whom no rule concerns."""
        if principal.kind == "operator":
            return Answer(True, "operator")
        if self._gate.decide(PUBLIC, "write").allowed:
            return Answer(True, "dev")
        if view.whole and principal.has("administrator"):
            return Answer(True, "administrator")
        return None

    def _principal(self, asker: Principal, who: str, purpose: str | None) -> Principal:
        if who in ("", "public", "everyone", "kind:public"):
            return Principal(PUBLIC.name, "public", purpose=purpose)
        if who == "operator":
            return OPERATOR
        kind, _, value = who.partition(":")
        if kind in ("kind", "role"):
            parse_party(who)
            roles: frozenset[Role] = frozenset({value}) if kind == "role" else frozenset()  # type: ignore[arg-type]
            of_kind = "staff" if kind == "role" else value
            return Principal(who, of_kind, roles, purpose=purpose)  # type: ignore[arg-type]
        if not knows(asker) and who != asker.name:
            raise Forbidden(
                "what others may see",
                "is told to data officers, auditors and administrators",
                "ask about the public, a kind or a role",
            )
        found = self._named(who.removeprefix("name:"))
        if found is None:
            raise NotFound(
                f"{who[:80]}",
                "is nobody known here",
                "write public, kind:…, role:…, client:… or an account",
            )
        return found if purpose is None else replace(found, purpose=purpose)


def _attributes(entity: Mapping[str, Any]) -> list[str]:
    """The IRIs of its attributes: what has instances."""
    return [
        name
        for name, value in entity.items()
        if isinstance(value, list) and value and isinstance(value[0], Mapping)
    ]


def knows(asker: Principal) -> bool:
    """Whether `asker` keeps the rules, or checks them."""
    may = asker.narrowing is None or asker.may("admin")
    return may and any(map(asker.has, (*_KNOWING, "administrator")))  # type: ignore[arg-type]


def counted(reader: Reader, type: str, attribute: str = "", seen: Seen | None = None) -> int:
    """How many entities of a type there are, with an attribute, of what is seen."""
    query = Query(
        types=TypeName(type),
        attributes=(attribute,) if attribute else (),
        seen=seen,
        limit=0,
        count=True,
    )
    return reader.query(query).total or 0


def _why(extent: str, about: list[Rule]) -> tuple[str, str]:
    """The code, and the rule that decided."""
    permissions = [rule.id for rule in about if rule.permits]
    prohibitions = [rule.id for rule in about if not rule.permits]
    if extent == "some":
        return "partly", permissions[0] if permissions else ""
    if extent != "none":
        return "permitted", permissions[0] if permissions else ""
    if permissions and prohibitions:
        return "prohibited", prohibitions[0]
    return "no-rule", ""


def _said(extent: str, about: list[Rule]) -> str:
    permissions = ", ".join(rule.id for rule in about if rule.permits)
    prohibitions = ", ".join(rule.id for rule in about if not rule.permits)
    if not permissions:
        return "no rule permits it"
    if extent == "none":
        return (
            f"{prohibitions} prohibits it" if prohibitions else f"{permissions} fits none of them"
        )
    tail = f", less what {prohibitions} prohibits" if prohibitions else ""
    return f"{permissions} permits it{tail}"
