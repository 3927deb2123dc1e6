"""Taking in what one source answered: it is read in time, and what is wrong with it becomes a warning."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from hansa.hub.federation.dispatch import Dispatch
from hansa.hub.federation.sources import Answer
from hansa.hub.federation.warnings import Warned
from hansa.hub.registrations.model import Registration
from hansa.kernel.errors import HansaError

__all__ = ["take_in"]

T = TypeVar("T")


async def take_in(
    dispatch: Dispatch,
    registration: Registration,
    answer: Answer,
    reading: Awaitable[tuple[list[T], str | None, int]],
) -> tuple[list[T], int, list[Warned]] | Warned:
    """What an answer holds, how many it named, and what is odd about it; of one that is spoilt, why.

    `reading` gives what may count, the first fault that it met, and how many were named.
    """
    id = registration.id
    try:
        async with asyncio.timeout(dispatch.patience(answer.response)):
            items, fault, offered = await reading
    except TimeoutError:
        dispatch.spoilt(registration)
        return Warned(111, id, "its @context cannot be had")
    except HansaError as error:
        dispatch.spoilt(registration)
        return Warned(111, id, error.fact[:200])
    warned = [] if fault is None else [Warned(111, id, fault)]
    if answer.kept:
        warned.append(Warned(110, id, "its answer was kept from before"))
    return items, offered, warned
