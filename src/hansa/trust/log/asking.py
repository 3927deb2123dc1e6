"""Having our own checkpoints cosigned: every few seconds the newest goes to each witness.

A witness that knows more entries than we have tells of a fork about to happen (an old copy of the folder runs as
if it were the newest): then the log is held. A witness that does not answer delays nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from hansa.kernel.clock import Clock, iso
from hansa.kernel.egress import Egress
from hansa.kernel.errors import HansaError
from hansa.trust.log.book import LogBook
from hansa.trust.log.hashing import consistency_proof
from hansa.trust.log.notes import Checkpoint, Note, NoteFault, Signature, Verifier
from hansa.trust.log.witness import request_of

__all__ = ["Asked", "Asking", "parse_witness"]

_EVERY: Final = 5.0
_PATIENCE: Final = 5.0
_LARGEST: Final = 100_000


@dataclass(slots=True)
class Asked:
    """A witness of ours: where it is, its key, and how it last answered."""

    url: str
    key: Verifier
    size: int = 0
    at: str = ""
    fault: str = "not asked yet"


def parse_witness(text: str) -> Asked:
    """From the setting's form: its address, a space, its key.

    Raises:
        NoteFault: it is not of that form.
    """
    url, _, key = text.strip().partition(" ")
    if not url.startswith(("http://", "https://")):
        raise NoteFault("a witness is written as its address, a space, and its key")
    return Asked(url.rstrip("/"), Verifier.parse(key))


class Asking:
    """Asks the witnesses of a log."""

    def __init__(
        self, book: LogBook, egress: Egress, witnesses: Sequence[Asked], clock: Clock
    ) -> None:
        self.witnesses = witnesses
        self._book = book
        self._egress = egress
        self._clock = clock

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Ask for as long as the block lasts."""
        task = asyncio.create_task(self._work()) if self.witnesses else None
        try:
            yield
        finally:
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def ask(self) -> None:
        """Have the newest checkpoint cosigned by those who have not done so yet."""
        note = self._book.latest
        if note is not None and not self._book.held:
            size = Checkpoint.parse(note.text).size
            due = [each for each in self.witnesses if each.size < size or each.fault]
            answers = await asyncio.gather(*(self._one(each, note, size) for each in due))
            signatures = [signature for found in answers for signature in found]
            if signatures:
                await asyncio.to_thread(self._book.cosigned, note.text, signatures)
        self._book.release()

    async def _work(self) -> None:
        while True:
            with suppress(HansaError):
                await self.ask()
            await asyncio.sleep(_EVERY)

    async def _one(self, asked: Asked, note: Note, size: int) -> list[Signature]:
        for _ in range(2):
            if asked.size > size:
                why = (
                    f"{asked.key.name} has seen {asked.size} entries of this log, which has {size}"
                )
                await asyncio.to_thread(self._book.hold, why)
                asked.fault = why
                return []
            old = asked.size
            proof = consistency_proof(old, size, self._book.node)
            try:
                answer = await self._egress.request(
                    "POST",
                    f"{asked.url}/add-checkpoint",
                    headers={"content-type": "text/plain; charset=utf-8"},
                    body=request_of(old, proof, note),
                    max_bytes=_LARGEST,
                    timeout=_PATIENCE,
                )
            except HansaError as error:
                asked.fault = error.sentence
                return []
            if answer.status != 409 or not _is_size(answer.content):
                break
            asked.size = int(answer.content)
        return self._taken(asked, note, size, answer.status, answer.content)

    def _taken(
        self, asked: Asked, note: Note, size: int, status: int, content: bytes
    ) -> list[Signature]:
        """The witness's signatures in an answer."""
        told = content.decode("utf-8", "replace")
        if status != 200:
            asked.fault = f"answered {status}: {told.strip()[:200]}"
            return []
        try:
            lines = [Signature.parse(line) for line in told.splitlines()]
            found = asked.key.verify(Note(note.text, tuple(lines)))
        except NoteFault as fault:
            asked.fault = f"answered no cosignature ({fault})"
            return []
        if not found:
            asked.fault = "answered without a signature by its key"
            return []
        asked.size, asked.fault, asked.at = size, "", iso(self._clock.now())
        return found


def _is_size(content: bytes) -> bool:
    text = content.strip()
    return text.isdigit() and len(text) < 20
