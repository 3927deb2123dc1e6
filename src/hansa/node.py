"""A node, put together: its folder, stores, gate, @contexts and the work in its background."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from threading import Lock

from hansa.history.archive import ParquetArchive
from hansa.history.archivist import Archivist, Tenant
from hansa.hub import snapshots
from hansa.hub.contexts import ContextRegistry
from hansa.hub.federation.federation import Federation, lasting_name
from hansa.hub.federation.passing import Passing
from hansa.hub.federation.relay import Relay
from hansa.hub.notify.service import Notifier
from hansa.hub.own_contexts import RECORD
from hansa.hub.registrations.watching import Watching
from hansa.kernel.clock import Clock
from hansa.kernel.egress import Egress
from hansa.kernel.errors import NonexistentTenant
from hansa.kernel.folder import Folder
from hansa.kernel.program import leave_no_dump
from hansa.kernel.settings import Settings
from hansa.ngsild.context import Context
from hansa.spokes.live import LiveRunner
from hansa.spokes.mailboxes import Mailboxes
from hansa.spokes.outward import Outward
from hansa.spokes.registry import all_spokes, known_of, record_of
from hansa.store.port import Reader, Store
from hansa.store.tenants import DEFAULT_TENANT, Tenants
from hansa.trust.guard.lasting import LastingReader
from hansa.trust.principals import LOCAL, PUBLIC
from hansa.trust.rooms import TrustRooms
from hansa.trust.screen import Screening
from hansa.web.app import App, build_app

__all__ = ["Node"]


class Node:
    """One city's node, ready to be served or worked with.

    The caller holds the folder's lock (:meth:`hansa.kernel.folder.Folder.locked`) for as long as the node
    is open, and closes it.
    """

    def __init__(
        self,
        folder: Folder,
        settings: Settings,
        clock: Clock,
        timetable_clock: Clock | None = None,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.clock = clock
        self.timetable_clock = timetable_clock or clock
        """What timetables take for the present; whatever is written bears the time of `clock`."""
        self.archiving = Lock()
        """Held by whoever rearranges the archive: the archivist, or a command that asks for it."""
        screening = Screening(personal=not settings.dev)
        self._tenants = Tenants(folder.store, clock, self.archive, screening.check)
        self._egress = Egress.for_node(settings)
        self.trust = TrustRooms(folder, settings, clock, self._tenants, self._egress)
        self.trust.residents.forgets(screening.erased)
        self.gate = self.trust.gate
        self.trust.sources.defaults = known_of
        self.trust.algorithms.brought = record_of
        self._public = LastingReader(partial(self.gate.reader, PUBLIC))
        self.mailboxes = Mailboxes()
        self.out = Outward(self._egress, self.mailboxes)
        self.contexts = ContextRegistry.for_node(settings, folder)
        self.contexts.record = self._stored_context
        self.notifier = Notifier(
            store=self._own_store,
            tenants=self._tenant_names,
            snapshots=self._snapshots,
            egress=self._egress,
            contexts=self.contexts,
            clock=clock,
            eyes=self.gate.eyes,
        )
        self._prepare()
        self.federation = Federation(
            lasting_name(self.local_store()), self._egress, self.contexts, settings
        )
        self.watching = Watching(
            self.federation.registry,
            self.notifier,
            self.contexts,
            clock,
            store=self._tenant_store,
            tenants=self._tenant_names,
        )
        self.passing = Passing(
            self.federation,
            self.contexts,
            clock,
            store=self._tenant_store,
            tenants=self._tenant_names,
        )
        self.relay = Relay(self.federation, self.notifier, self.contexts)
        self.app: App = build_app(self)

    @classmethod
    def open(cls, folder: Path, settings: Settings) -> Node:
        """Open the node in `folder`; its default store is made if it is not there yet.

        Raises:
            HansaError: the folder or a database in it cannot be used.
        """
        leave_no_dump()
        moment = settings.moment
        pretended = Clock.set_to(moment) if moment else None
        return cls(Folder(folder), settings, Clock(), pretended)

    def _prepare(self) -> None:
        """Make the city's own store if it is not there, and the indexes that the settings ask for."""
        store = self.local_store()
        for name in self.settings.hot:
            store.declare_hot(self.context.expand(name))

    def _stored_context(self, tenant: str | None, id: str) -> bytes | None:
        """An @context that a client of a tenant gave to the node."""
        try:
            return self.gate.reader(LOCAL, tenant).record(RECORD, id)
        except NonexistentTenant:
            return None

    @property
    def context(self) -> Context:
        """The @context of requests that name none, and of the pages."""
        return self.contexts.default

    def public_store(self) -> Reader:
        """What anyone may read, through the gate; it may be held for long."""
        return self._public

    def feed(self) -> Reader:
        """All that changes, for those who keep what they worked out until then; not to be shown."""
        return self.gate.reader(LOCAL)

    def local_store(self) -> Store:
        """The city's own tenant, for this process's own work, through the gate."""
        return self.gate.writer(LOCAL, make=True)

    def archive(self, tenant: str) -> ParquetArchive:
        """Where the old history of a tenant is."""
        return ParquetArchive(self.folder.history / tenant)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The work in the background while the node is served: live sources, notifications, history."""
        live = LiveRunner(
            self.local_store(),
            all_spokes(),
            self.clock,
            self.out,
            self.timetable_clock,
            self.trust.ingest,
        )
        archivist = Archivist(
            self._archived, self.clock, self.settings.history_recent, self.archiving
        )
        self.trust.begin()
        live.start()
        archivist.start()
        try:
            async with (
                self.notifier.running(),
                self.watching.running(),
                self.passing.running(),
                self.trust.asking.running(),
                self.trust.rounds.running(),
                self.trust.privacy.running(),
            ):
                yield
        finally:
            self._egress.close()
            await asyncio.to_thread(live.stop)
            await asyncio.to_thread(archivist.stop)

    def _archived(self) -> list[Tenant]:
        """The tenants whose old history is to be looked after."""
        return [
            (name or DEFAULT_TENANT, self._tenants.get(name), self.archive(name or DEFAULT_TENANT))
            for name in self._tenant_names()
        ]

    def _tenant_store(self, tenant: str | None) -> Store:
        """The store of a tenant, for what the node does itself; None is the city's own."""
        return self.gate.writer(LOCAL, tenant, make=tenant is None)

    def _own_store(self, tenant: str | None, snapshot: str | None) -> Store:
        """The store of a tenant or of a snapshot of it, for what the node does itself."""
        if snapshot is None:
            return self._tenant_store(tenant)
        return self.gate.writer(LOCAL, tenant, snapshot)

    def _snapshots(self, tenant: str | None) -> list[str]:
        return snapshots.ready(self._tenant_store(tenant), self.clock.now())

    def _tenant_names(self) -> list[str | None]:
        """All tenants; the city's own has no name."""
        names = self._tenants.names()
        return [None, *(name for name in names if name != DEFAULT_TENANT)]

    def close(self) -> None:
        """Finish the writes in hand and let go of every file."""
        self.trust.close()
        self._tenants.close()
        self.trust.vault.close()
