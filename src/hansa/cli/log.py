"""``hansa log``: the gate's log, from outside (verify) and from inside (show, checkpoint, witness, resume)."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hansa.cli.console import Json, Screen
from hansa.cli.reach import FolderOption, TokenOption, UrlOption, reached
from hansa.cli.work import in_node
from hansa.kernel.errors import BadRequest, Conflict, Unavailable

if TYPE_CHECKING:
    from hansa.kernel.folder import Folder

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        help="The gate's log: check any node's from outside, and look after your own.",
        no_args_is_help=True,
    )
    for command in (verify, show, checkpoint, witness, about, erase, resume):
        group.command()(command)
    app.add_typer(group, name="log")


def verify(
    url: Annotated[
        str,
        typer.Argument(metavar="URL", help="Address of the node, or of its log."),
    ],
    key: Annotated[
        str | None, typer.Option(help="The log's key; default: what the node names, which is said.")
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="The checkpoint seen last; the log must have grown from it. It is kept."),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Check this many random entries instead of all.")
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option(help="A witness's key. May be given again.")
    ] = None,
    quorum: Annotated[
        int, typer.Option(min=0, help="Cosignatures of these witnesses that are required.")
    ] = 0,
    json: Json = False,
) -> None:
    """Check the log of any node from outside, without trusting it.

    Every entry is hashed again, all hashes must lead to the root in the checkpoint, which must be signed
    with the log's key; with `--checkpoint` the log must also begin with what was there the last time.
    The first place that does not fit is named.

    Example: `hansa log verify https://city.example/log --checkpoint city.txt`

    Example: `hansa log verify http://127.0.0.1:1356/log --sample 100`
    """
    from hansa.cli.verify_log import Report

    screen = Screen(json)
    saved = checkpoint.read_bytes() if checkpoint and checkpoint.exists() else None
    report: Report
    report, note = _verified(screen, url, key, witness or [], saved, quorum, sample)
    if checkpoint is not None:
        draft = checkpoint.with_name(checkpoint.name + ".new")
        draft.write_bytes(note)
        draft.replace(checkpoint)
    if json:
        screen.data(asdict(report))
    grown = "" if report.before is None else f", grown from {report.before:,}"
    entries = "1 entry" if report.size == 1 else f"{report.size:,} entries"
    screen.say(f"{report.origin} is good: {entries}{grown}.")
    screen.say(f"Checked {report.entries:,} of them; the root is {report.root}.")
    if report.witnesses:
        screen.say(f"Cosigned by {', '.join(report.witnesses)}.")


def _verified(
    screen: Screen,
    url: str,
    key: str | None,
    witnesses: list[str],
    saved: bytes | None,
    quorum: int,
    sample: int | None,
) -> tuple[Any, bytes]:
    """The verifier's report and the checkpoint; what it finds is an error like any other."""
    from hansa.cli import verify_log

    try:
        named = key or verify_log.key_of(url)
        if not key:
            screen.note("The key is the node's own word: compare it, then give it with --key.")
            screen.note(f"  {named}")
        keys = [verify_log.Key.parse(each) for each in witnesses]
        with screen.progress("Checking entries") as progress:
            return verify_log.verify(
                url,
                verify_log.Key.parse(named),
                saved=saved,
                witnesses=keys,
                quorum=quorum,
                sample=sample,
                progress=progress,
            )
    except verify_log.Fault as fault:
        raise Conflict(
            verify_log.plain(f"the log at {url}, {fault.place}"),
            verify_log.plain(fault.fact),
            "keep what you have of this log, and tell its operator and its witnesses",
        ) from fault
    except verify_log.Unreachable as error:
        fact = verify_log.plain(f"cannot be looked at: {error}")
        raise Unavailable(f"the log at {url}", fact) from error


def show(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many entries.")] = 20,
    start: Annotated[
        int | None, typer.Option(min=0, help="From this one; default: the last.")
    ] = None,
    folder: FolderOption = Path("node"),
    url: UrlOption = None,
    token: TokenOption = None,
    json: Json = False,
) -> None:
    """Show entries of a node's log: what kind of act, when, under which rules.

    Whom and what an entry is about is not in the log: it holds commitments.

    Example: `hansa log show --folder my-city --limit 5`
    """
    query = {"limit": str(limit)} | ({} if start is None else {"from": str(start)})
    with reached(folder, url, token) as ask:
        found: list[dict[str, Any]] = ask("/hansa/v1/log/entries", query).json()
    screen = Screen(json)
    if json:
        screen.data(found)
    rows = [
        (each["index"], each["time"], each["kind"], each["reason"], " ".join(each["rules"]))
        for each in found
    ]
    screen.table(("entry", "time", "kind", "reason", "rules"), rows)


def checkpoint(
    folder: FolderOption = Path("node"),
    url: UrlOption = None,
    token: TokenOption = None,
    json: Json = False,
) -> None:
    """Print the newest checkpoint of a node's log, to keep it or to give it to somebody.

    Example: `hansa log checkpoint --folder my-city > my-city.checkpoint`
    """
    with reached(folder, url, token) as ask:
        note = ask("/log/checkpoint", {}).text
    screen = Screen(json)
    if json:
        screen.data({"checkpoint": note})
    screen.say(note.removesuffix("\n"))


def witness(
    folder: FolderOption = Path("node"),
    url: UrlOption = None,
    token: TokenOption = None,
    json: Json = False,
) -> None:
    """Show the keys that partner cities need, who cosigns this log, and whose this node cosigns.

    Two nodes witness each other when each has the other's keys in its settings: the log's in
    `witness_logs`, the address and the witness's in `log_witnesses`.

    Example: `hansa log witness --folder my-city`
    """
    with reached(folder, url, token) as ask:
        about = ask("/hansa/v1/log", {}).json()
    screen = Screen(json)
    if json:
        screen.data(about)
    screen.say(f"Key of the log:      {about['key']}")
    screen.say(f"Key of the witness:  {about['witnessKey']}")
    if about["held"]:
        screen.say(f"The log is held: {about['held']}")
    rows = [(each["name"], each["url"], each["size"], each["at"]) for each in about["witnesses"]]
    screen.table(("cosigns this log", "address", "entries", "last"), rows)
    screen.table(
        ("cosigned here", "entries"), [(each["origin"], each["size"]) for each in about["cosigns"]]
    )


Side = Annotated[
    str, typer.Argument(metavar="who|what", help="A principal (who), or a thing (what).")
]
Value = Annotated[str, typer.Argument(help="Its name or identifier, as the gate knows it.")]


def about(
    side: Side,
    value: Value,
    folder: FolderOption = Path("node"),
    json: Json = False,
) -> None:
    """Show the entries that are about one principal or thing, opened with what the node keeps beside the log.

    This is for whoever has the node's folder; from the log alone nobody can tell.

    Example: `hansa log about what urn:ngsi-ld:Person:4711 --folder my-city`
    """
    found = _done(folder, "about", side, value)
    screen = Screen(json)
    if json:
        screen.data(found["entries"])
    rows = [
        (each["index"], each["time"], each["kind"], each["who"], each["reason"])
        for each in found["entries"]
    ]
    screen.table(("entry", "time", "kind", "who", "reason"), rows)


def erase(
    side: Side,
    value: Value,
    folder: FolderOption = Path("node"),
    json: Json = False,
) -> None:
    """Erase for good what opens the entries about one principal or thing. The log itself stays and verifies.

    Afterwards nobody can tell, or prove, which entries were about it. Backups made before still hold it.

    Example: `hansa log erase who anna.torres --folder my-city`
    """
    found = _done(folder, "erase", side, value)
    screen = Screen(json)
    if json:
        screen.data(found)
    screen.say(f"Erased what opened {found['erased']:,} commitments; the log is as it was.")


def _done(folder: Path, task: str, side: str, value: str) -> dict[str, Any]:
    """The outcome of a task: done here, or by the node that serves the folder."""
    if side not in ("who", "what"):
        raise BadRequest("the side", f"'{side[:50]}' is neither 'who' nor 'what'", "say which")
    return in_node(folder, "log", task, {"side": side, "value": value})


def resume(
    folder: Annotated[Path, typer.Argument(help="The node's folder; the node is stopped.")],
    checkpoint: Annotated[
        Path | None, typer.Option(help="The newest checkpoint that this log published.")
    ] = None,
    nothing_newer: Annotated[
        bool, typer.Option("--nothing-newer", help="You know that nothing newer was published.")
    ] = False,
    new_volume: Annotated[
        bool, typer.Option("--new-volume", help="Entries are lost: begin a new log that says so.")
    ] = False,
    json: Json = False,
) -> None:
    """Let a log that is held sign again, after a backup was restored.

    A restored log signs nothing, because entries may have been published after the backup that it does
    not have; signing on would show two histories. Say which of three holds: a checkpoint that an auditor or
    witness kept proves that nothing is missing; you know it yourself (your word goes into the log); or entries
    are lost, and a new volume with a new key begins, which names the old one.

    Example: `hansa log resume my-city --checkpoint seen.txt`
    """
    from hansa.kernel.folder import Folder
    from hansa.kernel.settings_file import load
    from hansa.node import Node
    from hansa.trust.log import resume as work

    if [checkpoint is not None, nothing_newer, new_volume].count(True) != 1:
        raise BadRequest(
            "how to go on",
            "is to be said in one of three ways",
            "give --checkpoint FILE, --nothing-newer or --new-volume",
        )
    screen = Screen(json)
    settings = load(folder, os.environ)
    place = Folder.open(folder)
    with place.locked():
        if new_volume:
            with closing(work.new_volume(place.log, settings.base_url)) as book:
                book.sign()
                origin, size = book.origin, book.size
        else:
            with closing(Node.open(folder, settings)) as node:
                if checkpoint is not None:
                    work.compare(node.trust.log, checkpoint.read_bytes())
                why = "checkpoint-compared" if checkpoint else "operator-says-nothing-newer"
                work.go_on(node.trust.log, why)
                origin, size = node.trust.log.origin, node.trust.log.size
        spent = _settled(place, nothing_newer=nothing_newer)
    if json:
        screen.data({"origin": origin, "size": size, "budgetsSpent": spent})
    screen.say(f"The log {origin} signs again, at {size:,} entries.")
    if spent:
        screen.note(
            f"What was told after the backup is not known: the privacy budgets of {', '.join(spent)} count as spent."
        )


def _settled(folder: Folder, *, nothing_newer: bool) -> list[str]:
    """Say what became of the privacy budgets after the backup; the sources whose budget counts as spent."""
    from hansa.kernel.clock import Clock
    from hansa.trust.anonymise.restored import settle_budgets
    from hansa.trust.vault import Vault

    clock = Clock()
    with closing(Vault(folder.vault, clock)) as vault:
        return settle_budgets(vault, clock.now(), nothing_newer=nothing_newer)
