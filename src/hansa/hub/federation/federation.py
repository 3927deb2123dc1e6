"""The federation of a node: its registrations, its name among brokers, and the way to their sources."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from hansa.hub.contexts import ContextRegistry
from hansa.hub.federation.asker import Asker
from hansa.hub.federation.dispatch import Dispatch
from hansa.hub.federation.entitymaps import Maps
from hansa.hub.federation.sources import Limits, Sources
from hansa.hub.federation.writes import loop
from hansa.hub.registrations.discovery import may_lie_there, remembers, sources_match
from hansa.hub.registrations.matching import Wanted
from hansa.hub.registrations.model import Registration
from hansa.hub.registrations.registry import Registry
from hansa.kernel.egress import Egress
from hansa.kernel.settings import Settings
from hansa.ngsild.query import Filter, GeoFilter
from hansa.ngsild.temporal import TemporalFilter
from hansa.store.port import Edited, Entity, Reader, Store, Write

__all__ = ["Federation", "Past", "lasting_name"]

_RECORD: Final = "identity"
_ID: Final = "node"


@dataclass(frozen=True, slots=True)
class Past:
    """That a request is about history, and of which period; None is any."""

    window: TemporalFilter | None = None


def lasting_name(store: Store) -> str:
    """The name of the node among brokers; made once, and kept with the city's own tenant."""
    raw = store.record(_RECORD, _ID)
    if raw is None:
        made = {"id": _ID, "name": f"hansa-{secrets.token_hex(8)}"}

        def keep(current: Entity | None) -> Edited:
            return Edited(made if current is None else current)

        store.write_records(_RECORD, [Write(_ID, keep)]).result()
        raw = store.record(_RECORD, _ID)
    assert raw is not None  # noqa: S101 - it was just written
    return str(orjson.loads(raw)["name"])


class Federation:
    """What a node is among others.

    Attributes:
        registry: the registrations of its tenants.
        dispatch: speaks to their sources.
        maps: its entity maps.
        splits: whether entities may be expected to be split over sources when a request does not say.
    """

    def __init__(
        self, name: str, egress: Egress, contexts: ContextRegistry, settings: Settings
    ) -> None:
        self.registry = Registry()
        limits = Limits(settings.source_timeout / 1000, settings.body_limit, settings.depth_limit)
        self.dispatch = Dispatch(name, Sources(egress, self.registry, limits), contexts)
        self.maps = Maps()
        self.splits = settings.split_entities
        self._started = time.monotonic()

    @property
    def uptime(self) -> float:
        """Seconds since the node started."""
        return time.monotonic() - self._started

    def new_id(self) -> str:
        """Something to make an identifier of."""
        return secrets.token_hex(12)

    def is_idle(self, tenant: str | None, store: Reader) -> bool:
        """Whether the tenant has no registration at all."""
        return not self.registry.book(tenant, store)

    def concerned(
        self,
        asker: Asker,
        store: Reader,
        wanted: Sequence[Wanted],
        csf: Filter | None = None,
        past: Past | None = None,
        geo: GeoFilter | None = None,
    ) -> list[Registration]:
        """The registrations that a request concerns, in order of creation.

        With `geo` those do not whose source says that all it has lies elsewhere.

        With `past` it is about history: then a registration that names a period counts only if that
        period may hold some of what is asked for.

        Those whose source the request has already passed are left out, as are those that claim to be
        this very tenant, and all of them when it has passed it before (clauses 5.12 and 6.3.18).
        """
        if self.dispatch.alias(asker.tenant) in asker.via:
            return []
        found = self._matching(asker, store, wanted, csf, past)
        return found if geo is None else [r for r in found if may_lie_there(r, geo)]

    def check_loop(
        self, asker: Asker, store: Reader, wanted: Wanted, past: Past | None = None
    ) -> None:
        """Refuse a write that came back here although what it changes is held elsewhere alone.

        Raises:
            LoopDetected: it did.
        """
        if self.dispatch.alias(asker.tenant) in asker.via:
            fault = loop(self._matching(asker, store, [wanted], None, past))
            if fault is not None:
                raise fault

    def _matching(
        self,
        asker: Asker,
        store: Reader,
        wanted: Sequence[Wanted],
        csf: Filter | None,
        past: Past | None,
    ) -> list[Registration]:
        book = self.registry.book(asker.tenant, store)
        passed = {*asker.via, self.dispatch.alias(asker.tenant)}
        found: dict[str, Registration] = {}
        for each in wanted:
            found |= {r.id: r for r in book.concerned(each, asker.now)}
        return [
            r
            for r in found.values()
            if (not r.temporal if past is None else remembers(r, past.window))
            and r.alias not in passed
            and sources_match(r, csf)
        ]
