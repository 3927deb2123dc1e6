"""Live: what comes in, what goes out, what failed, and how the sources are.

Anyone may see what changes, since the city's own tenant is published. Whom the node tells, and what it
could not deliver, is the operator's business: the gate decides, and the page says so to others. A
letter that could not be delivered can be sent again from here; the request must come from this page
itself (its origin is checked), because a browser would send it along for any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import Final
from urllib.parse import quote

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hansa.hub.notify.actions import Failure, Health, drop, failures, healths, replay
from hansa.kernel.clock import iso
from hansa.kernel.errors import HansaError, InvalidRequest
from hansa.ngsild.model import Entity
from hansa.store.port import Change, Store
from hansa.web.pages.describe import Describer
from hansa.web.pages.facts import Facts
from hansa.web.pages.names import attribute_label, short_id, type_label
from hansa.web.shell.forms import posted
from hansa.web.shell.language import Language, choose
from hansa.web.shell.site import Site

__all__ = ["LivePage"]

_ROWS: Final = 15
_LOOKED_AT: Final = 400
_NAMED: Final = 3
_LETTERS: Final = 50
_SHOWN: Final = 2_000
_KINDS: Final = {"created": "new", "updated": "changed", "deleted": "gone"}


@dataclass(frozen=True, slots=True)
class Incoming:
    """Changes of one kind to one entity in a row: the newest of them, and how many there were.

    ``name`` is what people read: the entity's own name, else the end of its identifier.
    """

    at: datetime
    kind: str
    word: str
    type: str
    id: str
    name: str
    url: str
    what: str
    times: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A subscription, as a row, with how it fares; the state is a word and a mark."""

    health: Health
    state: str
    mark: str
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Letter:
    """A notification that was given up, with when it was made."""

    failure: Failure
    made: datetime
    body: str


class LivePage:
    """Handlers of the live console."""

    def __init__(self, site: Site, facts: Facts) -> None:
        self._site = site
        self._facts = facts

    async def page(self, request: Request) -> Response:
        """``/live``; with ``?part=rows`` only what changes by itself."""
        return await run_in_threadpool(self._page, request)

    async def replay(self, request: Request) -> Response:
        """``POST /live/letters``: send letters again, or drop them."""
        asker, form = await posted(self._site, request)
        numbers = [_number(text) for text in form.getlist("letter")]
        store = self._site.node.gate.writer(asker.principal)
        if numbers and form.get("do") == "drop":
            await run_in_threadpool(drop, store, numbers)
        elif numbers:
            await run_in_threadpool(replay, store, numbers=numbers)
        return RedirectResponse("/live#failed", status_code=303)

    def _page(self, request: Request) -> Response:
        tongue = choose(request)
        part = request.query_params.get("part") == "rows"
        store = self._operators(request)
        wanted = request.query_params.get("type") or None
        return self._site.page(
            request,
            "_live.html" if part else "live.html",
            incoming=self._incoming(tongue, wanted),
            types=[(kind.term, tongue(type_label(kind.term))) for kind in self._facts.kinds()],
            wanted=wanted,
            outgoing=None if store is None else self._outgoing(tongue, store),
            letters=[] if store is None else self._letters(store),
            sources=self._facts.sources(),
            texts={} if part else self._site.script_texts(tongue),
        )

    def _operators(self, request: Request) -> Store | None:
        """The store, if whoever asks may see what goes out."""
        gate = self._site.node.gate
        try:
            who = self._site.asker(request).principal
            # Asked first, so that looking at the page is not logged as a refusal.
            return gate.writer(who) if gate.decide(who, "write").allowed else None
        except HansaError:
            return None

    # -- what comes in -----------------------------------------------------------------------------

    def _incoming(self, tongue: Language, wanted: str | None) -> list[Incoming]:
        newest = self._site.store.last_change()
        changes = self._site.store.changes(max(newest - _LOOKED_AT, 0), _LOOKED_AT)
        iri = self._site.iri(wanted) if wanted else None
        chosen = [change for change in changes if iri is None or iri in change.types]
        grouped = groupby(reversed(chosen), key=lambda change: (change.id, change.kind))
        runs = [list(run) for _, run in islice(grouped, _ROWS)]
        here = self._facts.entities(run[0].id for run in runs)
        return [self._change(tongue, run, here) for run in runs]

    def _change(self, tongue: Language, run: list[Change], here: Mapping[str, Entity]) -> Incoming:
        change = run[0]
        describer = Describer(tongue, self._site.term, self._site.iri, self._site.local)
        entity = here.get(change.id)
        names = [tongue(attribute_label(self._site.term(iri))) for iri in change.attributes]
        more = len(names) - _NAMED
        shown = names[:_NAMED] + ([tongue("and {n} more", n=more)] if more > 0 else [])
        return Incoming(
            change.at.astimezone(self._site.node.settings.zone),
            change.kind,
            tongue(_KINDS[change.kind]),
            ", ".join(tongue(type_label(self._site.term(iri))) for iri in change.types),
            change.id,
            (describer.own_name(entity) if entity else "") or short_id(change.id),
            f"/entity/{quote(change.id)}" if entity else "",
            ", ".join(shown),
            len(run),
        )

    # -- what goes out -----------------------------------------------------------------------------

    def _outgoing(self, tongue: Language, store: Store) -> list[Outgoing]:
        now = iso(self._site.node.clock.now())
        return [self._subscription(tongue, health) for health in healths(store, now)]

    def _subscription(self, tongue: Language, health: Health) -> Outgoing:
        state, mark = _state(health)
        last = None if health.last is None else self._site.local(health.last)
        return Outgoing(health, tongue(state), mark, last)

    def _letters(self, store: Store) -> list[Letter]:
        return [
            Letter(
                failure,
                self._site.local(failure.made),
                orjson.dumps(failure.body, option=orjson.OPT_INDENT_2).decode()[:_SHOWN],
            )
            for failure in failures(store, limit=_LETTERS)
        ]


def _state(health: Health) -> tuple[str, str]:
    """How a subscription is, in a word, and the mark that goes with it."""
    if health.status in ("paused", "expired"):
        return health.status, "grey"
    if health.dead:
        return "letters given up", "black"
    if health.last is None:
        return "nothing sent yet", "grey"
    is_well = (health.last_success or "") >= (health.last_failure or "")
    return ("delivering", "green") if is_well else ("failing", "red")


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    raise InvalidRequest("the letter", "has no such number", "choose letters on the page")
