"""The outbox: what is to be told to somebody outside, kept by the store until it has been told.

Two things stand here. *Images* hold an entity before and after a change, for as long as nobody has looked
whom the change concerns; a store makes them only while it is asked to. *Notices* are what came of that:
one message for one endpoint. Images go in the same transaction in which their notices come, so no change
is forgotten and none is announced twice.

A notice stays until it is settled: delivered, or given up and kept among the *dead letters* until an
operator replays or drops it. How a subscription fares (its *standing*) is counted with each settling.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import NamedTuple, Protocol

__all__ = ["Image", "Notice", "Outbox", "Queued", "Settled", "Standing"]


class Image(NamedTuple):
    """An entity before and after the change with number `seq` (serialised; None where there is none)."""

    seq: int
    at: int
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one endpoint.

    Attributes:
        id: of the notification; the same however often it is sent.
        kind, subscription: whose it is (records of that kind).
        endpoint: the address; there is a queue for each.
        entity: messages with the same one are delivered in the order in which they came.
        due: when it may be sent [microseconds since 1970].
        media_type, link: what the receiver is told about the body and its @context.
        body: the notification as JSON.
        merge: given the body of a notice of the same subscription that still has to wait, the body of
            both together; the new notice then does not come.
    """

    id: str
    kind: str
    subscription: str
    endpoint: str
    entity: str
    due: int
    media_type: str
    link: str | None
    body: bytes
    merge: Callable[[bytes], bytes] | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """A notice as it stands in the outbox: `made` and `tried` in microseconds; a dead one has a `fault`."""

    number: int
    notice: Notice
    made: int
    attempts: int = 0
    tried: int | None = None
    fault: str | None = None
    dead: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of one attempt to deliver.

    Attributes:
        fault: why it failed; None when the message was delivered.
        again: when to try next [microseconds]; None gives it up.
        sent: whether anything was sent at all (else only the notice changes, not the standing).
    """

    number: int
    kind: str
    subscription: str
    at: int
    fault: str | None = None
    again: int | None = None
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """How a subscription fares; times in microseconds."""

    sent: int = 0
    failed: int = 0
    last: int | None = None
    last_success: int | None = None
    last_failure: int | None = None
    waiting: int = 0
    dead: int = 0
    fault: str | None = None

    @property
    def status(self) -> str | None:
        """``ok`` or ``failed``, as the last attempt went; None before the first."""
        if self.last is None:
            return None
        return "ok" if (self.last_success or 0) >= (self.last_failure or 0) else "failed"


class Outbox(Protocol):
    """The outbox of one tenant. Methods are safe to call from any thread."""

    @property
    def keeps_images(self) -> bool:
        """Whether images of changes are made."""

    def keep_images(self, on: bool) -> None:
        """Make images of changes from now on, or stop; durable."""

    def images(self, limit: int = 500) -> list[Image]:
        """The oldest images."""

    def post(self, notices: Sequence[Notice], until: int = 0) -> Future[list[str]]:
        """Add notices and drop the images up to number `until`, both or neither; the endpoints."""

    def endpoints(self, kind: str | None = None, subscription: str | None = None) -> list[str]:
        """Endpoints for which something waits; of a subscription, also those of its dead letters."""

    def due(self, endpoint: str, now: int, limit: int = 64) -> list[Queued]:
        """What may be sent to an endpoint, oldest first.

        Nothing is among it that has to follow, for the same subscription and entity, what still waits.
        """

    def next_due(self, endpoint: str) -> int | None:
        """When something for an endpoint is due next."""

    def settle(self, results: Sequence[Settled]) -> Future[None]:
        """Note what came of attempts."""

    def standing(self, kind: str, subscription: str) -> Standing:
        """How a subscription fares."""

    def dead(
        self, kind: str | None = None, subscription: str | None = None, limit: int = 1000
    ) -> list[Queued]:
        """The dead letters, newest first."""

    def replay(self, numbers: Sequence[int]) -> Future[int]:
        """Put dead letters back into their queues, due at once; how many."""

    def drop(self, numbers: Sequence[int]) -> Future[int]:
        """Forget dead letters; how many."""

    def forget(self, kind: str, subscription: str) -> Future[None]:
        """Drop everything of a subscription that is gone."""

    def move(self, kind: str, subscription: str, endpoint: str) -> Future[None]:
        """Send what waits for a subscription to another endpoint."""

    def thin_out(self, before: int, most: int) -> Future[int]:
        """Drop dead letters made before a moment, and the oldest beyond `most`; how many."""
