"""The ledger of consents: what somebody agreed to, for which purpose, until when, and when they took it back.

A consent is for one purpose and ends by itself. Giving it again begins anew; withdrawing counts at once. What was before
stays in the record as its history. Whoever decides about a purpose asks :meth:`Consents.consented`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import BadRequest, NotFound
from hansa.trust.log.recorder import Recorder
from hansa.trust.principals import Principal
from hansa.trust.vault import Record, Vault

__all__ = ["Consent", "Consents"]

_KIND: Final = "consent"
_MOST_DAYS: Final = 1826
_MOST_PURPOSES: Final = 100
_HISTORY: Final = 50


@dataclass(frozen=True, slots=True)
class Consent:
    """What somebody agreed to. ``withdrawn`` "": not."""

    account: str
    purpose: str
    given: str
    until: str
    withdrawn: str = ""

    def holds(self, at: str) -> bool:
        """Whether it counts at an instant."""
        over = self.until <= at or bool(self.withdrawn and self.withdrawn <= at)
        return self.given <= at and not over


class Consents:
    """The consents of a node's residents."""

    def __init__(self, vault: Vault, recorder: Recorder, clock: Clock) -> None:
        self._vault, self._recorder, self._clock = vault, recorder, clock

    def give(self, who: Principal, purpose: str, days: int = 365) -> Consent:
        """Agree to a purpose for so many days.

        Raises:
            BadRequest: the purpose or the number of days is none.
        """
        purpose = _checked(purpose)
        if not 1 <= days <= _MOST_DAYS:
            fact = f"cannot be for {days} days"
            raise BadRequest("the consent", fact, f"take 1 to {_MOST_DAYS}, and renew it then")
        if len(self.of(who.name)) >= _MOST_PURPOSES:
            raise BadRequest("the consents", f"are more than {_MOST_PURPOSES}", "withdraw some")
        now = self._clock.now()
        made = Consent(who.name, purpose, iso(now), iso(now + timedelta(days=days)))
        self._recorder.changed("consent", who, (f"consent:{who.name}",), "consent.given")

        def put(old: Record | None) -> tuple[Record, None]:
            before = [] if old is None else [*old["history"], _plain(old)][-_HISTORY:]
            return {**_shown(made), "history": before}, None

        self._vault.edit(_KIND, _id(who.name, purpose), put)
        return made

    def withdraw(self, who: Principal, purpose: str) -> None:
        """Take a consent back, from now on.

        Raises:
            NotFound: none was given.
        """
        if self._vault.get(_KIND, _id(who.name, purpose)) is None:
            raise NotFound("this consent", "was not given", "look at your list of them")
        self._recorder.changed("consent", who, (f"consent:{who.name}",), "consent.withdrawn")
        now = iso(self._clock.now())

        def end(old: Record | None) -> tuple[Record | None, None]:
            return (None if old is None else {**old, "withdrawn": old["withdrawn"] or now}), None

        self._vault.edit(_KIND, _id(who.name, purpose), end)

    def of(self, account: str) -> list[Consent]:
        """The consents of somebody, also those that are over, newest first."""
        found = [_consent(each) for each in self._vault.all(_KIND) if each["account"] == account]
        return sorted(found, key=lambda each: each.given, reverse=True)

    def consented(self, account: str, purpose: str, at: datetime | None = None) -> bool:
        """Whether somebody agrees, or agreed, to a purpose at an instant (now, if none is given)."""
        record = self._vault.get(_KIND, _id(account, purpose))
        if record is None:
            return False
        when = iso(at or self._clock.now())
        spells = [_consent(record), *map(_consent, record["history"])]
        return any(each.holds(when) for each in spells)


def _checked(purpose: str) -> str:
    plain = purpose.isprintable() and not set(purpose) & set(' "\\')
    if not purpose or len(purpose) > 200 or not plain:
        fact = "is none: it has spaces, quotes or more than 200 signs"
        raise BadRequest(f"purpose {purpose[:80]!r}", fact, "use a word or an IRI")
    return purpose


def _id(account: str, purpose: str) -> str:
    text = f"{account}\n{purpose}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()


def _shown(consent: Consent) -> dict[str, Any]:
    return {name: getattr(consent, name) for name in Consent.__dataclass_fields__}


def _plain(record: Record) -> Record:
    return {name: record[name] for name in Consent.__dataclass_fields__}


def _consent(record: Record) -> Consent:
    return Consent(**_plain(record))
