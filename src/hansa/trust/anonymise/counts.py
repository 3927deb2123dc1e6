"""How many there are, with noise: questions about what is stored, answered under the budget of the source they concern.

In this order: who asks is somebody the node knows; the source declares a budget; the question is well formed and bounded; of
what there is, what they may read is counted; then it is paid for; then the noise is drawn and the answer goes out, to the public as well: an answer that was paid for
once can be read by anyone from then on.

One entity is one individual. Several questions about the same ones cost the sum of what each costs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal, get_args

import orjson

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import BadRequest, Forbidden, NotFound, Unauthorized
from hansa.ngsild.city import city_context, city_iri
from hansa.ngsild.model import LOCATION, Entity
from hansa.store.port import Reader
from hansa.trust.anonymise.cells import FINEST, cell_of
from hansa.trust.anonymise.groups import Group, plain_value, written
from hansa.trust.anonymise.noise import Cost, Kind, make_noise
from hansa.trust.anonymise.room import Anonymiser
from hansa.trust.anonymise.stored import entities
from hansa.trust.principals import Principal
from hansa.trust.vault import Vault

__all__ = ["ANSWERS", "Counts"]

ANSWERS: Final = "privacy-answer"
"""The kind of the vault's records of answers that were given."""

_PARTS: Final = frozenset({"source", "type", "by", "epsilon", "among"})
_CELL: Final = re.compile(r"cell:(\d{1,2})")
_LEAST: Final = 0.001
_MOST: Final = 10.0
_MOST_AMONG: Final = 1_000
_KEPT: Final = 200
_GONE: Final = city_iri("vanishedAt")
Known = Literal["staff", "service", "city", "operator"]


class Counts:
    """Answers questions about numbers.

    Args:
        room: whose budget is charged.
        vault: where answers are kept.
        store: what somebody may have counted of a type (an IRI).
        clock: the node's time.
    """

    def __init__(
        self,
        room: Anonymiser,
        vault: Vault,
        store: Callable[[Principal, str], Reader],
        clock: Clock,
    ) -> None:
        self._room, self._vault, self._store, self._clock = room, vault, store, clock

    def check(self, who: Principal) -> None:
        """See that `who` may spend.

        Raises:
            Forbidden, Unauthorized: they may not.
        """
        if who.kind not in get_args(Known) or not who.may("read"):
            refusal = Unauthorized if who.kind == "public" else Forbidden
            raise refusal(
                "counting with noise",
                "spends a budget, so only accounts of staff, services and cities may ask",
                "read the answers that were given before, or send a token as 'Bearer …'",
            )

    def ask(self, who: Principal, raw: object) -> dict[str, Any]:
        """How many entities of a ``type`` of a ``source`` there are, ``by`` an attribute's value or a cell.

        Args:
            who: only those the node knows may spend.
            raw: ``source``, ``type``, ``epsilon``; optionally ``by`` (an attribute, or ``cell:7``) and ``among``, the
                only values that are counted: then small groups are told as well, and no δ is charged.

        Raises:
            Forbidden, Unauthorized: `who` may not, or the budget has not that much left.
            NotFound: the source declares no budget.
            BadRequest: the question is none.
            MissingExtra: OpenDP is not installed.
        """
        self.check(who)
        asked = _read(raw)
        terms = self._room.steps_of(asked["source"]).budget
        if terms is None:
            raise NotFound(
                f"source {asked['source'][:100]}",
                "declares no privacy budget, so nothing of it is counted this way",
                "look at /hansa/v1/privacy for those that do",
            )
        known = asked["among"] is not None or not asked["by"]
        kind: Kind = "laplace" if known else "threshold"
        cost = Cost.of(asked["epsilon"], 0.0 if known else terms.delta / 100)
        if not known and not cost.delta:
            raise BadRequest(
                "the question",
                "asks for groups that are not known beforehand, and the source's budget has no delta",
                "name the values that are counted, with 'among'",
            )
        noise = make_noise(kind, cost)
        counts = self._counted(self._store(who, asked["type"]), asked)
        question = {
            "types": [city_context().compact(asked["type"])],
            "by": [asked["by"]] if asked["by"] else [],
            "noise": kind,
            "within95": noise.accuracy,
        }
        spent = self._room.budget.spend(asked["source"], terms, cost, noise.certified, question)
        answer = {
            **question,
            "source": asked["source"],
            "number": spent.number,
            "at": iso(self._clock.now()),
            "epsilon": cost.numbers[0],
            "delta": cost.numbers[1],
            "leastTold": noise.threshold,
            "counts": _told(noise.on(counts)),
            "left": dict(zip(("epsilon", "delta"), spent.left.numbers, strict=True)),
        }
        self._vault.put(ANSWERS, f"{asked['source']}#{spent.number % _KEPT}", answer)
        return answer

    def answers(self, source: str | None = None) -> list[dict[str, Any]]:
        """The latest answers that were given, the newest first."""
        found = self._vault.all(ANSWERS)
        mine = [each for each in found if source is None or each["source"] == source]
        return sorted(mine, key=lambda each: str(each["at"]), reverse=True)

    def _counted(self, store: Reader, asked: Mapping[str, Any]) -> dict[Group, int]:
        """Exact numbers: for noise alone."""
        by = asked["by"]
        group = _grouping(by)
        counts: dict[Group, int] = {}
        if asked["among"] is not None:
            counts = dict.fromkeys(((value,) for value in asked["among"]), 0)
        elif not by:
            counts = {(): 0}
        for entity in _present(store, asked):
            found = group(entity)
            if asked["among"] is None or found in counts:
                counts[found] = counts.get(found, 0) + 1
        return counts


def _present(store: Reader, asked: Mapping[str, Any]) -> Iterator[Entity]:
    for entity in entities(store, asked["source"], asked["type"]):
        if _GONE not in entity:
            yield entity


def _grouping(by: str) -> Callable[[Entity], Group]:
    if not by:
        return lambda entity: ()
    if match := _CELL.fullmatch(by):
        resolution = int(match[1])
        return lambda entity: (written(cell_of(plain_value(entity, LOCATION), resolution)),)
    name = city_iri(by)
    return lambda entity: (written(plain_value(entity, name)),)


def _read(raw: object) -> dict[str, Any]:
    """The question, checked."""
    if not isinstance(raw, Mapping) or raw.keys() - _PARTS:
        named = ", ".join(sorted(_PARTS))
        raise BadRequest(
            "the question", "is not what it should be", f"send an object with: {named}"
        )
    for name in ("source", "type"):
        value = raw.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= 300:
            raise BadRequest("the question", f"has no '{name}'", "name one")
    by = raw.get("by", "")
    if not isinstance(by, str) or len(by) > 300 or by == "id":
        raise BadRequest(
            "the question", "has a 'by' that is no attribute and no cell", "see the guide"
        )
    if (match := _CELL.fullmatch(by)) and int(match[1]) > FINEST:
        raise BadRequest("the question", f"asks for cells finer than {FINEST}", "ask more coarsely")
    epsilon = raw.get("epsilon")
    good = isinstance(epsilon, int | float) and not isinstance(epsilon, bool)
    if not good or not _LEAST <= float(epsilon) <= _MOST:  # type: ignore[arg-type]
        raise BadRequest(
            "the question",
            f"has no 'epsilon' from {_LEAST:g} to {_MOST:g}",
            "say what it may cost: the more, the nearer the answer",
        )
    among = raw.get("among")
    if among is not None:
        if not by or not isinstance(among, list) or not 0 < len(among) <= _MOST_AMONG:
            fact = f"has an 'among' that is no list of up to {_MOST_AMONG:,} values of 'by'"
            raise BadRequest("the question", fact, "list the values that are counted")
        among = list(dict.fromkeys(map(written, among)))
    return {
        "source": raw["source"],
        "type": city_iri(raw["type"]),
        "by": by,
        "epsilon": float(epsilon),  # type: ignore[arg-type]
        "among": among,
    }


def _told(counts: Mapping[Group, int]) -> list[dict[str, Any]]:
    return [
        {"value": orjson.loads(group[0]) if group and group[0] else None, "count": number}
        for group, number in counts.items()
    ]
