"""Which entities are whose: a resident, an entity that is about them, and what that is known by.

A link is made by staff who have seen a proof, never by the resident alone: otherwise anybody could claim an entity, read it
and have it erased. An entity may be several people's (a household's meter).
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Final

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import BadRequest, NotFound
from hansa.trust.log.recorder import Recorder
from hansa.trust.principals import Principal
from hansa.trust.vault import Vault

__all__ = ["Link", "Theirs"]

_KIND: Final = "theirs"
_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Link:
    """An entity that is somebody's."""

    account: str
    entity: str
    basis: str
    since: str


class Theirs:
    """The links of a node."""

    def __init__(self, vault: Vault, recorder: Recorder, clock: Clock) -> None:
        self._vault, self._recorder, self._clock = vault, recorder, clock

    def link(self, who: Principal, account: str, entity: str, basis: str) -> Link:
        """Say that an entity is somebody's.

        Raises:
            BadRequest: nothing is said of the proof, or they have too many.
        """
        basis = basis.strip()[:300]
        if not basis:
            raise BadRequest("the link", "does not say what is known by", "name the proof you saw")
        if len(self.of(account)) >= _MOST:
            raise BadRequest(f"account {account}", f"has {_MOST} entities", "end some first")
        made = Link(account, entity, basis, iso(self._clock.now()))
        self._recorder.changed("account", who, (entity, f"account:{account}"), "resident.linked")
        self._vault.put(_KIND, _id(account, entity), asdict(made))
        return made

    def unlink(self, who: Principal, account: str, entity: str) -> None:
        """Say that an entity is not somebody's (any more).

        Raises:
            NotFound: it was not.
        """
        if self._vault.get(_KIND, _id(account, entity)) is None:
            raise NotFound(f"entity {entity[:100]}", f"is not one of {account}'s", "list them")
        self._recorder.changed("account", who, (entity, f"account:{account}"), "resident.unlinked")
        self._vault.drop(_KIND, _id(account, entity))

    def all(self) -> list[Link]:
        """All of them, by account."""
        found = [Link(**each) for each in self._vault.all(_KIND)]
        return sorted(found, key=lambda each: (each.account, each.since))

    def of(self, account: str) -> list[Link]:
        """Those of somebody."""
        return [each for each in self.all() if each.account == account]

    def owns(self, account: str, entity: str) -> bool:
        """Whether an entity is somebody's."""
        return self._vault.get(_KIND, _id(account, entity)) is not None

    def forget(self, entity: str) -> None:
        """Drop the links of an entity that was erased."""
        gone = [each for each in self.all() if each.entity == entity]
        self._vault.drop(_KIND, *[_id(each.account, entity) for each in gone])


def _id(account: str, entity: str) -> str:
    text = f"{account}\n{entity}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()
