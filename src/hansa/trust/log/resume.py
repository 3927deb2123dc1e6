"""Going on after a log was held: only with the operator's word, and so that nobody is deceived.

A log is held when entries may have been published that it does not have. Then one of three holds:

1. somebody kept the newest checkpoint that was published (an auditor, a witness): if it covers no more than
   is here, and our tree begins with it, nothing was lost, and signing goes on;
2. the operator knows that nothing was published after the backup, because the node was stopped before it
   was made and not started since: signing goes on, and an entry says on whose word;
3. entries are lost: a new *volume* begins, with a new key and a new name. Its first entry names the old one
   and its last checkpoint here. What the old one signed stays valid; nobody is told that nothing is missing.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

from hansa.kernel.clock import Clock
from hansa.kernel.errors import BadRequest, Conflict, Unavailable
from hansa.trust.log.book import HELD, LogBook
from hansa.trust.log.commitments import Event
from hansa.trust.log.files import ENTRIES
from hansa.trust.log.hashing import root
from hansa.trust.log.keys import put
from hansa.trust.log.notes import Checkpoint, Note, NoteFault
from hansa.trust.log.openings import FILE, VOLUMES, KeptOpenings, volume_of
from hansa.trust.log.volumes import KEY

__all__ = ["compare", "go_on", "new_volume"]

_REAL: Final = Clock()
_MOVED: Final = ("checkpoint", "cosigned", "origin", ENTRIES, "offsets")


def compare(book: LogBook, content: bytes) -> Checkpoint:
    """See that nothing is missing that a checkpoint covers; what it says.

    Raises:
        BadRequest: it is no checkpoint of this log.
        Conflict: it covers entries that are not here, or others.
    """
    try:
        note = Note.parse(content)
        head = Checkpoint.parse(note.text)
        if not book.keys.log.verifier.verify(note) or head.origin != book.origin:
            raise NoteFault("it is not signed with this log's key")
    except NoteFault as fault:
        raise BadRequest(
            "the checkpoint", f"is none of this log ({fault})", "give one that this log published"
        ) from fault
    subject = "the log"
    remedy = "restore a newer backup, or begin a new volume (--new-volume)"
    if head.size > book.size:
        fact = f"published {head.size:,} entries, and only {book.size:,} are here"
        raise Conflict(subject, fact, remedy)
    if root(head.size, book.node) != head.root:
        raise Conflict(
            subject, f"published other entries than the first {head.size:,} here", remedy
        )
    return head


def go_on(book: LogBook, why: str) -> int:
    """Sign again; `why` (a code) goes into the log. The index of the entry that says so.

    Raises:
        Conflict: the log is not held.
        Unavailable: the disk refused.
    """
    if not book.held:
        raise Conflict("the log", "is not held", "nothing needs to be done")
    index = book.record(Event("log", "operator", reason=why))
    book.unhold()
    book.sign()
    return index


def new_volume(folder: Path, base_url: str = "", clock: Clock = _REAL) -> LogBook:
    """Begin a new volume of the log in `folder`, which nobody has open; the new log, open.

    Raises:
        Conflict: the log is not held, or nothing was ever signed in it.
        Unavailable: the disk refused.
    """
    with closing(LogBook(folder, clock)) as old:
        if not old.held or old.latest is None:
            raise Conflict("the log", "is not held", "nothing needs to be done")
        head = Checkpoint.parse(old.latest.text)
        rest = old.raw(head.size, old.size)
        vkey = old.keys.log.verifier.vkey
    number = volume_of(folder)
    place = folder / VOLUMES / str(number)
    try:
        place.mkdir(mode=0o700, parents=True)
        name = head.origin.removesuffix(f"/{number}") if number > 1 else head.origin
        for path in sorted(folder.iterdir()):
            if path.name in _MOVED or path.name.startswith("tile-"):
                path.rename(place / path.name)
        put(place / KEY, f"{vkey}\n".encode())
        (folder / "log.key").unlink()  # nobody is to sign for the old volume any more
        (folder / HELD).rename(place / HELD)  # last: as long as it is there, nothing is signed
        put(folder / "origin", f"{name}/{number + 1}\n".encode())
    except OSError as error:
        raise Unavailable(
            "the log",
            f"cannot be moved ({error.strerror})",
            "check the rights of the node's folder",
        ) from error
    openings = KeptOpenings(folder / FILE, number)
    openings.next_volume(head.size)
    openings.close()
    openings = KeptOpenings(folder / FILE, number + 1)
    new = LogBook(folder, clock, base_url=base_url, openings=openings)
    facts = (f"origin:{head.origin}", f"size:{head.size}", f"root:{head.root.hex()}")
    new.record(Event("log", "operator", rules=facts, reason="new-volume"))
    new.adopt(rest)
    return new
