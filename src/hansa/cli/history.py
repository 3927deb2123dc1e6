"""``hansa history``: bring old history in, move it to the archive, and say how long it is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hansa.cli.console import Json, Screen
from hansa.cli.reach import FolderOption, TenantOption
from hansa.kernel.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from hansa.history.archive import ParquetArchive
    from hansa.node import Node
    from hansa.store.port import Store

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


@contextmanager
def _opened(
    folder: Path, tenant: str | None, *, make: bool = False
) -> Iterator[tuple[Node, Store, ParquetArchive]]:
    from hansa.kernel.folder import Folder
    from hansa.kernel.settings_file import load
    from hansa.node import Node
    from hansa.store.tenants import DEFAULT_TENANT
    from hansa.trust.principals import LOCAL

    settings = load(folder, os.environ)
    with Folder.open(folder).locked(), closing(Node.open(folder, settings)) as node:
        store = node.gate.writer(LOCAL, tenant, make=make)
        yield node, store, node.archive(tenant or DEFAULT_TENANT)


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
    from hansa.history.bulk import import_history
    from hansa.history.mapping import read_mapping
    from hansa.kernel.clock import micros

    screen = Screen(json)
    read = None if mapping is None else read_mapping(mapping)
    with _opened(folder, tenant, make=not dry_run) as (node, store, archive):
        now = micros(node.clock.now())
        with screen.progress(f"Reading {file.name}") as progress:
            done = import_history(
                store,
                archive,
                file,
                node.context,
                now,
                mapping=read,
                dry_run=dry_run,
                progress=progress,
            )
    if json:
        screen.data({**asdict(done), "dryRun": dry_run})
    names = ("added", "unchanged", "different", "summed", "refused")
    parts = [f"{getattr(done, name):,} {name}" for name in names if getattr(done, name)]
    screen.say(f"{'Would be: ' if dry_run else ''}{', '.join(parts) or 'nothing to do'}")
    for line, fault in done.faults[:_LISTED]:
        screen.note(f"Refused: {file.name}, line {line}: {fault}")
    if done.refused > _LISTED:
        screen.note(f"... and {done.refused - _LISTED:,} more; --json lists up to 1,000.")
    if done.different:
        screen.note("What is there already with another value was left as it is.")
    if done.summed:
        screen.note("Of some times only sums are kept; what is of these was left out.")


def compact(
    days: Annotated[
        int | None,
        typer.Option(
            min=0, help="Leave so many days in the database; default: the setting history_recent."
        ),
    ] = None,
    folder: FolderOption = Path("node"),
    tenant: TenantOption = None,
    json: Json = False,
) -> None:
    """Move history that is no longer recent from the database into Parquet files.

    A node that is served does so by itself every few hours. Nothing changes for who asks.

    Example: `hansa history compact --folder my-city --days 30`
    """
    from datetime import timedelta

    from hansa.history.compact import compact as move
    from hansa.kernel.clock import micros

    screen = Screen(json)
    with _opened(folder, tenant) as (node, store, archive):
        recent = timedelta(days=node.settings.history_recent if days is None else days)
        with screen.progress("Moving") as progress:
            done = move(store, archive, micros(node.clock.now() - recent), progress)
        segments = archive.segments(store)
    if json:
        screen.data({**asdict(done), "segments": [each.to_dict() for each in segments]})
    screen.say(
        f"{done.moved:,} instances moved; the archive has {sum(s.rows for s in segments):,} in"
        f" {len(segments)} segments ({done.bytes:,} bytes)."
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
    from hansa.history.rules import Rule, named, put_rule, remove_rule, rules_of

    screen = Screen(json)
    with _opened(folder, tenant) as (node, store, _):
        expand = node.context.expand
        if set is not None:
            if keep is None:
                raise BadRequest(
                    f"retention rule '{set}'", "says not how long", "add --keep, e.g. --keep P1Y"
                )
            of_type, of = type and expand(type), attribute and expand(attribute)
            put_rule(store, Rule(set, keep, of_type, of, sums, sums_keep))
        if remove is not None and not remove_rule(store, remove):
            raise NotFound(f"retention rule '{remove}'", "does not exist", "see the list")
        found = rules_of(store)
        shown = [[_cell(node, key, value) for key, value in each.items()] for each in named(found)]
    if json:
        screen.data({"rules": named(found)})
    heads = ("rule", "keep", "type", "attribute", "then sums by", "until")
    screen.table(heads, shown)
    if not found:
        screen.note("There are no rules: all history is kept.")


def _cell(node: Node, key: str, value: Any) -> Any:
    return node.context.compact(value) if value and key in {"type", "attribute"} else value


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
    from hansa.history.retain import foresee
    from hansa.history.retain import retain as apply
    from hansa.history.rules import rules_of

    screen = Screen(json)
    with _opened(folder, tenant) as (node, store, archive):
        now, found = node.clock.now(), rules_of(store)
        if dry_run:
            effects = foresee(store, archive, found, now)
        else:
            with screen.progress("Segments") as progress:
                effects = apply(store, archive, found, now, progress)
    if json:
        screen.data({"dryRun": dry_run, "effects": [asdict(each) for each in effects]})
    heads = ("rule", "instances summed up", "instances gone", "in sums that are gone")
    screen.table(heads, [(e.rule, e.summed, e.gone, e.sums_gone) for e in effects])
    if not found:
        screen.note("There are no rules: all history is kept.")
    elif dry_run:
        screen.note("Nothing was changed.")
