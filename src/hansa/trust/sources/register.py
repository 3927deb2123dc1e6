"""The register: records of sources in the vault, each change logged before it counts, all versions kept.

A source is one instance of a spoke (an import by its name), or somebody who writes entities through the API. It
gives data only while it is *declared*: its record is whole and was not withdrawn. A record that is changed keeps
its earlier versions, so that what was promised when the data came can always be read; to take a change back is to
declare the earlier version again. What of a record the map and the API show is put on the source's entity by
``show``; when that fails the record counts all the same, and the next import shows it. What a node begins with has no
entity until it is changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import (
    BadRequest,
    Forbidden,
    HansaError,
    NotFound,
    UndeclaredSource,
)
from hansa.trust.keeping import check_keeper
from hansa.trust.log.recorder import Recorder
from hansa.trust.principals import LOCAL, Principal
from hansa.trust.sources.record import CHAIN, checked, is_kept
from hansa.trust.vault import Record, Vault

__all__ = ["OPERATOR_SOURCE", "SourceRegister", "filled"]

OPERATOR_SOURCE: Final = "operator"
"""The source that entries made with the operator's own token belong to."""

_KIND: Final = "source"
_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?")
_HERE: Final = {"access": ["available_to_download"], "storage": ["stored_locally"]}
"""What holds of this node: what stands in the city's own tenant is published, and lies in its folder."""

_OWN: Final = frozenset({"id", "version", "status", "declared", "changed"})
_NEEDED: Final = (
    *("accountable", "contact", "lawful_basis", "retention_period", "public_space"),
    *(part for part in CHAIN if part != "retention"),
)
"""What nobody but those who declare a source can say; whether data are kept follows from how long."""

_DONE: Final = {
    **dict.fromkeys(("drop", "time", "place", "pseudonymise"), "de_identified"),
    "suppress": "k_anonymity",
    "count": "differential_privacy",
}
"""Steps, and what is done with the data by them."""


class SourceRegister:
    """The sources of a node. Methods are safe to call from any thread.

    Args:
        vault: where the records are.
        recorder: what logs their changes.
        clock: the node's time.
        city, address: who answers for what the operator enters, and where to ask.
    """

    def __init__(
        self, vault: Vault, recorder: Recorder, clock: Clock, city: str = "", address: str = ""
    ) -> None:
        self._vault, self._recorder, self._clock = vault, recorder, clock
        self._city, self._address = city, address
        self._lock = Lock()
        self._known: tuple[int, dict[str, Record | None]] = (-1, {})
        self.defaults: Callable[[str], Mapping[str, Any]] = lambda adapter: {}
        """What the manifest of an adapter knows of its sources, for the members that a record leaves out."""
        self.show: Callable[[Record], None] = lambda record: None
        """Puts the public part of a record on the source's entity."""

    def all(self) -> list[Record]:
        """The present version of every record, withdrawn ones included, in order of name."""
        found = [each for each in self._vault.all(_KIND) if "of" not in each]
        return sorted(found, key=lambda each: (each["name"].casefold(), each["id"]))

    def get(self, id: str) -> Record:
        """The present version of a record.

        Raises:
            NotFound: there is none.
        """
        found = self.find(id)
        if found is None:
            remedy = "its name is another, then: 'hansa source list' has them all"
            raise NotFound(f"source {id[:100]}", "is not in the register", remedy)
        return found

    def find(self, id: str) -> Record | None:
        """The present version of a record, or ``None``; not to be changed."""
        version = self._vault.version(_KIND)
        if self._known[0] != version:
            self._known = version, {}
        known = self._known[1]
        if id not in known:
            if not _ID.fullmatch(id):
                return None
            known[id] = self._vault.get(_KIND, id)
        return known[id]

    def versions(self, id: str) -> list[Record]:
        """All versions of a record, the newest first.

        Raises:
            NotFound: there is none.
        """
        present = self.get(id)
        keys = (_key(id, number) for number in range(present["version"], 0, -1))
        found = [self._vault.get(_KIND, key) for key in keys]
        return [{n: v for n, v in each.items() if n != "of"} for each in found if each]

    def in_use(self, id: str, adapter: str = "") -> Record:
        """The record of a source that may give data.

        Args:
            adapter: the kind of source, for the command that the refusal names.

        Raises:
            UndeclaredSource: it has no record, or its record was withdrawn; what is missing is named.
        """
        found = self.find(id)
        if found is not None and found["status"] == "declared":
            return found
        kind = f" --spoke {adapter}" if adapter else ""
        if found is not None:
            fact, missing = "was withdrawn, so no data of it are taken in", []
        else:
            known = self.filled({"adapter": adapter})
            missing = [each for each in _NEEDED if each not in known]
            fact = "is not declared, so no data of it are taken in: nobody answers for it yet"
        raise UndeclaredSource(
            f"source '{id[:100]}'",
            fact,
            f"declare it: 'hansa source template {id[:100]}{kind}' writes a form with what is "
            f"missing; fill it in, then 'hansa source declare {id[:100]} FILE'",
            source=id[:100],
            missing=missing,
        )

    def declare(self, who: Principal, id: str, raw: object) -> Record:
        """Put a record into the register, as a new version if there is one.

        Raises:
            Forbidden, Unauthorized: `who` may not, or the source crosses a red line; both are logged.
            BadRequest: the record is not complete; what is missing is named.
            Unavailable: it could not be logged or kept; the register is as it was.
        """
        self.check(who, id)
        try:
            record = checked(self.filled(raw))
        except Forbidden as refusal:
            rule = str(refusal.extra.get("rule", "red-line"))
            self._recorder.refused(who, (f"source:{id}",), "source.red-line", (rule,))
            raise
        return self._put(who, id, {"name": id, **record}, "declared")

    def filled(self, raw: Any) -> Any:
        """The record with what its adapter's manifest, and the node, know of such sources."""
        return filled(raw, self.defaults)

    def withdraw(self, who: Principal, id: str) -> Record:
        """End a source: its record stays, nothing comes in from it any more.

        Raises:
            Forbidden, Unauthorized: `who` may not.
            NotFound: there is no such record.
            Unavailable: it could not be logged or kept; the register is as it was.
        """
        self.check(who, id)
        return self._put(who, id, _content(self.get(id)), "withdrawn")

    def restore(self, who: Principal, id: str, version: int) -> Record:
        """Declare an earlier version again; raises as :meth:`declare`, and NotFound if there is none."""
        old = self._vault.get(_KIND, _key(id, version)) if _ID.fullmatch(id) else None
        if old is None:
            raise NotFound(
                f"source {id[:100]}", f"has no version {version}", "look at its versions"
            )
        return self.declare(who, id, _content(old))

    def titles(self) -> list[tuple[str, str]]:
        """Name and title of each source that programs may bring data of: declared, and not the operator's own."""
        return [
            (each["id"], each["name"])
            for each in self.all()
            if each["status"] == "declared" and each["id"] != OPERATOR_SOURCE
        ]

    def operators(self) -> Record:
        """The record of the operator's own entries, declared at the first time; raises as :meth:`in_use`."""
        if self.find(OPERATOR_SOURCE) is None:
            record = checked(_operator_entries(self._city, self._address))
            self._put(LOCAL, OPERATOR_SOURCE, record, "declared", shown=False)
        return self.in_use(OPERATOR_SOURCE)

    def _put(
        self, who: Principal, id: str, content: Record, status: str, *, shown: bool = True
    ) -> Record:
        """Log, then keep a version."""
        with self._lock:
            old, now = self.find(id), iso(self._clock.now())
            if old is not None and _content(old) == content and old["status"] == status:
                return old
            word = status if old is None or status == "withdrawn" else "changed"
            self._recorder.changed("source", who, (f"source:{id}",), f"source.{word}")
            version = 1 if old is None else old["version"] + 1
            record = {
                "id": id,
                **content,
                "status": status,
                "version": version,
                "declared": now if old is None else old["declared"],
                "changed": now,
            }
            self._vault.put_many(_KIND, [(id, record), (_key(id, version), {**record, "of": id})])
        if not shown:
            return record
        try:
            self.show(record)
        except HansaError as fault:
            return {**record, "notShown": fault.sentence}
        return record

    def check(self, who: Principal, id: str) -> None:
        """See that `who` may change the register, and that the name is one.

        Raises:
            Forbidden, Unauthorized: `who` may not; that is logged.
            BadRequest: `id` is no name.
        """
        check_keeper(who, self._recorder, "source", id, "the register of sources")
        if not _ID.fullmatch(id):
            raise BadRequest(
                "the name of the source",
                f"'{id[:100]}' is none",
                "use small letters, digits and hyphens, as 'hansa import' makes them of --name",
            )


def filled(raw: Any, defaults: Callable[[str], Mapping[str, Any]]) -> Any:
    """A record with what `defaults` knows of its adapter, as far as it leaves that open.

    Whether data are kept follows from how long they are. Of data about people nobody knows beforehand who gets them,
    and where steps change the data, those say what is done with them.
    """
    if not isinstance(raw, Mapping):
        return raw
    content = {n: v for n, v in raw.items() if n not in _OWN and v not in (None, "", [])}
    adapter = content.get("adapter", "")
    known = dict(defaults(adapter)) if isinstance(adapter, str) and adapter else {}
    if known:
        known = {**_HERE, **known}
        if "personal" in _listed(content, "data"):
            del known["access"]
        if done := [_DONE[step] for step in _steps(content) if step in _DONE]:
            known["process"] = sorted(set(done))
    if (period := content.get("retention_period")) is not None and "retention" not in content:
        known["retention"] = ["data_retained" if is_kept(period) else "no_data_retained"]
    return {**known, **content}


def _listed(content: Mapping[str, Any], name: str) -> list[Any]:
    found = content.get(name)
    return found if isinstance(found, list) else []


def _steps(content: Mapping[str, Any]) -> list[str]:
    steps = (
        each.get("step") for each in _listed(content, "anonymise") if isinstance(each, Mapping)
    )
    return [step for step in steps if isinstance(step, str)]


def _operator_entries(city: str, address: str) -> dict[str, Any]:
    """The record that every node begins with: what is entered with the operator's token."""
    return {
        "name": "The operator's own entries",
        "description": "Entities that the operator of this node writes with the operator's token.",
        "accountable": city or "The operator of this node",
        "contact": address or "the operator of this node",
        "lawful_basis": "none_personal",
        "purpose": ["inform"],
        "tech": ["dtpr_api"],
        "data": ["spatial", "tabular"],
        "process": ["raw_data"],
        "access": ["available_to_download"],
        "storage": ["stored_locally"],
        "retention": ["data_retained"],
        "retention_period": "unlimited",
        "public_space": False,
    }


def _key(id: str, version: int) -> str:
    return f"{id}@{version}"


def _content(record: Record) -> Record:
    return {name: value for name, value in record.items() if name not in _OWN and name != "of"}
