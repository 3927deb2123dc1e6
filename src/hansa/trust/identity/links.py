"""One-time links: how somebody gets into an account for the first time, or again.

A link is 256 random bits; the vault keeps its hash, its account, and when it ends. It is used once: whoever
opens it first chooses the password. A newer link for an account ends the older ones.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import NotFound
from hansa.trust.identity.notes import Notes
from hansa.trust.principals import LOCAL, Principal, new_token, token_hash
from hansa.trust.vault import Record, Vault

__all__ = ["Links"]

_LINK: Final = "link"
_LIFE: Final = timedelta(hours=24)


class Links:
    """The links that somebody may still open."""

    def __init__(self, vault: Vault, clock: Clock, notes: Notes | None = None) -> None:
        self._vault, self._clock, self._notes = vault, clock, notes or Notes()

    def make(self, account: str, life: timedelta = _LIFE, who: Principal = LOCAL) -> str:
        """A new link's secret part for an account, made by `who`; "" stands for an administrator to be made."""
        now = self._clock.now()
        self._notes.note(
            who, f"account:{account}" if account else "role:administrator", "link.made"
        )
        ended = [
            each["id"]
            for each in self._vault.all(_LINK)
            if each["account"] == account or _is_over(each, now)
        ]
        self._vault.drop(_LINK, *ended)
        secret = new_token("")
        id = token_hash(secret)
        record = {"id": id, "account": account, "expires": iso(now + life)}
        self._vault.put(_LINK, id, record)
        return secret

    def account(self, secret: str) -> str:
        """The account that a link is for.

        Raises:
            NotFound: there is no such link, it was used, or it is too old.
        """
        record = self._vault.get(_LINK, token_hash(secret))
        if record is None or _is_over(record, self._clock.now()):
            raise _useless()
        return str(record["account"])

    def use(self, secret: str) -> str:
        """The account that a link is for; the link ends with this.

        Raises:
            NotFound: as above.
        """
        now = self._clock.now()

        def take(old: Record | None) -> tuple[None, str]:
            if old is None or _is_over(old, now):
                raise _useless()
            return None, str(old["account"])

        return self._vault.edit(_LINK, token_hash(secret), take)


def _is_over(record: Record, now: datetime) -> bool:
    return str(record["expires"]) <= iso(now)


def _useless() -> NotFound:
    return NotFound(
        "this link",
        "was used already, or is too old",
        "ask an administrator for a new one",
    )
