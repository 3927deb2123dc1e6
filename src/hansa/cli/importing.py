"""``hansa import``: bring a source into a node."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hansa.cli.console import Json, Screen
from hansa.cli.declaring import declare_first
from hansa.cli.hints import naming, with_folder
from hansa.cli.reach import FolderOption
from hansa.kernel.errors import InvalidRequest

if TYPE_CHECKING:
    from hansa.spokes.manifest import Manifest
    from hansa.spokes.report import Progress, Report, Step
    from hansa.spokes.runner import Request

__all__ = ["following", "register", "show_report", "spoke_options"]

_LISTED = 20


def register(app: typer.Typer) -> None:
    """Add the command; options that it does not know itself belong to the spoke."""
    app.command(
        "import", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
    )(import_source)


def import_source(
    context: typer.Context,
    spoke: Annotated[str, typer.Argument(help="The kind of source: see `hansa spokes`.")],
    source: Annotated[
        str,
        typer.Argument(
            help="File or folder, or for spokes of services an address; ARCHIVE!MEMBER looks into one."
        ),
    ],
    folder: FolderOption = Path("node"),
    name: Annotated[str, typer.Option(help="Name of this import; the same again updates it.")] = "",
    namespace: Annotated[
        str, typer.Option(help="Part of identifiers; imports that belong together share it.")
    ] = "",
    title: Annotated[str, typer.Option(help="What people call the source.")] = "",
    license: Annotated[
        str,
        typer.Option("--license", "--licence", help="SPDX identifier, for example ODbL-1.0."),
    ] = "",
    attribution: Annotated[str, typer.Option(help="Words that must stand beside the data.")] = "",
    source_url: Annotated[str, typer.Option(help="Where the source can be had.")] = "",
    declaration: Annotated[
        Path | None,
        typer.Option(help="The source's record (TOML or JSON); declares it before the import."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and check everything, write nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Bring a source into a node, with its origin on every entity.

    The same import again updates what changed and marks what is no longer in the source; nothing is
    doubled or silently dropped. A node that is being served does the import itself, and goes on serving.
    `hansa spokes NAME` lists the further options of each kind of source.

    Records that are refused are listed, and the others come in; the command ends with 1 only when none did.

    A source that is not declared gives no data. `--declaration` declares it; on a terminal you are asked for what is
    missing; else see `hansa source template`. With `--dry-run` it may be declared later.

    Example: `hansa import gtfs feed.zip --folder my-city --license CC-BY-4.0`

    Example: `hansa import table trees.csv --mapping trees.toml --folder my-city --dry-run`
    """
    from hansa.spokes.registry import find_spoke
    from hansa.spokes.runner import Request

    screen, manifest = Screen(json), find_spoke(spoke).manifest
    options = _known(context, manifest, spoke_options(context.args))
    request = Request(source, name, namespace, title, license, attribution, source_url, options)
    if not dry_run:
        declare_first(screen, folder, request, spoke, declaration)
    report = _brought(screen, folder, manifest, request, dry_run)
    _note_licence(report, license)
    show_report(screen, report, dry_run)
    if report.is_in_vain:
        raise typer.Exit(1)


def _brought(
    screen: Screen, folder: Path, manifest: Manifest, request: Request, dry_run: bool
) -> Report:
    """The import, followed on the screen; what its notes and errors suggest names the folder."""
    with (
        naming(folder),
        _telling_of_interruption(screen) as watch,
        following(screen, f"Reading {Path(request.source).name}") as progress,
    ):
        report = _done(folder, manifest, request, dry_run, watch(progress))
    report.notes = [with_folder(note, folder) for note in report.notes]
    return report


def _note_licence(report: Report, license: str) -> None:
    """Say when nobody can look up the licence that was given: it may be misspelt."""
    if not license:
        return
    from hansa.web.pages.licences import is_known

    if not is_known(license):
        report.notes.append(
            f"the licence '{license}' is neither an address nor an SPDX identifier of a licence for "
            "data that Hansa knows; it was taken as it is. See https://spdx.org/licenses/"
        )


@contextmanager
def _telling_of_interruption(screen: Screen) -> Iterator[Callable[[Progress], Progress]]:
    """Say after Ctrl-C what is kept, and how to go on."""
    from hansa.spokes.report import BROKEN_OFF

    said = "what was written stays"

    def watch(progress: Progress) -> Progress:
        def follow(step: Step) -> None:
            nonlocal said
            if step.what == BROKEN_OFF:
                said = f"{step.done:,} written"
            else:
                progress(step)

        return follow

    try:
        yield watch
    except KeyboardInterrupt:
        screen.note(f"Interrupted; {said}. Import the same again to go on.")
        raise typer.Exit(130) from None


def _done(
    folder: Path, manifest: Manifest, request: Request, dry_run: bool, progress: Progress
) -> Report:
    """The import itself: in this process, or in the one that serves the folder."""
    from hansa.cli.control import ask_import, work_through
    from hansa.kernel.folder import Folder
    from hansa.kernel.settings_file import load
    from hansa.node import Node

    holder = Folder.open(folder).holder()
    if holder is not None and holder.door:
        request = _absolute(request, manifest)
        return ask_import(holder.door, manifest.name, request, dry_run, progress)
    settings = load(folder, os.environ)
    with Folder.open(folder).locked(), closing(Node.open(folder, settings)) as node:
        return work_through(node, manifest.name, request, dry_run, progress)


def _absolute(request: Request, manifest: Manifest) -> Request:
    """The same request, for a process that runs in another folder."""

    def path(text: object) -> object:
        if not isinstance(text, str) or not text or "://" in text or text[0] in "$@":
            return text
        first, *members = text.split("!")
        return "!".join([str(Path(first).expanduser().absolute()), *members])

    paths = {option.name for option in manifest.options if option.kind == "path"}
    options = {n: path(v) if n in paths else v for n, v in request.options.items()}
    name = request.name or request.slug
    return replace(request, source=str(path(request.source)), name=name, options=options)


def _known(
    context: typer.Context, manifest: Manifest, options: dict[str, str | bool]
) -> dict[str, str | bool]:
    """`options`, of which every one belongs to the spoke.

    Raises:
        InvalidRequest: one that neither the spoke nor the command has; the nearest is named.
    """
    own = [option.name.replace("_", "-") for option in manifest.options]
    common = sorted(
        word[2:] for p in context.command.params for word in p.opts if word.startswith("--")
    )
    for name in options:
        shown = name.replace("_", "-")
        if shown in own:
            continue
        near = get_close_matches(shown, [*own, *common], 1)
        listed = ", ".join(f"--{o}" for o in own) or "none of its own"
        remedy = f"it has {listed}; every import has {', '.join(f'--{o}' for o in common)}"
        raise InvalidRequest(
            f"option --{shown}",
            f"the spoke '{manifest.name}' has no such option",
            f"did you mean --{near[0]}? Else: {remedy}" if near else remedy,
        )
    return options


def spoke_options(words: list[str]) -> dict[str, str | bool]:
    """Options of a spoke from ``--name value``, ``--name=value`` and ``--name`` (a flag).

    Raises:
        InvalidRequest: a word that is no option.
    """
    found: dict[str, str | bool] = {}
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if not word.startswith("--") or len(word) == 2:
            raise InvalidRequest(f"'{word}'", "is not an option", "write options like --name value")
        option, equals, value = word[2:].partition("=")
        if not equals and waiting and not waiting[0].startswith("--"):
            value, equals = waiting.pop(0), "="
        found[option.replace("-", "_")] = value if equals else True
    return found


@contextmanager
def following(screen: Screen, label: str) -> Iterator[Progress]:
    """Draw an import's steps."""
    with screen.progress(label) as advance:

        def follow(step: Step) -> None:
            advance(step.done, step.total)

        yield follow


def show_report(screen: Screen, report: Report, dry_run: bool = False) -> None:
    """The outcome of an import: what became of the records, and what was refused and why."""
    if screen.json:
        screen.data({**report.to_dict(), "dryRun": dry_run})
        return
    screen.table(("type", "entities"), sorted(report.by_type.items()))
    names = ("created", "updated", "unchanged", "vanished", "refused")
    parts = [f"{getattr(report, name):,} {name}" for name in names if getattr(report, name)]
    if report.is_in_vain:
        parts.insert(0, f"0 of {report.read or report.refused:,} stored")
    outcome = ", ".join(parts) or "nothing to do"
    screen.say(f"{'Would be: ' if dry_run else ''}{outcome} ({report.seconds:.1f} s)")
    for note in report.notes:
        screen.note(f"Note: {note}")
    for refusal in report.refusals[:_LISTED]:
        screen.note(f"Refused: {refusal}")
    if report.refused > _LISTED:
        screen.note(f"... and {report.refused - _LISTED:,} more; --json lists up to 1,000.")
    if dry_run:
        screen.note("Nothing was written.")
