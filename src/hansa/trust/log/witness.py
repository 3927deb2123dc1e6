"""Cosigning the logs of others (C2SP tlog-witness): partner cities are each other's witnesses.

A witness keeps, for each log that it knows, the last checkpoint that it cosigned. A newer one is cosigned only
with a proof that its tree begins with that of the last; so a log that shows different people different
histories does not get the signatures of a witness on both. Checks, in order, with their status: the body's
form (400), a log that is known (404), its signature (403), the old size not above the new (400), the old size as
last cosigned (409 with that size), the proof (422). The new checkpoint is on disk before the answer.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hansa.kernel.clock import Clock
from hansa.trust.log.hashing import EMPTY_ROOT, verify_consistency
from hansa.trust.log.keys import put
from hansa.trust.log.notes import (
    Checkpoint,
    Note,
    NoteFault,
    Signer,
    Verifier,
    decoded,
    encoded,
)

__all__ = ["FOLDER", "Reply", "Witness", "Witnessed", "parsed", "request_of"]

FOLDER: Final = "witnessed"
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})")
_MOST_LINES: Final = 63
_TEXT: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a witness answers."""

    status: int
    body: str
    media_type: str = _TEXT


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A log that is cosigned here, and how far."""

    origin: str
    size: int
    note: Note | None


class Witness:
    """The witness of a node.

    Args:
        root: the log's folder; what was cosigned is kept in ``witnessed`` below.
        signer: the witness's key.
        logs: the keys of the logs that are cosigned.
        clock: the node's time.
    """

    def __init__(self, root: Path, signer: Signer, logs: Iterable[Verifier], clock: Clock) -> None:
        self._root = root / FOLDER
        self._signer = signer
        self._clock = clock
        self._logs: dict[str, list[Verifier]] = {}
        for key in logs:
            self._logs.setdefault(key.name, []).append(key)
        self._lock = threading.Lock()

    @property
    def verifier(self) -> Verifier:
        """The witness's public key."""
        return self._signer.verifier

    def logs(self) -> list[Witnessed]:
        """What is cosigned here."""
        return [Witnessed(origin, *self._last(origin)) for origin in self._logs]

    def checkpoint(self, origin_hash: str) -> bytes | None:
        """The last cosigned checkpoint of the log whose origin has this SHA-256."""
        for origin in self._logs:
            if _hash(origin) == origin_hash:
                note = self._last(origin)[1]
                return None if note is None else note.to_bytes()
        return None

    def add_checkpoint(self, body: bytes, held: str = "") -> Reply:
        """Answer a request to cosign; `held` says why nothing may be signed now.

        Raises:
            OSError: the disk refused; nothing was cosigned.
        """
        if held:
            return Reply(503, f"this witness signs nothing now: {held}\n")
        try:
            old, proof, note, head = parsed(body)
        except NoteFault as fault:
            return Reply(400, f"{fault}\n")
        keys = self._logs.get(head.origin)
        if keys is None:
            return Reply(404, "this log is not known here\n")
        try:
            signatures = [found for key in keys for found in key.verify(note)]
        except NoteFault as fault:
            return Reply(403, f"{fault}\n")
        if not signatures:
            return Reply(403, "no signature by a known key of this log\n")
        if old > head.size:
            return Reply(400, "the old size is above that of the checkpoint\n")
        with self._lock:
            return self._cosign(old, proof, Note(note.text, tuple(signatures)), head)

    def _cosign(self, old: int, proof: Sequence[bytes], note: Note, head: Checkpoint) -> Reply:
        size, last = self._last(head.origin)
        if old != size:
            return Reply(409, f"{size}\n", "text/x.tlog.size")
        before = EMPTY_ROOT if last is None else Checkpoint.parse(last.text).root
        if head.size == 0 and head.root != EMPTY_ROOT:
            return Reply(422, "an empty tree has the root of the empty tree\n")
        if not verify_consistency(old, head.size, before, head.root, proof):
            return Reply(422, "the tree does not begin with the one cosigned before\n")
        cosignature = self._signer.cosign(note.text, int(self._clock.now().timestamp()))
        place = self._root / _hash(head.origin)
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        put(place / "checkpoint", note.signed(cosignature).to_bytes())
        return Reply(200, cosignature.line)

    def _last(self, origin: str) -> tuple[int, Note | None]:
        try:
            note = Note.parse((self._root / _hash(origin) / "checkpoint").read_bytes())
        except FileNotFoundError:
            return 0, None
        return Checkpoint.parse(note.text).size, note


def request_of(old: int, proof: Iterable[bytes], note: Note) -> bytes:
    """The body that asks for a cosignature."""
    lines = "".join(f"{encoded(hash)}\n" for hash in proof)
    return f"old {old}\n{lines}\n".encode() + note.to_bytes()


def parsed(body: bytes) -> tuple[int, list[bytes], Note, Checkpoint]:
    """The old size, the proof, the note and the checkpoint of a request to cosign.

    Raises:
        NoteFault: it is none.
    """
    head, gap, rest = body.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as fault:
        raise NoteFault("the request does not begin with the old size and a proof") from fault
    old = _OLD.fullmatch(lines[0])
    if not gap or old is None or len(lines) - 1 > _MOST_LINES:
        raise NoteFault("the request does not begin with the old size and a proof")
    proof = [decoded(line, "a line of the proof") for line in lines[1:]]
    if any(len(hash) != 32 for hash in proof):
        raise NoteFault("a line of the proof is no SHA-256")
    note = Note.parse(rest)
    return int(old[1]), proof, note, Checkpoint.parse(note.text)


def _hash(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest()
