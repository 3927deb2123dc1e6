#!/usr/bin/env python3
"""Check the log of a Hansa node (or any log of the C2SP tlog-tiles form) without trusting it.

    python verify_log.py https://city.example/log --key VKEY --checkpoint seen.txt

This one file needs Python 3.11 and the package `cryptography`; it shares no code with the node. It checks:
1. that the checkpoint is signed with the log's key and, if asked, cosigned by enough witnesses;
2. that the log has only grown since the checkpoint in the file, if there is one (then it is replaced);
3. that all hashes lead to the checkpoint's root, and every entry (or a random sample) to its hash.
The first place that does not fit is named. Exit status: 0 all is well, 1 something is not, 2 could not look.
"""

import argparse
import base64
import hashlib
import http.client
import json
import random
import re
import shlex
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WIDTH, HASH, LARGEST, AHEAD, THREADS, KEPT = 256, 32, 20_000_000, 32, 8, 1_000
SECONDS = 120.0  # for the whole of a file: a server may send a byte a minute for ever
EACH = 100_000_000_000  # more entries than that cannot be looked at one by one
SIZE = re.compile("0|[1-9][0-9]{0,17}")
sha256 = hashlib.sha256


class Fault(Exception):
    """Something in the log is not as it must be: where, and what."""

    def __init__(self, place: str, fact: str) -> None:
        super().__init__(f"{place}: {fact}")
        self.place, self.fact = place, fact


class Unreachable(Exception):
    """The log could not be looked at; nothing is known of it."""


def plain(text: object) -> str:
    """What a server wrote, without the signs that a terminal would obey."""
    return "".join(
        sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in str(text)
    )


# -- the log, over HTTP ------------------------------------------------------------------------------


class Source:
    """Gets files below an address over HTTP, one kept connection for each thread."""

    def __init__(self, address: str) -> None:
        kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        try:
            parts = urlsplit(address if "://" in address else f"https://{address}")
            is_address = parts.scheme in kinds and parts.hostname and parts.port != 0
        except ValueError:  # half a bracket, or a port that is no number
            is_address = False
        if not is_address:
            raise Unreachable(f"{address} is no http or https address")
        self._prefix = parts.path.rstrip("/")
        self._netloc, self._kind = parts.netloc, kinds[parts.scheme]
        self._own = threading.local()
        self._lines: list[http.client.HTTPConnection] = []
        self._host = f"{parts.scheme}://{parts.netloc}"
        if not self._prefix and self.get("checkpoint") is None:
            self._prefix = "/log"  # the address of a node, not of its log

    @property
    def base(self) -> str:
        """The address of the log."""
        return self._host + self._prefix

    def get(self, path: str) -> bytes | None:
        """The file's bytes; None if there is none."""
        for is_last in (False, True):  # a kept connection may have been closed meanwhile
            try:
                return self._ask(path)
            except (OSError, http.client.HTTPException, ValueError) as error:
                if line := getattr(self._own, "line", None):
                    line.close()
                self._own.line = None
                if is_last or isinstance(error, TimeoutError):
                    raise Unreachable(f"{self.base}/{path} cannot be had ({error})") from error
        return None

    def _ask(self, path: str) -> bytes | None:
        line = getattr(self._own, "line", None)
        if line is None:
            line = self._own.line = self._kind(self._netloc, timeout=60)
            self._lines.append(line)
        if line.sock is None:
            line.connect()
        watch = _Watch(line.sock)
        try:
            line.request("GET", f"{self._prefix}/{path}", headers={"Accept-Encoding": "identity"})
            answer = line.getresponse()
            content = answer.read(LARGEST)
        finally:
            watch.end()  # before all else: what was cut short is not what the server has
        if answer.status in (404, 410):
            return None
        if answer.status != 200:
            raise OSError(f"status {answer.status}")
        return bytes(content)

    def close(self) -> None:
        """Let go of the connections."""
        for line in self._lines:
            line.close()


class _Watch:
    """Cuts a connection when a file takes too long as a whole."""

    def __init__(self, line: socket.socket) -> None:
        self._line, self._over = line, False
        self._timer = threading.Timer(SECONDS, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def _cut(self) -> None:
        self._over = True
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """The file is there, or a fault.

        Raises:
            TimeoutError: it was cut.
        """
        self._timer.cancel()
        if self._over:
            raise TimeoutError(f"it took longer than {SECONDS:g} seconds")


# -- signed notes ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Key:
    """A key to verify with: a log's (type 1) or a witness's (type 4)."""

    name: str
    id: bytes
    type: int
    public: bytes

    @classmethod
    def parse(cls, text: str) -> "Key":
        """From its text: name+id+key."""
        try:
            name, id, encoded = text.strip().split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
        except ValueError as error:
            raise Unreachable(f"'{text[:80]}' is no key of the form name+id+key") from error
        made = sha256(name.encode() + b"\n" + raw).digest()[:4]
        is_name = name.isprintable() and " " not in name and 0 < len(name) < 256
        if not is_name or made.hex() != id or len(raw) != 33 or raw[0] not in (1, 4):
            raise Unreachable(f"'{text[:80]}' is no Ed25519 key, or was copied wrongly")
        return cls(name, made, raw[0], raw[1:])

    def verifies(self, text: str, content: bytes) -> bool:
        """Whether what stands in a signature line was made with the key."""
        message = text.encode()
        if self.type == 4:
            moment = int.from_bytes(content[:8], "big")
            message, content = f"cosignature/v1\ntime {moment}\n{text}".encode(), content[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(content, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Head:
    """A checkpoint: its note, what it says, and the signatures on it."""

    note: bytes
    text: str
    origin: str
    size: int
    root: bytes
    signatures: tuple[tuple[str, bytes, bytes], ...]

    @classmethod
    def parse(cls, note: bytes, place: str) -> "Head":
        """From its bytes."""
        try:
            text, gap, below = note.decode().rpartition("\n\n")
            origin, size, root = ([*text.split("\n"), "", "", ""])[:3]
            signatures = []
            for line in below.removesuffix("\n").split("\n"):
                dash, name, encoded = line.split(" ")
                raw = base64.b64decode(encoded, validate=True)
                if dash != "—" or base64.b64encode(raw).decode() != encoded:
                    raise ValueError
                signatures.append((name, raw[:4], raw[4:]))
            if not SIZE.fullmatch(size):  # never negative, and not so large that it has no end
                raise ValueError
            head = cls(
                note, text + "\n", origin, int(size), base64.b64decode(root), tuple(signatures)
            )
        except ValueError as error:
            raise Fault(place, "is no signed checkpoint") from error
        if not gap or len(head.root) != HASH or not (origin and origin.isprintable()):
            raise Fault(place, "is no signed checkpoint")
        return head

    def require(self, key: Key, place: str) -> None:
        """See that it is signed with the log's key, and is of that log."""
        if self.origin != key.name:
            raise Fault(place, f"is of the log '{self.origin}', not of '{key.name}'")
        if not self.signed_by(key, place):
            raise Fault(place, f"is not signed by {key.name} (key {key.id.hex()})")

    def signed_by(self, key: Key, place: str) -> bool:
        """Whether the key signed it; a false signature in its name is a fault."""
        found = [
            content for name, id, content in self.signatures if (name, id) == (key.name, key.id)
        ]
        if not all(key.verifies(self.text, content) for content in found):
            raise Fault(f"{place}, signature of {key.name}", "does not verify")
        return bool(found)


# -- trees -------------------------------------------------------------------------------------------


def peaks(hashes: list[bytes]) -> list[bytes]:
    """The perfect subtrees that hashes of one height make, largest first."""
    done: list[bytes] = []
    for count, hash in enumerate(hashes, 1):
        last = hash
        while not count & 1:
            last = sha256(b"\x01" + done.pop() + last).digest()
            count >>= 1  # noqa: PLW2901 - counts the pairs that the new hash completes
        done.append(last)
    return done


def fold(found: list[bytes]) -> bytes:
    """The root over perfect subtrees."""
    if not found:
        return sha256(b"").digest()
    root = found[-1]
    for hash in reversed(found[:-1]):
        root = sha256(b"\x01" + hash + root).digest()
    return root


def name_of(level: int | str, index: int, width: int) -> str:
    """The path of a tile, or of a bundle of entries."""
    number = f"{index % 1000:03}"
    while index := index // 1000:
        number = f"x{index % 1000:03}/{number}"
    return f"tile/{level}/{number}" + (f".p/{width}" if width < WIDTH else "")


class Tree:
    """The tree below a checkpoint. A hash is used only once it is known to lead to the root."""

    def __init__(self, source: Source, head: Head) -> None:
        self._source, self.size, self._root = source, head.size, head.root
        self._known: dict[tuple[int, int], list[bytes]] = {}
        self._edge: dict[tuple[int, int], list[bytes]] = {}
        self._lock = threading.Lock()
        levels = range((max(self.size, 1).bit_length() + 7) // 8)
        edge = [(level, self.size >> 8 * level & 255) for level in levels]
        tiles = {
            level: self._fetch(level, (self.size >> 8 * level) // WIDTH, width)
            for level, width in edge
            if width
        }
        if (
            fold([peak for level in reversed(levels) for peak in peaks(tiles.get(level, []))])
            != self._root
        ):
            raise self._edge_fault(tiles)
        for level, hashes in tiles.items():
            self._edge[level, (self.size >> 8 * level) // WIDTH] = hashes

    def hashes(self, level: int, index: int) -> list[bytes]:
        """The hashes of a tile, known to be right by those above it."""
        held = self._edge.get((level, index)) or self._known.get((level, index))
        if held is not None:
            return held
        above = self.hashes(level + 1, index // WIDTH)
        found = self._fetch(level, index, WIDTH)
        if fold(peaks(found)) != above[index % WIDTH]:
            raise self._tile_fault(level, index, found, above[index % WIDTH])
        if level:  # of those at the bottom there are many, and each is asked for once
            with self._lock:
                self._known[level, index] = found
                while len(self._known) > KEPT:
                    del self._known[next(iter(self._known))]
        return found

    def entries(self, index: int) -> list[bytes]:
        """The hashes of the entries of a bundle."""
        width = min(WIDTH, self.size - index * WIDTH)
        place = name_of("entries", index, width)
        content = self._part(place, "entries", index)
        hashes: list[bytes] = []
        at = 0
        while at < len(content) and len(hashes) < width:
            end = at + 2 + int.from_bytes(content[at : at + 2], "big")
            if end > len(content):
                raise Fault(f"{place}, entry {len(hashes)}", "is longer than its bundle")
            hashes.append(sha256(b"\x00" + content[at + 2 : end]).digest())
            at = end
        if len(hashes) != width or (at < len(content) and width == WIDTH):
            raise Fault(place, f"holds {len(hashes)} whole entries and other bytes, not {width}")
        return hashes

    def check(self, index: int) -> int:
        """See that the entries of a bundle are those of the tree; how many there are."""
        right = self.hashes(0, index)
        for place, (mine, theirs) in enumerate(zip(self.entries(index), right, strict=True)):
            if mine != theirs:
                where = name_of("entries", index, len(right))
                number = index * WIDTH + place
                raise Fault(
                    f"{where}, entry {place}", f"(number {number:,}) is not what was logged"
                )
        return len(right)

    def root_at(self, size: int) -> bytes:
        """The root that the tree had when it had `size` entries."""
        found: list[bytes] = []
        for level in reversed(range((max(size, 1).bit_length() + 7) // 8)):
            width = size >> 8 * level & 255
            if width:
                found += peaks(self.hashes(level, (size >> 8 * level) // WIDTH)[:width])
        return fold(found)

    def _fetch(self, level: int, index: int, width: int) -> list[bytes]:
        place = name_of(level, index, width)
        content = self._part(place, level, index)
        if len(content) < width * HASH or len(content) % HASH:
            raise Fault(place, f"has {len(content)} bytes instead of {width * HASH}")
        return [content[i : i + HASH] for i in range(0, width * HASH, HASH)]

    def _part(self, place: str, level: int | str, index: int) -> bytes:
        content = self._source.get(place)
        if content is None and ".p/" in place:  # it may have become full meanwhile
            content = self._source.get(name_of(level, index, WIDTH))
        if content is None:
            raise Fault(place, "is not there")
        return content

    def _below(self, level: int, index: int, width: int) -> list[bytes]:
        """A tile made anew from what lies below it: entries, or the tiles of the next level."""
        if level == 0:
            return self.entries(index)[:width]
        first = index * WIDTH
        below = range(first, first + width)
        return [fold(peaks(self._fetch(level - 1, i, WIDTH))) for i in below]

    def _tile_fault(self, level: int, index: int, found: list[bytes], above: bytes) -> Fault:
        return self._differing(level, index, found) or Fault(
            name_of(level, index, WIDTH), f"does not make the hash above it ({above.hex()[:16]}…)"
        )

    def _edge_fault(self, tiles: dict[int, list[bytes]]) -> Fault:
        for level, hashes in tiles.items():
            fault = self._differing(level, (self.size >> 8 * level) // WIDTH, hashes)
            if fault:
                return fault
        return Fault("checkpoint", "its root is not that of the log's entries")

    def _differing(self, level: int, index: int, found: list[bytes]) -> Fault | None:
        """The first hash of a tile that is not made by what lies below it, if there is one."""
        for place, (one, other) in enumerate(
            zip(found, self._below(level, index, len(found)), strict=False)
        ):
            if one != other:
                where = f"{name_of(level, index, len(found))}, hash {place}"
                below = (
                    f"entry {index * WIDTH + place:,}"
                    if level == 0
                    else f"the tile {place} below it"
                )
                return Fault(where, f"is not made by {below}: one of the two was changed")
        return None


# -- the whole check ---------------------------------------------------------------------------------


@dataclass
class Report:
    """What was checked."""

    origin: str
    size: int
    root: str
    entries: int = 0
    before: int | None = None
    witnesses: list[str] = field(default_factory=list)


def verify(
    address: str,
    key: Key,
    *,
    saved: bytes | None = None,
    witnesses: list[Key] | None = None,
    quorum: int = 0,
    sample: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Report, bytes]:
    """Check a log; the report, and the checkpoint to keep for the next time.

    Raises:
        Fault: something is not as it must be.
        Unreachable: the log could not be looked at.
    """
    with closing(Source(address)) as source:
        return _verify(source, key, saved, witnesses or [], quorum, sample, progress)


def _verify(
    source: Source,
    key: Key,
    saved: bytes | None,
    witnesses: list[Key],
    quorum: int,
    sample: int | None,
    progress: Callable[[int, int], None],
) -> tuple[Report, bytes]:
    note = source.get("checkpoint")
    if note is None:
        raise Unreachable(f"{source.base} has no checkpoint (as yet): is it the address of a log?")
    head = Head.parse(note, "checkpoint")
    head.require(key, "checkpoint")
    report = Report(head.origin, head.size, head.root.hex())
    different = {each.public: each for each in witnesses}.values()  # given twice, it is still one
    report.witnesses = [each.name for each in different if head.signed_by(each, "checkpoint")]
    if len(report.witnesses) < quorum:
        raise Fault("checkpoint", f"is cosigned by {len(report.witnesses)} witnesses, not {quorum}")
    old = None if saved is None else Head.parse(saved, "the saved checkpoint")
    if old is not None:
        old.require(key, "the saved checkpoint")
        if old.size > head.size:
            raise Fault("checkpoint", f"has {head.size:,} entries, and had {old.size:,} before")
    tree = Tree(source, head)
    if old is not None:
        report.before = old.size
        if tree.root_at(old.size) != old.root:
            raise Fault("checkpoint", f"the first {old.size:,} entries were others before: a fork")
    bundles: list[int] | range = range(-(-head.size // WIDTH))
    if sample is not None and sample < head.size:
        chosen = random.SystemRandom().sample(range(head.size), sample)
        bundles = sorted({number // WIDTH for number in chosen})
    elif head.size > EACH:
        raise Unreachable(f"{head.size:,} entries are too many to look at each: give --sample")
    total = len(bundles) * WIDTH if sample else head.size
    for count in _ahead(tree.check, _prepared(tree, bundles)):
        report.entries += count
        progress(report.entries, total)
    return report, note


def _prepared(tree: Tree, bundles: Iterable[int]) -> Iterator[int]:
    """The bundles, each after the tile above it was fetched, once: the threads then find it."""
    last = -1
    for bundle in bundles:
        above = bundle // WIDTH
        if above != last and (above + 1) * WIDTH * WIDTH <= tree.size:
            tree.hashes(1, above)
        last = above
        yield bundle


def _ahead(work: Callable[[int], int], items: Iterator[int]) -> Iterator[int]:
    """Do `work` for the items in several threads; results in order, a bounded number in advance."""
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            running = [pool.submit(work, item) for item in islice(items, AHEAD)]
            for item in items:
                yield running.pop(0).result()
                running.append(pool.submit(work, item))
            for future in running:
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def key_of(address: str) -> str:
    """The key that the node itself names: good for a first look, and to be compared elsewhere."""
    with closing(Source(address)) as source:
        found = source.get("key")
    if found is None:
        raise Unreachable("the node names no key: give the log's key with --key")
    text = found.decode("utf-8", "replace").strip()
    Key.parse(text)
    return text


def _whole(text: str) -> int:
    if not SIZE.fullmatch(text):
        raise argparse.ArgumentTypeError("must be a number, 0 or more")
    return int(text)


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "url", help="address of the node or of its log, for example https://city.example/log"
    )
    parser.add_argument("--key", help="the log's key; default: what the node names, which is said")
    parser.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="checkpoint seen last; kept"
    )
    parser.add_argument("--sample", type=_whole, metavar="N", help="check N random entries")
    parser.add_argument(
        "--witness", action="append", default=[], metavar="KEY", help="a witness's key"
    )
    parser.add_argument(
        "--quorum", type=_whole, default=0, metavar="K", help="cosignatures required"
    )
    given = parser.parse_args(arguments)

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{done:,} of {total:,} entries")

    try:
        saved = (
            given.checkpoint.read_bytes()
            if given.checkpoint and given.checkpoint.exists()
            else None
        )
        key = given.key or key_of(given.url)
        if not given.key:
            sys.stderr.write(
                f"The key is the node's own word; compare it, then give it: --key {shlex.quote(key)}\n"
            )
        report, note = verify(
            given.url, Key.parse(key), saved=saved, witnesses=[Key.parse(each) for each in given.witness],
            quorum=given.quorum, sample=given.sample, progress=progress,
        )  # fmt: skip
        if given.checkpoint:
            draft = given.checkpoint.with_name(given.checkpoint.name + ".new")
            draft.write_bytes(note)
            draft.replace(given.checkpoint)
    except Fault as fault:
        sys.stderr.write(f"\nFAULT at {plain(fault.place)}: {plain(fault.fact)}.\n")
        return 1
    except (Unreachable, OSError) as error:
        sys.stderr.write(f"\nCould not look: {plain(error)}.\n")
        return 2
    sys.stderr.write("\n")
    sys.stdout.write(json.dumps({"good": True, **report.__dict__}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
