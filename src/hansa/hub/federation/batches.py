"""Batches over several brokers: each source gets one request with what is its own (5.6.7 to 5.6.10, 5.6.20).

A source that does not offer the batch operation, but the one for a single entity, gets one request for
each entity. Every entity succeeds or fails part by part; who fails delays nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from hansa.hub.federation.asker import Asker
from hansa.hub.federation.asks import Question, entity_path
from hansa.hub.federation.dispatch import Dispatch
from hansa.hub.federation.plan import Forward, Plan
from hansa.hub.federation.sources import Failure
from hansa.hub.federation.speech import Speech
from hansa.hub.federation.writes import cut, failure_of, refusal
from hansa.hub.registrations.model import Registration
from hansa.kernel.errors import HansaError, SourceFailed
from hansa.ngsild.context import Context

__all__ = ["Batch", "Item", "Outcome", "send_batch"]


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch operation: its name and path, and the operation for a single entity behind it.

    Attributes:
        name, path: of the batch operation.
        single, method, below: of the single one; the path is that of the entity and `below`, or for a
            creation that of the collection.
    """

    name: str
    path: str
    single: str
    method: str
    below: str = ""

    @property
    def names(self) -> tuple[str, str]:
        """The operations of which a source must offer one."""
        return self.name, self.single


@dataclass(frozen=True, slots=True)
class Item:
    """One entity of a batch: what was sent (None: its deletion), its @context, and where it goes."""

    id: str
    payload: Any
    context: Context
    plan: Plan


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one part of an item: the error, or whether it was created."""

    item: Item
    error: HansaError | None = None
    created: bool = False


async def send_batch(
    dispatch: Dispatch, asker: Asker, batch: Batch, items: Sequence[Item], options: dict[str, str]
) -> list[Outcome]:
    """Send everything that goes to sources, and say what became of it."""
    groups: dict[tuple[str, int], list[tuple[Item, Forward]]] = {}
    outcomes = [Outcome(item, refusal(forward)) for item in items for forward in item.plan.refused]
    for item in items:
        for forward in item.plan.forwards:
            key = (forward.part.registration.id, id(item.context))
            groups.setdefault(key, []).append((item, forward))
    for found in await asyncio.gather(
        *(_send_group(dispatch, asker, batch, group, options) for group in groups.values())
    ):
        outcomes += found
    return outcomes


async def _send_group(
    dispatch: Dispatch,
    asker: Asker,
    batch: Batch,
    group: list[tuple[Item, Forward]],
    options: dict[str, str],
) -> list[Outcome]:
    registration = group[0][1].part.registration
    asker = replace(asker, context=group[0][0].context)
    speech = await dispatch.speech(registration, asker)
    if isinstance(speech, Failure):
        return [Outcome(item, failure_of(registration, speech)) for item, _ in group]
    if batch.name in registration.operations:
        return await _send_together(dispatch, asker, batch, registration, speech, group, options)
    singly = (
        _send_one(dispatch, asker, batch, registration, speech, item, forward, options)
        for item, forward in group
    )
    return list(await asyncio.gather(*singly))


async def _send_together(
    dispatch: Dispatch,
    asker: Asker,
    batch: Batch,
    registration: Registration,
    speech: Speech,
    group: list[tuple[Item, Forward]],
    options: dict[str, str],
) -> list[Outcome]:
    body = [_body(item, forward, speech) for item, forward in group]
    asked = Question("POST", f"/entityOperations/{batch.path}", options, body)
    answer = await dispatch.send(registration, asker, speech, asked, asks=False)
    if isinstance(answer, Failure):
        return [Outcome(item, failure_of(registration, answer)) for item, _ in group]
    said = _said(answer.response.content)
    if answer.response.status == 207:
        return [_of_multi(item, registration, said) for item, _ in group]
    made = set(said) if isinstance(said, list) and all(isinstance(i, str) for i in said) else None
    created = answer.response.status == 201
    return [
        Outcome(item, created=created and (made is None or item.id in made)) for item, _ in group
    ]


async def _send_one(
    dispatch: Dispatch,
    asker: Asker,
    batch: Batch,
    registration: Registration,
    speech: Speech,
    item: Item,
    forward: Forward,
    options: dict[str, str],
) -> Outcome:
    body = None if item.payload is None else _body(item, forward, speech)
    path = "/entities" if batch.method == "POST" and not batch.below else entity_path(item.id)
    asked = Question(batch.method, path + batch.below, options, body)
    answer = await dispatch.send(registration, asker, speech, asked, asks=False)
    if isinstance(answer, Failure):
        return Outcome(item, failure_of(registration, answer))
    if answer.response.status == 207:
        return Outcome(item, _partial(registration))
    return Outcome(item, created=answer.response.status == 201)


def _body(item: Item, forward: Forward, speech: Speech) -> Any:
    if item.payload is None:
        return item.id
    return cut(item.payload, forward, item.context, speech.context)


def _said(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _of_multi(item: Item, registration: Registration, said: Any) -> Outcome:
    """What a BatchOperationResult says of one entity; one that it does not name has failed."""
    members = said if isinstance(said, dict) else {}
    success, errors = members.get("success"), members.get("errors")
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, dict) and error.get("entityId") == item.id:
            detail = error.get("error")
            status = detail.get("status") if isinstance(detail, dict) else None
            code = status if isinstance(status, int) and 400 <= status < 600 else 502
            failure = Failure(299, code, f"it refused the entity with status {code}")
            return Outcome(item, failure_of(registration, failure))
    if isinstance(success, list) and item.id in success:
        return Outcome(item)
    return Outcome(item, _partial(registration))


def _partial(registration: Registration) -> SourceFailed:
    return SourceFailed(
        f"registration {registration.id}",
        "its source did only a part of it",
        status=207,
        registrationId=registration.id,
    )
