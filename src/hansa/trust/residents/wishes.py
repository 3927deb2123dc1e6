"""What residents ask for: that something about them be corrected, or erased. Staff decide, and say why.

A wish that is granted is done at once; one that is refused keeps the reason, because whoever is refused may complain. Decided
wishes stay until their entity is erased; then what they say goes with it.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal, get_args

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import BadRequest, Conflict, NotFound
from hansa.trust.log.recorder import Recorder
from hansa.trust.principals import Principal
from hansa.trust.vault import Vault

__all__ = ["WISHES", "Wish", "Wishes"]

Want = Literal["correct", "erase"]
WISHES: Final[tuple[Want, ...]] = get_args(Want)

_KIND: Final = "wish"
_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for. ``decision`` "": nobody has decided."""

    id: str
    account: str
    entity: str
    want: Want
    words: str
    made: str
    decision: Literal["", "granted", "refused"] = ""
    reason: str = ""
    decided: str = ""


class Wishes:
    """The wishes of a node's residents."""

    def __init__(self, vault: Vault, recorder: Recorder, clock: Clock) -> None:
        self._vault, self._recorder, self._clock = vault, recorder, clock

    def ask(self, who: Principal, entity: str, want: str, words: str) -> Wish:
        """Ask for something about one's own entity.

        Raises:
            BadRequest: it is not among what can be asked for, or says nothing.
            Conflict: too much is waiting already.
        """
        if want not in WISHES:
            raise BadRequest(f"'{want[:40]}'", "cannot be asked for", f"use {', '.join(WISHES)}")
        words = words.strip()[:2000]
        if want == "correct" and not words:
            raise BadRequest("the request", "does not say what is wrong", "say what is right")
        waiting = [each for each in self.of(who.name) if not each.decision]
        if len(waiting) >= _MOST:
            raise Conflict("your requests", f"are {_MOST} already", "wait until some are decided")
        made = Wish(secrets.token_hex(6), who.name, entity, want, words, iso(self._clock.now()))
        self._recorder.changed("account", who, (entity,), f"resident.asks-to-{want}")
        self._vault.put(_KIND, made.id, asdict(made))
        return made

    def of(self, account: str) -> list[Wish]:
        """Those of somebody, newest first."""
        return [each for each in self.all() if each.account == account]

    def all(self) -> list[Wish]:
        """All of them, newest first."""
        found = [Wish(**each) for each in self._vault.all(_KIND)]
        return sorted(found, key=lambda each: each.made, reverse=True)

    def waiting(self, id: str) -> Wish:
        """One that nobody has decided.

        Raises:
            NotFound, Conflict: there is none, or it was decided.
        """
        record = self._vault.get(_KIND, id[:32])
        if record is None:
            raise NotFound(f"request {id[:32]}", "is not there", "list them")
        found = Wish(**record)
        if found.decision:
            raise Conflict(f"request {id[:32]}", f"was {found.decision} already", "list them")
        return found

    def decided(self, who: Principal, wish: Wish, *, granted: bool, reason: str) -> Wish:
        """What becomes of one, logged; it counts when it is kept (:meth:`keep`), after it was done.

        Raises:
            BadRequest: it is refused without a reason.
        """
        if not granted and not reason.strip():
            raise BadRequest(
                "the refusal", "gives no reason", "say why; whoever asked may complain"
            )
        word: Literal["granted", "refused"] = "granted" if granted else "refused"
        self._recorder.changed("account", who, (wish.entity,), f"resident.{wish.want}-{word}")
        now = iso(self._clock.now())
        return replace(wish, decision=word, reason=reason.strip()[:2000], decided=now)

    def keep(self, wish: Wish) -> None:
        """Keep what became of one."""
        self._vault.put(_KIND, wish.id, asdict(wish))

    def forget(self, entity: str) -> None:
        """Take away what was said about an entity that was erased; that it was stays."""
        for each in self.all():
            if each.entity == entity:
                self.keep(replace(each, entity="", words=""))
