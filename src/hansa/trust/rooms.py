"""The rooms of the gate, put together: the vault, who is asking, the log, the registers, and the gate itself."""

from __future__ import annotations

from contextlib import suppress

from hansa.history.archive import ParquetArchive
from hansa.kernel.clock import Clock
from hansa.kernel.egress import Egress
from hansa.kernel.errors import HansaError
from hansa.kernel.folder import Folder
from hansa.kernel.settings import Settings, SettingsError
from hansa.ngsild.city import city_iri
from hansa.store.tenants import DEFAULT_TENANT, Tenants
from hansa.trust.algorithms.register import AlgorithmRegister
from hansa.trust.anonymise.counts import Counts
from hansa.trust.anonymise.declare import parse
from hansa.trust.anonymise.kinds import Keep
from hansa.trust.anonymise.personal import local_name, rules_for
from hansa.trust.anonymise.room import Anonymiser
from hansa.trust.anonymise.session import Session
from hansa.trust.anonymise.steps import Steps
from hansa.trust.gate import Gate
from hansa.trust.identity.desk import Desk
from hansa.trust.identity.keysets import Keysets
from hansa.trust.identity.openid import OpenId
from hansa.trust.ingest import Ingest
from hansa.trust.log.asking import Asking, parse_witness
from hansa.trust.log.book import LogBook
from hansa.trust.log.commitments import Event
from hansa.trust.log.notes import NoteFault, known
from hansa.trust.log.openings import FILE, KeptOpenings, volume_of
from hansa.trust.log.recorder import Recorder
from hansa.trust.log.volumes import Volumes
from hansa.trust.log.witness import Witness
from hansa.trust.policy.explain import Explainer
from hansa.trust.policy.register import Policies
from hansa.trust.principals import LOCAL, Narrowing, Principal
from hansa.trust.reads import Reads
from hansa.trust.residents.residents import Residents
from hansa.trust.rounds import Rounds
from hansa.trust.screen import Screening
from hansa.trust.sources.record import UNLIMITED
from hansa.trust.sources.register import OPERATOR_SOURCE, SourceRegister
from hansa.trust.sources.shown import Shower
from hansa.trust.sources.survey import Surveyor
from hansa.trust.vault import Record, Vault

__all__ = ["TrustRooms"]


class TrustRooms:
    """All that stands between the city's data and who asks for them, of one node.

    Args:
        folder: the node's folder.
        settings: the node's settings.
        clock: the node's time.
        tenants: the stores behind the gate.
        egress: the way out, to ask witnesses, and for the keys of others.
    """

    def __init__(
        self, folder: Folder, settings: Settings, clock: Clock, tenants: Tenants, egress: Egress
    ) -> None:
        self._dev = settings.dev
        self.vault = Vault(folder.vault, clock)
        self.log, self.openings = _open_log(folder, settings, clock)
        self.volumes = Volumes(folder.log)
        """The earlier volumes of the log."""
        self.recorder = Recorder(self.log)
        """What the rooms call to have something logged."""
        self.desk = Desk(self.vault, settings, clock)
        """What proves who somebody is."""
        self.keysets = Keysets(egress)
        """The public keys of others, by their addresses."""
        self.openid = OpenId(self.vault, self.desk, egress, self.keysets, clock)
        """Logins at the providers that were declared."""
        self.policies = Policies(self.vault, self.recorder, clock, city_iri)
        """The rules about who may see what."""
        self.gate = Gate(
            tenants, token_hash=settings.operator_token_hash, dev=settings.dev, desk=self.desk
        )
        self.gate.rules = self.policies
        self.gate.log = self.desk.log = self.recorder
        self.reads = Reads(self.vault, clock)
        """Who reads what, counted without persons."""
        self.gate.reads, self.recorder.noticed = self.reads, self.reads.refused
        self.surveyor = self._survey(folder, clock)
        """What there is of each source."""
        self.algorithms = AlgorithmRegister(
            self.vault, self.recorder, clock, city_iri, settings.city
        )
        """What computes with the city's data."""
        self.explainer = Explainer(self.gate, self.policies, self._named, clock, city_iri)
        """Says what somebody may see, and why."""
        self.sources = SourceRegister(
            self.vault, self.recorder, clock, settings.city, settings.base_url
        )
        """Where data come from, and who answers for it."""
        self.sources.show = Shower(lambda: self.gate.writer(LOCAL, make=True), clock).show
        self.privacy = Anonymiser(folder.trust, self.vault, clock)
        """What becomes of personal data before they are stored."""
        self.rounds = Rounds(self.reads, self.surveyor, (self._measure, self.privacy.stop))
        self.privacy.steps_of = self._steps_of
        self.counts = Counts(self.privacy, self.vault, self.gate.counting, clock)
        """How many there are, with noise."""
        self.gate.sources, self.gate.led = self.sources, self.privacy.by_api
        self.ingest = Ingest(self.sources, self.recorder, dev=settings.dev)
        """The door that sources come in by."""
        self.ingest.passage = self._passage
        self.ingest.reader_of = lambda name: self.gate.reader_of(self.algorithms.principal(name))
        self.residents = Residents(
            self.vault, self.recorder, clock, self.desk, self.gate, self.log, self.openings
        )
        """What is held about whom, and what they agreed to."""
        self.witness = _witness(folder, settings, clock, self.log)
        """What cosigns the logs of others."""
        self.asking = _asking(settings, clock, self.log, egress)
        """Who cosigns this log."""

    def _survey(self, folder: Folder, clock: Clock) -> Surveyor:
        made = Surveyor(
            lambda: self.gate.reader(LOCAL),
            lambda: ParquetArchive(folder.history / DEFAULT_TENANT),
            self.vault,
            clock,
        )
        made.personal = _is_personal
        made.ends = lambda source: _promises_an_end(self.sources.find(source))
        return made

    def begin(self) -> None:
        """Write what must stand in every log and vault: the first entry, the first policy, the operator's source."""
        if not self.log.size:
            self.log.record(Event("log", LOCAL.name, reason="begun"))
        self.policies.begin()
        with suppress(HansaError):  # it was withdrawn
            self.sources.operators()

    def table_screen(self) -> Screening:
        """What a table of history that the operator brings is shown to: of steps, only that something is kept counts."""
        kept = [s for s in self._steps_of(OPERATOR_SOURCE).steps if isinstance(s, Keep)]
        return Screening(personal=not self._dev, steps=Steps(tuple(kept)))

    def _passage(self, record: Record, live: bool) -> Session:
        """The way of a source's entities; one without steps still has to say nothing personal."""
        return self.privacy.begin(record["id"], self._steps_of(record["id"]), live=live)

    def _measure(self) -> None:
        """Measure how well people are hidden in what is stored of every source."""
        names = [record["id"] for record in self.sources.all()]
        self.privacy.measure_all(names, self.gate.reader(LOCAL))

    def _steps_of(self, source: str) -> Steps:
        """The steps that a source's record declares."""
        return parse((self.sources.find(source) or {}).get("anonymise"), city_iri)

    def _named(self, name: str) -> Principal | None:
        """The account, client or algorithm of that name, as the gate knows it."""
        kind, _, id = name.partition(":")
        if kind == "client" and (client := self.desk.clients.get(id)):
            types = None if client.types is None else frozenset(client.types)
            narrowing = Narrowing(frozenset(client.scopes), types, client.tenant)
            return client.principal(narrowing, None, "")
        if kind == "algorithm":
            return self.algorithms.principal(id)
        account = self.desk.accounts.get(name)
        return None if account is None else account.principal()

    def close(self) -> None:
        """Finish the entries in hand and let go of every file but the vault's."""
        with suppress(HansaError):  # of the last hour only, and the log says why
            self.reads.flush()
        self.log.close()
        self.volumes.close()
        self.openings.close()


def _promises_an_end(record: Record | None) -> bool:
    return record is not None and record.get("retention_period", UNLIMITED) != UNLIMITED


def _is_personal(kind: str, attribute: str) -> bool:
    """Whether an attribute of a type is about people, by its name."""
    return local_name(attribute) in rules_for((kind,))


def _open_log(folder: Folder, settings: Settings, clock: Clock) -> tuple[LogBook, KeptOpenings]:
    root = folder.log
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    openings = KeptOpenings(root / FILE, volume_of(root))
    book = LogBook(
        root,
        clock,
        base_url=settings.base_url,
        openings=openings,
        witnessed=bool(settings.log_witnesses),
    )
    return book, openings


def _witness(folder: Folder, settings: Settings, clock: Clock, book: LogBook) -> Witness:
    try:
        return Witness(folder.log, book.keys.witness, known(settings.witness_logs), clock)
    except NoteFault as fault:
        raise _wrong("witness_logs", fault) from fault


def _asking(settings: Settings, clock: Clock, book: LogBook, egress: Egress) -> Asking:
    try:
        asked = [parse_witness(text) for text in settings.log_witnesses]
    except NoteFault as fault:
        raise _wrong("log_witnesses", fault) from fault
    return Asking(book, egress, asked, clock)


def _wrong(name: str, fault: NoteFault) -> SettingsError:
    return SettingsError(
        f"setting '{name}'", str(fault), "copy it again from the page of that node's log"
    )
