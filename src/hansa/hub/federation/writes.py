"""Passing writes on, and making one outcome of what became of their parts (clauses 5.6 and 6.3.17)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hansa.hub.federation.asker import Asker
from hansa.hub.federation.asks import Question
from hansa.hub.federation.dispatch import Dispatch
from hansa.hub.federation.plan import Forward, Plan
from hansa.hub.federation.sources import Answer, Failure
from hansa.hub.federation.speech import Speech, reworded
from hansa.hub.registrations.model import Registration
from hansa.kernel.errors import Conflict, HansaError, LoopDetected, SourceFailed
from hansa.ngsild.context import Context
from hansa.ngsild.expand import Rules, expand_fragment
from hansa.ngsild.model import ENTITY_MEMBERS
from hansa.ngsild.represent import View, represent

__all__ = ["Spread", "Told", "cut", "failure_of", "loop", "refusal", "spread"]

Payload = Callable[[Forward, Speech], Any]
"""What is sent of a write to one source."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one part of a write.

    Attributes:
        registration: whose source it was; None for this node.
        attributes: those that it was about; empty for all.
        error: why it failed; None when it did not.
        partial: whether only some of it was written.
        detail: what the part says of itself.
    """

    registration: Registration | None
    attributes: frozenset[str] = frozenset()
    error: HansaError | None = None
    partial: bool = False
    detail: Any = None


@dataclass(frozen=True, slots=True)
class Spread:
    """What became of a write: every part of it."""

    parts: tuple[Told, ...]

    @property
    def failed(self) -> list[Told]:
        """The parts that failed, or were written in part."""
        return [part for part in self.parts if part.error is not None]

    @property
    def local(self) -> Told | None:
        """The part done here, if there was one."""
        return next((part for part in self.parts if part.registration is None), None)

    def check(self) -> None:
        """Raise the error of a write that had one part alone, and failed in it as a whole."""
        if len(self.parts) == 1 and self.parts[0].error is not None and not self.parts[0].partial:
            raise self.parts[0].error


async def spread(
    dispatch: Dispatch,
    asker: Asker,
    plan: Plan,
    question: Callable[[Forward, Speech], Question],
    local: Callable[[], Awaitable[Any]] | None,
    *,
    may_be_absent: bool = False,
) -> Spread:
    """Carry out a plan: here and at the sources at once.

    Args:
        question: what is sent to a source.
        local: does this node's part; not called when the plan leaves nothing to it.
        may_be_absent: whether it is no fault that the entity is not here, if a source claims it.
    """
    work: list[Awaitable[Told]] = [
        _forwarded(dispatch, asker, forward, question) for forward in plan.forwards
    ]
    if plan.local and local is not None:
        work.append(_locally(local))
    told = [*(_refused(forward) for forward in plan.refused), *await asyncio.gather(*work)]
    if may_be_absent and any(f.part.registration.is_proxy for f in plan.forwards):
        told = [t for t in told if not _is_absent_here(t)]
    return Spread(tuple(told))


async def _locally(local: Callable[[], Awaitable[Any]]) -> Told:
    try:
        return Told(None, detail=await local())
    except HansaError as error:
        return Told(None, error=error)


def _is_absent_here(told: Told) -> bool:
    return told.registration is None and told.error is not None and told.error.status == 404


def refusal(forward: Forward) -> Conflict:
    """The refusal of what a source claims without offering the operation (4.3.6.3)."""
    return Conflict(
        f"registration {forward.part.registration.id}",
        "what it claims cannot be changed this way, for its source does not offer the operation",
        "ask the source itself, or change the registration",
    )


def _refused(forward: Forward) -> Told:
    return Told(forward.part.registration, forward.attributes, refusal(forward))


async def _forwarded(
    dispatch: Dispatch,
    asker: Asker,
    forward: Forward,
    question: Callable[[Forward, Speech], Question],
) -> Told:
    registration = forward.part.registration
    speech = await dispatch.speech(registration, asker)
    if isinstance(speech, Failure):
        return Told(registration, forward.attributes, failure_of(registration, speech))
    asked = question(forward, speech)
    outcome = await dispatch.send(registration, asker, speech, asked, asks=False)
    if isinstance(outcome, Failure):
        return Told(registration, forward.attributes, failure_of(registration, outcome))
    if outcome.response.status == 207:
        error = SourceFailed(
            f"registration {registration.id}", "its source did only a part of it", status=207
        )
        return Told(registration, forward.attributes, error, partial=True, detail=outcome)
    return Told(registration, forward.attributes, detail=outcome)


def failure_of(registration: Registration, failure: Failure) -> SourceFailed:
    """The error that a failed part of a write is reported with."""
    status = failure.status if 400 <= failure.status < 500 or failure.status in (504, 508) else 502
    return SourceFailed(
        f"registration {registration.id}",
        failure.fact,
        "try again later" if status >= 500 else "",
        status=status,
        registrationId=registration.id,
    )


def loop(registrations: Sequence[Registration]) -> LoopDetected | None:
    """The refusal of a request that came back here for what is held elsewhere alone (6.3.17)."""
    proxies = [each for each in registrations if each.is_proxy]
    if not proxies:
        return None
    return LoopDetected(
        f"registration {proxies[0].id}",
        "leads back to this node",
        "correct the registration, or those of the brokers in the Via header",
    )


def cut(
    payload: Mapping[str, Any], forward: Forward, spoken: Context, wanted: Context
) -> dict[str, Any]:
    """What of an entity goes to a source: its part, in its words, in the version that it knows (4.3.6.6)."""
    attributes = forward.attributes
    kept = {
        name: value
        for name, value in payload.items()
        if not attributes or name in ENTITY_MEMBERS or spoken.expand(name) in attributes
    }
    said = dict(reworded(kept, spoken, wanted))
    version = forward.part.registration.source.version
    if version is None:
        return said
    rules = Rules(wanted, nulls=True, nested_nulls=True)
    return represent(expand_fragment(said, rules), View(wanted, version=version))


def is_answer(outcome: Answer | Failure) -> bool:
    """Whether a source did what was asked."""
    return isinstance(outcome, Answer)
