"""Rules in plain words: whom, what, which entities and attributes, when; each a label and a text in the page's language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from hansa.ngsild.scope import print_scope_query
from hansa.trust.policy.model import Party, Rule
from hansa.trust.policy.view import ACTIONS, Obligation
from hansa.web.pages.names import attribute_label, type_label
from hansa.web.pages.roles import ROLE_NAMES
from hansa.web.shell.language import Language

__all__ = ["ACTION_WORDS", "EXTENTS", "KIND_WORDS", "WHY", "facts", "party_words"]

ACTION_WORDS: Final = {
    "read": "see it",
    "aggregate": "see sums of it",
    "subscribe": "be told of changes",
    "republish": "pass it on",
}
KIND_WORDS: Final = {
    "public": "people who do not say who they are",
    "resident": "residents with an account",
    "staff": "staff of the city",
    "service": "services",
    "city": "other cities",
}
EXTENTS: Final = {"all": "All of it", "some": "A part of it", "none": "Nothing of it"}
WHY: Final = {
    "permitted": "A rule permits it, and none prohibits it.",
    "partly": "Rules permit a part of it; the rest is prohibited, or no rule permits it.",
    "prohibited": "A rule prohibits it, and that wins over every permission.",
    "no-rule": "No rule permits it, and what no rule permits is not shown.",
    "operator": "The operator of the node may do everything.",
    "administrator": "Administrators of the node may do everything.",
    "token": "The token does not reach that far.",
    "dev": "This is a node for experiments, without accounts.",
}
"""Why, by the code of an answer."""

Local = Callable[[datetime], datetime]


def party_words(tongue: Language, party: Party, *, whole: bool) -> str:
    """Whom a rule is about; the names of people only for those who may know them."""
    match party.kind:
        case "everyone":
            return tongue("everyone")
        case "kind":
            return tongue(KIND_WORDS[party.value])
        case "role":
            return tongue("staff with the role: {role}", role=tongue(ROLE_NAMES[party.value]))
        case "client":
            return tongue("the program {name}", name=party.value)
    person = not party.value.startswith(("algorithm:", "client:"))
    return tongue("one person") if person and not whole else party.value


def facts(
    tongue: Language, rule: Rule, term: Callable[[str], str], local: Local, *, whole: bool
) -> list[tuple[str, str]]:
    """What a rule says, line by line; `term` makes short names of IRIs."""
    parties = [party_words(tongue, each, whole=whole) for each in rule.parties]
    actions = [tongue(ACTION_WORDS[each]) for each in ACTIONS if each in rule.actions]
    found = [
        (tongue("Who"), ", ".join(dict.fromkeys(parties))),
        (
            tongue("Is permitted to") if rule.permits else tongue("Is not permitted to"),
            ", ".join(actions),
        ),
        (tongue("Of what"), _of_what(tongue, rule, term)),
    ]
    if rule.attributes:
        names = ", ".join(tongue(attribute_label(term(each))) for each in rule.attributes)
        found.append((tongue("Which attributes"), names))
    if rule.area is not None:
        found.append((tongue("Where"), tongue("in an area that the rule draws")))
    if rule.purposes:
        found.append((tongue("What for"), ", ".join(rule.purposes)))
    if rule.group > 1:
        found.append((tongue("Behind each sum at least"), tongue.number(rule.group)))
    if rule.since is not None:
        found.append((tongue("From"), tongue.instant(local(rule.since))))
    if rule.until is not None:
        found.append((tongue("Until"), tongue.instant(local(rule.until))))
    if rule.rate:
        often = tongue("{n} times a minute", n=tongue.number(rule.rate))
        found.append((tongue("How often at most"), often))
    return found + [(tongue("On condition"), _duty(tongue, each)) for each in rule.duties]


def _of_what(tongue: Language, rule: Rule, term: Callable[[str], str]) -> str:
    found = [tongue(type_label(term(each), many=True)) for each in rule.types]
    if rule.id_pattern is not None:
        found.append(tongue("whose identifier fits {pattern}", pattern=rule.id_pattern))
    if rule.scope is not None:
        found.append(tongue("in the scope {scope}", scope=print_scope_query(rule.scope)))
    return ", ".join(found) or tongue("everything")


def _duty(tongue: Language, duty: Obligation) -> str:
    match duty.kind:
        case "attribution":
            return tongue("name the source: {text}", text=duty.text)
        case "delete":
            return tongue("delete it after {duration}", duration=duty.text)
        case "no-transfer":
            return tongue("do not pass it on")
    return tongue("each reading is logged")
