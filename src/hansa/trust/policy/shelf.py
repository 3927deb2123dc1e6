"""Where policies are kept: records in the vault, each version for good, and a counter of all changes.

A change is one commit: the new version, which version counts, and the counter. So a crash leaves all of it or none.

A shelf on which nothing was ever written shows the policy that every node begins with; whoever is about to change
something, or to serve the node, writes it first (:meth:`PolicyShelf.begin`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hansa.kernel.clock import Clock, iso
from hansa.trust.vault import Record, Vault

__all__ = ["Kept", "PolicyShelf"]

_KIND: Final = "policy"
_COUNTER: Final = "#"
"""No name of a policy."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One version of a policy.

    Attributes:
        name: of the policy.
        version: counted from 1.
        since: when it was written.
        document: what it says; ``None``: it was withdrawn.
        restores: the earlier version that it brought back; 0: none.
    """

    name: str
    version: int
    since: str
    document: Mapping[str, Any] | None
    restores: int = 0

    @classmethod
    def of(cls, record: Record) -> Kept:
        """From the vault."""
        return cls(*(record[each] for each in ("name", "version", "since", "policy", "restores")))

    def record(self) -> Record:
        """For the vault."""
        return {
            "name": self.name,
            "version": self.version,
            "since": self.since,
            "policy": None if self.document is None else dict(self.document),
            "restores": self.restores,
        }


class PolicyShelf:
    """The policies in a vault.

    Args:
        vault: where they are.
        clock: the node's time.
        first: name and document of the policy with which every vault begins.
    """

    def __init__(self, vault: Vault, clock: Clock, first: tuple[str, Mapping[str, Any]]) -> None:
        self._vault, self._clock, self._first = vault, clock, first

    def moment(self) -> int:
        """A number that is another one whenever anything may have changed; cheap."""
        return self._vault.moment()

    def count(self) -> int:
        """How many changes there have been; 0: nothing was ever written."""
        found = self._vault.get(_KIND, _COUNTER)
        return 0 if found is None else int(found["count"])

    def all(self) -> list[Kept]:
        """The newest version of each policy, withdrawn ones too, in order of name."""
        records = self._vault.all(_KIND)
        if not records:
            return [self._unwritten()]
        found = [Kept.of(each) for each in records if each.get("newest")]
        return sorted(found, key=lambda each: each.name)

    def newest(self, name: str) -> Kept | None:
        """The newest version of a policy."""
        return self._kept(name, name)

    def version(self, name: str, version: int) -> Kept | None:
        """One version of a policy."""
        return self._kept(f"{name}@{version}", name if version == 1 else "")

    def _kept(self, id: str, name: str) -> Kept | None:
        found = self._vault.get(_KIND, id)
        if found is None:
            return self._unwritten() if name == self._first[0] and not self.count() else None
        return Kept.of(found)

    def _unwritten(self) -> Kept:
        name, document = self._first
        return Kept(name, 1, iso(self._clock.now()), document)

    def begin(self, log: Callable[[str], object]) -> None:
        """Write the first policy if nothing was ever written; `log` is told its name before it counts."""
        if not self.count():
            log(self._first[0])
            self._put(self._unwritten())

    def write(self, name: str, document: Mapping[str, Any] | None, restores: int = 0) -> Kept:
        """Put the next version of a policy there; the caller sees to it that nobody else does so meanwhile."""
        old = self.newest(name)
        version = 1 if old is None else old.version + 1
        return self._put(Kept(name, version, iso(self._clock.now()), document, restores))

    def _put(self, kept: Kept) -> Kept:
        name, record = kept.name, kept.record()
        self._vault.put_many(
            _KIND,
            [
                (f"{name}@{kept.version}", record),
                (name, {**record, "newest": True}),
                (_COUNTER, {"count": self.count() + 1}),
            ],
        )
        return kept
