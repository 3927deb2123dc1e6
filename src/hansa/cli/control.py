"""The back door of a served node, for commands on the same machine: a socket in a private folder.

A command that must write (``hansa import``, or one that does :mod:`.work`) cannot open a folder that a node holds. It
asks the node instead: over a Unix socket whose folder belongs to the node's user alone, so that whoever can reach it
could open the node's databases as well. The lock file of the node's folder names it. One request is a
line of JSON; the answer is a line for each step, and at the end one with the report or the error. A
command that hangs up ends its work, as Ctrl-C does.
"""

from __future__ import annotations

import logging
import shutil
import socket
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from hansa.cli.rooms import ROOMS
from hansa.cli.task import Given
from hansa.cli.task import Progress as Count
from hansa.kernel import errors
from hansa.kernel.errors import BadRequest, HansaError, InternalError, Unavailable

if TYPE_CHECKING:
    from hansa.node import Node
    from hansa.spokes.report import Progress, Report
    from hansa.spokes.runner import Request

__all__ = ["ask", "ask_import", "listening", "work_through"]

_LOG: Final = logging.getLogger("hansa.door")

_LONGEST_LINE: Final = 16_000_000
_PATIENCE: Final = 20.0
"""Seconds that the end of the node waits for an import to break off."""


def work_through(
    node: Node, spoke: str, request: Request, dry_run: bool, progress: Progress
) -> Report:
    """An import into an open node, of a source that is declared; a rehearsal may be of one that is not yet.

    Raises:
        UndeclaredSource: it is not declared; what is missing is named.
        HansaError: it cannot be read, or stored.
    """
    from hansa.cli.rehearsal import rehearse
    from hansa.kernel.errors import UndeclaredSource
    from hansa.spokes.registry import find_spoke
    from hansa.spokes.runner import run_import
    from hansa.trust.screen import Screening

    found, undeclared, passage = find_spoke(spoke), None, None
    try:
        passage = node.trust.ingest.admit(request.slug, spoke)
        declared = node.trust.sources.find(request.slug) or {}
        request = replace(request, title=request.title or declared.get("name", ""))
    except UndeclaredSource as refusal:
        if not dry_run:
            raise
        undeclared = refusal
    store = node.local_store()
    if dry_run:
        store = rehearse(store, Screening(personal=not node.settings.dev))
    report = run_import(store, found, request, node.clock, progress, node.out, passage)
    if undeclared is not None:
        report.notes.append(undeclared.sentence)
    if not dry_run:
        node.trust.rounds.hurry()
    return report


class _HungUp(Exception):
    """Nobody waits for the answer any more, or the node ends."""


class _Door(socketserver.ThreadingUnixStreamServer):
    """One import at a time, and one task of each room beside it; others wait for their turn."""

    daemon_threads = True
    block_on_close = False
    node: Node

    def __init__(self, path: str) -> None:
        super().__init__(path, _Asked)
        self.turns = {kind: threading.Lock() for kind in ("import", *ROOMS)}
        self.ending = threading.Event()


class _Asked(socketserver.StreamRequestHandler):
    """One request."""

    server: _Door

    def handle(self) -> None:
        """Do what is asked for; the connection ends with the answer."""
        with suppress(OSError, _HungUp):
            try:
                asked = orjson.loads(self.rfile.readline(_LONGEST_LINE))
                kind = str(asked.get("room", "import"))
                self._follow(0, None, "waiting for its turn")
                with self.server.turns[kind]:
                    done = self._import(asked) if kind == "import" else self._work(kind, asked)
                self._say({"done": done})
            except HansaError as fault:
                self._say({"error": _told(fault)})
            except (orjson.JSONDecodeError, KeyError, TypeError) as fault:
                wrong = BadRequest("the request", f"cannot be understood ({fault})")
                self._say({"error": _told(wrong)})
            except (_HungUp, ConnectionError):
                raise
            except Exception:  # the node goes on, and says so
                _LOG.exception("work that was asked for through the door failed")
                fact = "failed, and the node's log says where; nothing else of it did"
                self._say({"error": _told(InternalError("the work", fact))})

    def _import(self, asked: dict[str, Any]) -> dict[str, Any]:
        from hansa.spokes.report import Step
        from hansa.spokes.runner import Request

        def follow(step: Step) -> None:
            self._follow(step.done, step.total, step.what)

        request = Request(**asked["request"])
        node, dry_run = self.server.node, bool(asked["dryRun"])
        return work_through(node, asked["spoke"], request, dry_run, follow).to_dict()

    def _work(self, room: str, asked: dict[str, Any]) -> dict[str, Any]:
        return ROOMS[room](self.server.node, str(asked["task"]), asked["given"], self._follow)

    def _follow(self, done: int, total: int | None, what: str = "") -> None:
        if self.server.ending.is_set():
            raise _HungUp
        self._say({"step": [done, total, what]})

    def _say(self, message: dict[str, Any]) -> None:
        try:
            self.wfile.write(orjson.dumps(message) + b"\n")
        except OSError as fault:
            raise _HungUp from fault


def _told(fault: HansaError) -> dict[str, str]:
    return {
        "kind": type(fault).__name__,
        "subject": fault.subject,
        "fact": fault.fact,
        "remedy": fault.remedy,
    }


@contextmanager
def listening(node: Node) -> Iterator[str]:
    """Keep the door open while the block runs; yields its path.

    It is "" where this machine has no room for a socket (its name may have some 100 characters): then
    commands find no door, and say that the folder is in use.
    """
    place = Path(tempfile.mkdtemp(prefix="hansa-"))  # for the owner alone
    try:
        door = _Door(str(place / "node.sock"))
    except OSError:
        shutil.rmtree(place, ignore_errors=True)
        yield ""
        return
    door.node = node
    thread = threading.Thread(
        target=door.serve_forever, kwargs={"poll_interval": 0.2}, name="door", daemon=True
    )
    thread.start()
    try:
        yield str(place / "node.sock")
    finally:
        door.ending.set()
        door.shutdown()
        door.server_close()
        for turn in door.turns.values():
            turn.acquire(timeout=_PATIENCE)
        shutil.rmtree(place, ignore_errors=True)


def ask_import(
    path: str, spoke: str, request: Request, dry_run: bool, progress: Progress
) -> Report:
    """Let the node behind the door at `path` do an import.

    Raises:
        HansaError: what went wrong there.
        Unavailable: the node ended meanwhile.
    """
    from hansa.spokes.report import Report, Step

    asked = {"spoke": spoke, "request": asdict(request), "dryRun": dry_run}
    ended = ("ended during the import", "import again")
    return Report.from_dict(_asked(path, asked, lambda *step: progress(Step(*step)), ended))


def ask(path: str, room: str, task: str, given: Given, progress: Count) -> dict[str, Any]:
    """Let the node behind the door at `path` do a task of a room of :mod:`.work`; raises the same."""
    asked = {"room": room, "task": task, "given": dict(given)}
    ended = ("ended in the middle of it", "do the same again")
    return _asked(path, asked, lambda done, total, what: progress(done, total), ended)


def _asked(
    path: str,
    asked: dict[str, Any],
    follow: Callable[[int, int | None, str], None],
    told: tuple[str, str],
) -> dict[str, Any]:
    """The outcome; `told` is what to say of a node that ends before, and what to do."""
    ended = Unavailable("the node that serves the folder", *told)
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(path)
            line.sendall(orjson.dumps(asked) + b"\n")
            for answer in line.makefile("rb"):
                message = orjson.loads(answer)
                if "step" in message:
                    follow(*message["step"])
                elif "done" in message:
                    found: dict[str, Any] = message["done"]
                    return found
                else:
                    raise _rebuilt(message["error"])
    except OSError:
        raise ended from None
    raise ended


def _rebuilt(told: dict[str, str]) -> HansaError:
    """The error of the other process; a kind that is not a common one becomes the root's."""
    kind = getattr(errors, told["kind"], InternalError)
    found: HansaError = HansaError.__new__(kind if issubclass(kind, HansaError) else InternalError)
    HansaError.__init__(found, told["subject"], told["fact"], told["remedy"])
    return found
