"""``hansa history``: bring old history in, move it to the archive, and say how long it is kept."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from hansa.cli.console import Json, Screen
from hansa.cli.reach import FolderOption, TenantOption
from hansa.cli.task import Given, Progress, nothing
from hansa.cli.work import in_node
from hansa.kernel.errors import BadRequest

__all__ = ["register"]

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]

_LISTED = 20


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        help="Old history: import it, move it to the archive, and say how long it is kept.",
        no_args_is_help=True,
    )
    for name, command in (
        ("import", import_file),
        ("compact", compact),
        ("rules", rules),
        ("retain", retain),
    ):
        group.command(name)(command)
    app.add_typer(group, name="history")


def _done(folder: Path, task: str, given: Given, progress: Progress) -> dict[str, Any]:
    return in_node(folder, "history", task, given, progress)


def import_file(
    file: Annotated[Path, typer.Argument(help="A Parquet or CSV file.")],
    mapping: Annotated[
        Path | None, typer.Option(help="How its columns become attributes (TOML).")
    ] = None,
    folder: FolderOption = Path("node"),
    tenant: TenantOption = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Bring measurements of the past in, straight into the archive.

    The file has the columns `entity`, `type`, `attribute`, `time` and `value` (and, if need be,
    `dataset` and `unit`), or a mapping says which columns hold what. Rows that are wrong are named with
    their lines and left out. The same again adds nothing.

    Example: `hansa history import air-2025.parquet --folder my-city`

    Example: `hansa history import air.csv --mapping air.toml --folder my-city --dry-run`
    """
    screen = Screen(json)
    given = {
        "file": str(file.expanduser().absolute()),
        "mapping": None if mapping is None else str(mapping.expanduser().absolute()),
        "tenant": tenant,
        "dryRun": dry_run,
    }
    with screen.progress(f"Importing {file.name} (percent)") as progress:
        done = _done(folder, "import", given, progress)
    if json:
        screen.data({**done, "dryRun": dry_run})
    names = ("added", "unchanged", "different", "summed", "refused")
    parts = [f"{done[name]:,} {name}" for name in names if done[name]]
    screen.say(f"{'Would be: ' if dry_run else ''}{', '.join(parts) or 'nothing to do'}")
    for line, fault in done["faults"][:_LISTED]:
        screen.note(f"Refused: {file.name}, line {line}: {fault}")
    if done["refused"] > _LISTED:
        screen.note(f"... and {done['refused'] - _LISTED:,} more; --json lists up to 1,000.")
    if done["different"]:
        screen.note("What is there already with another value was left as it is.")
    if done["summed"]:
        screen.note("Of some times only sums are kept; what is of these was left out.")


def compact(
    days: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=36_500,
            help="Leave so many days in the database; default: the setting history_recent.",
        ),
    ] = None,
    folder: FolderOption = Path("node"),
    tenant: TenantOption = None,
    json: Json = False,
) -> None:
    """Move history that is no longer recent from the database into Parquet files.

    A node that is served does so by itself every few hours, and at once when asked by this command.
    Nothing changes for who asks it for history.

    Example: `hansa history compact --folder my-city --days 30`
    """
    screen = Screen(json)
    with screen.progress("Moving") as progress:
        done = _done(folder, "compact", {"days": days, "tenant": tenant}, progress)
    if json:
        screen.data(done)
    segments = done["segments"]
    screen.say(
        f"{done['moved']:,} instances moved; the archive has {sum(s['rows'] for s in segments):,} in"
        f" {len(segments)} segments ({done['bytes']:,} bytes)."
    )


def rules(
    set: Annotated[
        str | None, typer.Option("--set", help="Make or replace the rule of this name.")
    ] = None,
    keep: Annotated[
        str | None, typer.Option(help="Keep instances for this long: P90D, P1Y, ...")
    ] = None,
    type: Annotated[str | None, typer.Option(help="Of entities of this type.")] = None,
    attribute: Annotated[str | None, typer.Option(help="Of this attribute.")] = None,
    sums: Annotated[
        str | None, typer.Option(help="Then keep sums by hour (PT1H) or day (P1D).")
    ] = None,
    sums_keep: Annotated[
        str | None, typer.Option(help="Until they are this old: P10Y; default: for ever.")
    ] = None,
    remove: Annotated[str | None, typer.Option(help="Forget the rule of this name.")] = None,
    folder: FolderOption = Path("node"),
    tenant: TenantOption = None,
    json: Json = False,
) -> None:
    """Show how long history is kept, and change it.

    The closest rule applies: type and attribute, then attribute, then type, then everything. History
    that no rule is for is kept for ever. Rules take effect at the next `retain`, or while the node is
    served.

    Example: `hansa history rules --set air --type AirQualityObserved --keep P1Y --sums PT1H --sums-keep P10Y`

    Example: `hansa history rules --folder my-city`
    """
    screen = Screen(json)
    if set is not None and keep is None:
        raise BadRequest(
            f"retention rule '{set}'", "says not how long", "add --keep, e.g. --keep P1Y"
        )
    rule = {"name": set, "keep": keep, "type": type, "attribute": attribute}
    rule |= {"sums": sums, "sums_keep": sums_keep}
    given = {"set": None if set is None else rule, "remove": remove, "tenant": tenant}
    done = _done(folder, "rules", given, nothing)
    if json:
        screen.data({"rules": done["rules"]})
    heads = ("rule", "keep", "type", "attribute", "then sums by", "until")
    screen.table(heads, done["shown"])
    if not done["rules"]:
        screen.note("There are no rules: all history is kept.")


def retain(
    folder: FolderOption = Path("node"),
    tenant: TenantOption = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Apply the rules of retention to the archive.

    A node that is served does so by itself every few hours. Recent history, which is still in the
    database, is not touched: `hansa history compact` moves it first.

    Example: `hansa history retain --folder my-city --dry-run`
    """
    screen = Screen(json)
    given = {"tenant": tenant, "dryRun": dry_run}
    with screen.progress("Segments") if not dry_run else nullcontext(nothing) as progress:
        effects = _done(folder, "retain", given, progress)["effects"]
    if json:
        screen.data({"dryRun": dry_run, "effects": effects})
    heads = ("rule", "instances summed up", "instances gone", "in sums that are gone")
    screen.table(
        heads, [tuple(each[n] for n in ("rule", "summed", "gone", "sums_gone")) for each in effects]
    )
    if not effects:
        screen.note("There are no rules: all history is kept.")
    elif dry_run:
        screen.note("Nothing was changed.")
