"""What the commands of ``hansa history`` do with an open node: in their own process, or in the node's.

A task takes what was asked for as plain data and gives plain data back, so that both may pass through the
back door of a served node (:mod:`.control`). One at a time, and never beside the node's own archivist.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hansa.cli.task import Given, Progress
from hansa.kernel.clock import micros
from hansa.kernel.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from hansa.history.archive import ParquetArchive
    from hansa.node import Node
    from hansa.store.port import Store

__all__ = ["do_history"]


def do_history(node: Node, task: str, given: Given, progress: Progress) -> dict[str, Any]:
    """Do a task of the tenant that is given, when it is its turn.

    Raises:
        BadRequest: there is no such task.
        HansaError: what goes wrong in it.
    """
    from hansa.store.tenants import DEFAULT_TENANT
    from hansa.trust.principals import LOCAL

    if task not in _TASKS:
        raise BadRequest(f"task '{task[:80]}'", "is not one that a node does")
    tenant = given.get("tenant")
    make = task == "import" and not given["dryRun"]
    store = node.gate.writer(LOCAL, tenant, make=make)
    with node.archiving:
        return _TASKS[task](node, store, node.archive(tenant or DEFAULT_TENANT), given, progress)


def _import(
    node: Node, store: Store, archive: ParquetArchive, given: Given, progress: Progress
) -> dict[str, Any]:
    from hansa.history.bulk import import_history
    from hansa.history.mapping import read_mapping

    mapping = given["mapping"]
    done = import_history(
        store,
        archive,
        Path(given["file"]),
        node.context,
        micros(node.clock.now()),
        mapping=None if mapping is None else read_mapping(Path(mapping)),
        dry_run=given["dryRun"],
        progress=progress,
        screen=node.trust.table_screen(),
    )
    return asdict(done)


def _compact(
    node: Node, store: Store, archive: ParquetArchive, given: Given, progress: Progress
) -> dict[str, Any]:
    from hansa.history.compact import compact

    days = given["days"]
    recent = timedelta(days=node.settings.history_recent if days is None else days)
    done = compact(store, archive, micros(node.clock.now() - recent), progress)
    return {**asdict(done), "segments": [each.to_dict() for each in archive.segments(store)]}


def _rules(
    node: Node, store: Store, archive: ParquetArchive, given: Given, progress: Progress
) -> dict[str, Any]:
    from hansa.history.rules import Rule, named, put_rule, remove_rule, rules_of

    rule, remove = given["set"], given["remove"]
    if rule is not None:
        names = {
            name: rule[name] and node.context.expand(rule[name]) for name in ("type", "attribute")
        }
        put_rule(store, Rule(**(rule | names)))
    if remove is not None and not remove_rule(store, remove):
        raise NotFound(f"retention rule '{remove}'", "does not exist", "see the list")
    found = named(rules_of(store))

    def shown(key: str, value: Any) -> Any:
        return node.context.compact(value) if value and key in {"type", "attribute"} else value

    return {
        "rules": found,
        "shown": [[shown(key, value) for key, value in each.items()] for each in found],
    }


def _retain(
    node: Node, store: Store, archive: ParquetArchive, given: Given, progress: Progress
) -> dict[str, Any]:
    from hansa.history.retain import foresee, retain
    from hansa.history.rules import rules_of

    now, found = node.clock.now(), rules_of(store)
    if given["dryRun"]:
        effects = foresee(store, archive, found, now)
    else:
        effects = retain(store, archive, found, now, progress)
    return {"effects": [asdict(each) for each in effects]}


_TASKS: Final = {"import": _import, "compact": _compact, "rules": _rules, "retain": _retain}
