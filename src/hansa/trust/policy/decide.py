"""The rules, asked about one entity, or one attribute of it: allowed or not, and by which rule. Pure.

Deny by default, prohibition wins. This is the rules' meaning, said as plainly as it can be; views
(:mod:`.compile`) say the same of all entities at once, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hansa.kernel.errors import HansaError
from hansa.ngsild.city import city_iri
from hansa.ngsild.geo import from_geojson, relate
from hansa.ngsild.query import GeoFilter, GeoRelation
from hansa.ngsild.repair import mended
from hansa.ngsild.scope import in_scope
from hansa.store.patterns import pattern
from hansa.trust.policy.model import Rule

__all__ = ["Answer", "Code", "covers", "decided"]

Code = Literal["permitted", "prohibited", "no-rule", "operator", "administrator", "token", "dev"]


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether something is allowed, why, and the rule that decided."""

    allowed: bool
    code: Code
    rule: Rule | None = None
    group: int = 1
    """For aggregates: of how many entities an answer must at least be made."""

    @property
    def reason(self) -> str:
        """The reason in one sentence."""
        named = self.rule.id if self.rule is not None else ""
        return {
            "permitted": f"{named} permits it",
            "prohibited": f"{named} prohibits it",
            "no-rule": "no rule permits it",
            "operator": "the operator of the node may do everything",
            "administrator": "administrators of the node may do everything",
            "token": "the token does not reach that far",
            "dev": "this is a node for experiments, without accounts",
        }[self.code]


def decided(
    rules: Sequence[Rule], entity: Mapping[str, Any], attribute: str | None = None
) -> Answer:
    """The answer of the rules that concern somebody, about an entity or an attribute (an IRI) of it.

    Args:
        rules: those that concern whoever asks, for what they do, now.
        entity: in internal form.
        attribute: which attribute; ``None``: whether the entity is there at all.
    """
    for rule in rules:
        if not rule.permits and not rule.attributes and covers(rule, entity):
            return Answer(False, "prohibited", rule)
    if attribute is not None:
        return _of_attribute(rules, entity, attribute)
    refused: Answer | None = None
    found: list[Answer] = []
    for rule in rules:
        if not rule.permits or not covers(rule, entity):
            continue
        if not rule.attributes:
            found.append(Answer(True, "permitted", rule, rule.group))
            continue
        for name in rule.attributes:
            if name in entity:
                answer = _of_attribute([rule, *_prohibitions(rules)], entity, name)
                if answer.allowed:
                    found.append(answer)
                else:
                    refused = refused or answer
    return _least(found) or refused or Answer(False, "no-rule")


def _of_attribute(rules: Iterable[Rule], entity: Mapping[str, Any], name: str) -> Answer:
    found: list[Answer] = []
    for rule in rules:
        named = name in rule.attributes
        if not rule.permits and named and covers(rule, entity):
            return Answer(False, "prohibited", rule)
        if rule.permits and (named or not rule.attributes) and covers(rule, entity):
            found.append(Answer(True, "permitted", rule, rule.group))
    return _least(found) or Answer(False, "no-rule")


def _prohibitions(rules: Iterable[Rule]) -> list[Rule]:
    return [rule for rule in rules if not rule.permits]


def _least(answers: list[Answer]) -> Answer | None:
    return min(answers, key=lambda each: each.group, default=None)


def covers(rule: Rule, entity: Mapping[str, Any]) -> bool:
    """Whether the rule is about the entity, whatever attributes it names."""
    if rule.types and not any(name in entity["type"] for name in rule.types):
        return False
    if rule.id_pattern is not None and pattern(rule.id_pattern).search(entity["id"]) is None:
        return False
    if rule.scope is not None and not in_scope(rule.scope, entity.get("scope", [])):
        return False
    if rule.area is None:
        return True
    relation: GeoRelation = "within" if rule.permits else "intersects"
    return _is_there(GeoFilter(relation, rule.area, city_iri("location")), entity)


def _is_there(test: GeoFilter, entity: Mapping[str, Any]) -> bool:
    for instance in entity.get(test.attribute, ()):
        try:
            if instance["type"] == "GeoProperty" and relate(
                test, mended(from_geojson(instance["value"]), "a geometry")
            ):
                return True
        except HansaError:  # a tangle that cannot be mended is nowhere
            continue
    return False
