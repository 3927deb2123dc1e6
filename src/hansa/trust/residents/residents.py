"""My data: what is held about a resident, who read it, when and why; and what they may do about it.

Reading one's own data is a read of restricted data and is logged as one. Erasing takes, in this order: the entry of the log that
something is erased (without saying what), its identifier, which is not
taken in again (:mod:`.erased`), the entity, its history (also what is in the archive, whose files are
written again without it at its next round), what opens the log's commitments about it, and what the requests and links said of it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from hansa.hub.temporal import Ask, past_of
from hansa.kernel.clock import Clock
from hansa.kernel.errors import BadRequest, Forbidden, HansaError, NotFound, Unauthorized
from hansa.ngsild.city import city_context, city_document
from hansa.ngsild.model import Entity
from hansa.ngsild.represent import View, represent
from hansa.store.history import Removed
from hansa.store.port import Edited, Write
from hansa.trust.gate import Gate
from hansa.trust.identity.desk import Desk
from hansa.trust.keeping import is_keeper
from hansa.trust.log.book import LogBook
from hansa.trust.log.openings import KeptOpenings
from hansa.trust.log.recorder import Recorder
from hansa.trust.principals import LOCAL, Principal
from hansa.trust.residents.consents import Consents
from hansa.trust.residents.erased import Erased
from hansa.trust.residents.theirs import Link, Theirs
from hansa.trust.residents.wishes import Wish, Wishes
from hansa.trust.vault import Vault

__all__ = ["Held", "Residents"]

_MOST_READS: Final = 500
_MOST_INSTANCES: Final = 100_000
_READING: Final = frozenset({"read"})


@dataclass(frozen=True, slots=True)
class Held:
    """An entity that is somebody's, as it is now; ``None``: it is no longer here."""

    link: Link
    entity: Entity | None


class Residents:
    """The residents of a node, and what is held about them.

    Args:
        vault, recorder, clock: of the node.
        desk: what knows the accounts.
        gate: the way to the city's own data.
        book, openings: the log, and what opens it.
    """

    def __init__(
        self,
        vault: Vault,
        recorder: Recorder,
        clock: Clock,
        desk: Desk,
        gate: Gate,
        book: LogBook,
        openings: KeptOpenings,
    ) -> None:
        self._recorder, self._accounts = recorder, desk.accounts
        self._gate, self._book, self._openings = gate, book, openings
        self._vault, self._erased = vault, Erased()
        self.theirs = Theirs(vault, recorder, clock)
        self.consents = Consents(vault, recorder, clock)
        self.wishes = Wishes(vault, recorder, clock)

    def forgets(self, erased: Erased) -> None:
        """Have what is erased from now on, and was before, refused by whoever asks `erased`."""
        erased.open(self._vault)
        self._erased = erased

    # -- what a resident sees ----------------------------------------------------------------------

    def held(self, who: Principal) -> list[Held]:
        """The entities that are somebody's, whole; the reading is logged before this returns.

        Raises:
            Unauthorized, Forbidden: `who` is not somebody with an account.
        """
        links = self.theirs.of(self._self(who))
        if links:
            entities = [each.entity for each in links]
            self._recorder.read(who, entities, (), "own-data")
        reader = self._gate.reader(LOCAL)
        found = [(each, reader.get(each.entity)) for each in links]
        return [Held(link, None if raw is None else orjson.loads(raw)) for link, raw in found]

    def data(self, who: Principal, held: Sequence[Held] | None = None) -> dict[str, Any]:
        """All that is held about somebody, as JSON; logged as :meth:`held`, if that is not given.

        Raises:
            Unauthorized, Forbidden: `who` is not somebody with an account.
        """
        account = self._accounts.get(self._self(who))
        held = self.held(who) if held is None else held
        return {
            "account": {
                "name": who.name,
                "fullName": account.full_name if account else "",
                "created": account.created if account else "",
                "lastLogin": account.last_login if account else "",
            },
            "entities": [_shown(each) for each in held],
            "reads": self.reads(who),
            "consents": [
                {
                    "purpose": each.purpose,
                    "given": each.given,
                    "until": each.until,
                    "withdrawn": each.withdrawn or None,
                }
                for each in self.consents.of(who.name)
            ],
            "requests": [
                {
                    "id": each.id,
                    "entity": each.entity or None,
                    "want": each.want,
                    "words": each.words,
                    "made": each.made,
                    "decision": each.decision or None,
                    "reason": each.reason or None,
                }
                for each in self.wishes.of(who.name)
            ],
        }

    def reads(self, who: Principal) -> list[dict[str, Any]]:
        """Who else read somebody's entities, when, and by which rules; newest first."""
        found: list[dict[str, Any]] = []
        for link in self.theirs.of(self._self(who)):
            for numbered, opening in self._book.about("what", link.entity):
                entry = numbered.entry
                reader = self._reader_of(opening.index, entry)
                if entry.kind in _READING and reader != who.name:
                    found.append(
                        {
                            "entity": link.entity,
                            "time": entry.time,
                            "who": reader or None,
                            "reason": entry.reason,
                            "rules": list(entry.rules),
                            "entry": numbered.index,
                        }
                    )
        found.sort(key=lambda each: each["entry"], reverse=True)
        return found[:_MOST_READS]

    def export(self, who: Principal) -> bytes:
        """All of it as a ZIP archive: ``my-data.json``, and each entity with its history as JSON-LD."""
        data = self.data(who)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("my-data.json", orjson.dumps(data, option=orjson.OPT_INDENT_2))
            for number, each in enumerate(data["entities"], 1):
                if each["data"] is not None:
                    whole = {"@context": city_document()["@context"], **each["data"]}
                    text = orjson.dumps(whole, option=orjson.OPT_INDENT_2)
                    archive.writestr(f"entity-{number}.jsonld", text)
                history = self._history(each["id"])
                if history is not None:
                    text = orjson.dumps(history, option=orjson.OPT_INDENT_2)
                    archive.writestr(f"history-{number}.json", text)
        return packed.getvalue()

    # -- what they may ask for ---------------------------------------------------------------------

    def ask(self, who: Principal, entity: str, want: str, words: str = "") -> Wish:
        """Ask that something about one's own entity be corrected or erased.

        Raises:
            Forbidden: the entity is not theirs.
        """
        if not self.theirs.owns(self._self(who), entity):
            self._recorder.refused(who, (entity[:500],), "resident.not-theirs")
            raise Forbidden("this entity", "is not one of yours", "ask the city to link it to you")
        return self.wishes.ask(who, entity, want, words)

    # -- what staff do -----------------------------------------------------------------------------

    def link(self, who: Principal, account: str, entity: str, basis: str) -> Link:
        """Say that an entity is a resident's, having seen a proof.

        Raises:
            Forbidden, Unauthorized: `who` may not.
            NotFound: there is no such account, or entity.
        """
        self.check(who)
        owner = self._accounts.named(account).name
        if self._gate.reader(LOCAL).get(entity) is None:
            raise NotFound(f"entity {entity[:200]}", "is not on this node", "check its id")
        return self.theirs.link(who, owner, entity, basis)

    def unlink(self, who: Principal, account: str, entity: str) -> None:
        """Say that an entity is not a resident's any more.

        Raises:
            Forbidden, Unauthorized, NotFound: as above.
        """
        self.check(who)
        self.theirs.unlink(who, account, entity)

    def asked_about(self, who: Principal, entity: str) -> Entity | None:
        """An entity about which a resident asks for something, for those who answer; logged as a reading.

        Raises:
            Forbidden, Unauthorized: `who` may not.
        """
        self.check(who)
        raw = self._gate.reader(LOCAL).get(entity)
        if raw is None:
            return None
        self._recorder.read(who, [entity], (), "resident-asks")
        found: Entity = orjson.loads(raw)
        return found

    def decide(self, who: Principal, id: str, *, granted: bool, reason: str = "") -> Wish:
        """Grant or refuse what a resident asks for; an erasure that is granted is done.

        Raises:
            Forbidden, Unauthorized, NotFound, Conflict, BadRequest: it cannot be.
        """
        self.check(who)
        wish = self.wishes.waiting(id)
        done = self.wishes.decided(who, wish, granted=granted, reason=reason)
        if granted and wish.want == "erase":
            # A wish that was granted and not yet kept still waits after a crash, and can be granted again.
            self._take_out(who, wish.entity)
        self.wishes.keep(done)
        if granted and wish.want == "erase":
            self.wishes.forget(wish.entity)
        return done

    def erase(self, who: Principal, entity: str) -> None:
        """Erase an entity, all its history, and what the log could tell about it. Done twice, it does the rest.

        Raises:
            Forbidden, Unauthorized: `who` may not.
            BadRequest: it is no entity's identifier.
        """
        self.check(who)
        if ":" not in entity:
            raise BadRequest(f"entity {entity[:100]!r}", "is no URI", "give its identifier")
        self._take_out(who, entity)
        self.wishes.forget(entity)

    def readmit(self, who: Principal, entity: str) -> None:
        """Let an entity that was erased come in again, for whom it concerns agreed to it.

        Raises:
            Forbidden, Unauthorized: `who` may not.
            NotFound: it was not erased.
        """
        self.check(who)
        self._erased.remove(entity)
        self._recorder.changed("erasure", who, (entity,), "resident.readmitted")

    def _take_out(self, who: Principal, entity: str) -> None:
        self._recorder.changed("erasure", who, (), "resident.erased")
        self._erased.add(entity)
        store = self._gate.writer(LOCAL, make=True)
        _settled(store.write([Write(entity, lambda _: Edited(None))]).result())
        _settled(store.record_history([Removed(entity)]).result())
        self._book.readings.settle()
        self._openings.erase("what", entity)
        self.theirs.forget(entity)

    def check(self, who: Principal) -> None:
        """See that `who` may decide about residents' data.

        Raises:
            Forbidden, Unauthorized: they may not.
        """
        if not is_keeper(who):
            self._recorder.refused(who, (), "resident.not-allowed")
            kind = Unauthorized if who.kind == "public" else Forbidden
            fact = "are kept by data officers and administrators"
            raise kind("residents' data", fact, "log in as one of them")

    # -- parts -------------------------------------------------------------------------------------

    def _self(self, who: Principal) -> str:
        """The account of somebody who asks about themselves."""
        narrow = who.narrowing is not None and who.narrowing.types is not None
        if who.kind in ("resident", "staff") and who.may("read") and not narrow:
            return who.name
        kind = Unauthorized if who.kind == "public" else Forbidden
        raise kind("my data", "are for somebody with an account", "log in first")

    def _history(self, entity: str) -> dict[str, Any] | None:
        ask = Ask(along="modifiedAt", most=_MOST_INSTANCES)
        with self._gate.reader(LOCAL).past() as source:
            past = past_of(source, entity, ask)
        if past is None:
            return None
        series = {
            city_context().compact(name): [each.instance for each in moments]
            for name, moments in past.series.items()
        }
        return {"id": entity, "attributes": series}

    def _reader_of(self, index: int, entry: Any) -> str:
        found = self._openings.principals(index)
        return next((each.value for each in found if each.opens(entry)), "")


def _shown(held: Held) -> dict[str, Any]:
    view = View(city_context(), times=True)
    return {
        "id": held.link.entity,
        "basis": held.link.basis,
        "since": held.link.since,
        "data": None if held.entity is None else represent(held.entity, view),
    }


def _settled(outcomes: Any) -> None:
    """See that writes were done; that there was nothing to erase is no fault."""
    for outcome in outcomes:
        if isinstance(outcome, HansaError) and outcome.status != 404:
            raise outcome
