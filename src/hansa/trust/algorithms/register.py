"""The register: records in the vault, each change logged before it counts; and who an algorithm is at the gate.

An algorithm that has no record, or is not in use, is nobody: it gets no principal and so no data. One that has
is a principal of the kind *service* whose reach is narrowed to reading the types that its record names.
What the software itself computes comes with its record: it is put into the register when the algorithm first
wants to read, in the name of the city, and can be changed and retired like any other.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from hansa.kernel.clock import Clock
from hansa.kernel.errors import BadRequest, Forbidden, NotFound
from hansa.trust.algorithms.record import Record, checked, is_running, published
from hansa.trust.keeping import check_keeper
from hansa.trust.log.recorder import Recorder
from hansa.trust.principals import LOCAL, Narrowing, Principal
from hansa.trust.vault import Vault

__all__ = ["AlgorithmRegister"]

_KIND: Final = "algorithm"
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class AlgorithmRegister:
    """The algorithms of a node.

    Args:
        vault: where the records are.
        recorder: what logs their changes.
        clock: the node's time.
        expand: a type's short name to its IRI, in the city's words.
        city: who answers for what the software brings.
    """

    def __init__(
        self,
        vault: Vault,
        recorder: Recorder,
        clock: Clock,
        expand: Callable[[str], str],
        city: str = "",
    ) -> None:
        self._city = city
        self.brought: Callable[[str], Mapping[str, Any]] = lambda name: {}
        """What the software knows of an algorithm that it brings; set by the node."""
        self._vault = vault
        self._recorder = recorder
        self._clock = clock
        self._expand = expand

    def all(self) -> list[Record]:
        """All records, as they are published, in order of name."""
        return sorted(map(published, self._vault.all(_KIND)), key=lambda each: str(each["name"]))

    def get(self, id: str) -> Record:
        """One record, as it is published.

        Raises:
            NotFound: there is none.
        """
        found = self._vault.get(_KIND, id)
        if found is None:
            remedy = "its name is another, then: 'hansa algorithm list' has them all"
            raise NotFound(f"algorithm {id[:64]}", "is not in the register", remedy)
        return published(found)

    def declare(self, who: Principal, id: str, raw: object) -> Record:
        """Put a record into the register, or in the place of the one that is there.

        Raises:
            Forbidden, Unauthorized: `who` may not, or the use is prohibited by law; both are logged.
            BadRequest: the record is not complete; what is missing is named.
            Unavailable: it could not be logged or kept; the register is as it was.
        """
        self.check(who, id)
        try:
            record = checked(raw)
        except Forbidden as refusal:
            rule = str(refusal.extra.get("rule", "unacceptable"))
            self._recorder.refused(who, (f"algorithm:{id}",), "algorithm.prohibited", (rule,))
            raise
        return self._keep(who, id, record)

    def _keep(self, who: Principal, id: str, record: Record) -> Record:
        """Log a record, and put it into the register."""
        today = self._clock.now().date().isoformat()
        old = self._vault.get(_KIND, id)
        record |= {
            "id": id,
            "uuid": str(uuid.uuid4()) if old is None else old["uuid"],
            "publication_date": today if old is None else old["publication_date"],
            "last_change_date": today,
        }
        reason = "algorithm.declared" if old is None else "algorithm.changed"
        self._recorder.changed("algorithm", who, (f"algorithm:{id}",), reason)
        self._vault.put(_KIND, id, record)
        return published(record)

    def retire(self, who: Principal, id: str) -> None:
        """End an algorithm: its record stays, it reads no more.

        Raises:
            Forbidden, Unauthorized: `who` may not.
            NotFound: there is no such record.
            Unavailable: it could not be logged or kept; the register is as it was.
        """
        self.check(who, id)
        self.get(id)
        self._recorder.changed("algorithm", who, (f"algorithm:{id}",), "algorithm.retired")
        today = self._clock.now().date().isoformat()

        def ended(old: Record | None) -> tuple[Record | None, None]:
            if old is None:
                return None, None
            return {**old, "status": "retired", "last_change_date": today}, None

        self._vault.edit(_KIND, id, ended)

    def principal(self, id: str) -> Principal:
        """Who the algorithm is at the gate: a service that may read the types of its record, and no more.

        Raises:
            NotFound: it has no record, and none came with the software.
            Forbidden: it is not in use.
        """
        if self._vault.get(_KIND, id) is None and (brought := self.brought(id)):
            # Whom to ask and where it is used are the city's to say; the register shows that they are missing.
            theirs = {
                "organization": self._city,
                "area": self._city,
                "contact_email": "",
                "country": "",
            }
            self._keep(LOCAL, id, {**brought, **theirs})
        record = self.get(id)
        if not is_running(record):
            raise Forbidden(
                f"algorithm {id}",
                f"is not in use (its status is '{record['status']}')",
                "change its record when it is",
            )
        types = frozenset(self._expand(each) for each in record["reads"])
        return Principal(
            f"algorithm:{id}",
            "service",
            narrowing=Narrowing(frozenset({"read"}), types),
            purpose=str(record["goal"])[:200],
        )

    def check(self, who: Principal, id: str) -> None:
        """See that `who` may change the register, and that the name is one.

        Raises:
            Forbidden, Unauthorized: `who` may not; that is logged.
            BadRequest: `id` is no name.
        """
        check_keeper(who, self._recorder, "algorithm", id, "the register of algorithms")
        if not _ID.fullmatch(id):
            raise BadRequest(
                "the name of the algorithm",
                f"'{id[:64]}' is none",
                "use small letters, digits and hyphens",
            )
