"""``hansa subscriptions``: who is told of changes, what failed, and sending it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hansa.cli.console import Json, Screen, moment
from hansa.cli.reach import FolderOption, TenantOption
from hansa.kernel.errors import BadRequest

if TYPE_CHECKING:
    from hansa.store.port import Store

__all__ = ["register"]

Action = Literal["list", "show", "failures", "replay"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(subscriptions)


def subscriptions(
    action: Annotated[
        Action, typer.Argument(help="What to do; without a word, list them.")
    ] = "list",
    id: Annotated[
        str | None,
        typer.Argument(help="The subscription; failures and replay take all without it."),
    ] = None,
    folder: FolderOption = Path("node"),
    tenant: TenantOption = None,
    number: Annotated[
        list[int] | None,
        typer.Option("--number", "-n", help="Only the failure of this number; again for more."),
    ] = None,
    json: Json = False,
) -> None:
    """See how subscriptions fare and what could not be delivered, and send that again.

    The node may be served meanwhile; what is replayed keeps its identifier, and is sent within seconds
    (or when the node is served again).

    Example: `hansa subscriptions list --folder my-city`

    Example: `hansa subscriptions show urn:ngsi-ld:Subscription:1`

    Example: `hansa subscriptions failures`

    Example: `hansa subscriptions replay urn:ngsi-ld:Subscription:1 --number 17`
    """
    screen = Screen(json)
    with _store(folder, tenant) as store:
        if action == "list":
            _list(screen, store)
        elif action == "show":
            _show(screen, store, id)
        elif action == "failures":
            _failures(screen, store, id)
        else:
            _replay(screen, store, id, number or [])


def _list(screen: Screen, store: Store) -> None:
    from hansa.hub.notify.actions import healths

    rows = healths(store, _now())
    screen.table(
        ("subscription", "status", "endpoint", "sent", "failed", "waiting", "given up", "last"),
        [
            (r.id, r.status, r.endpoint, r.sent, r.failed, r.waiting, r.dead, moment(r.last))
            for r in rows
        ],
    )
    if screen.json:
        screen.data([asdict(row) for row in rows])
    elif not rows:
        screen.note(
            "There are no subscriptions. They are made with POST /ngsi-ld/v1/subscriptions."
        )


def _show(screen: Screen, store: Store, id: str | None) -> None:
    from hansa.hub.notify.actions import health

    if id is None:
        raise BadRequest("the command", "names no subscription", "give its id, see the list")
    found = asdict(health(store, id, _now()))
    rows = [
        (name.replace("_", " "), moment(value) if name.startswith("last") else value)
        for name, value in found.items()
    ]
    screen.table(("what", "value"), rows)
    if screen.json:
        screen.data(found)


def _failures(screen: Screen, store: Store, id: str | None) -> None:
    from hansa.hub.notify.actions import failures

    rows = failures(store, id)
    screen.table(
        ("number", "subscription", "endpoint", "made", "attempts", "why"),
        [(r.number, r.subscription, r.endpoint, moment(r.made), r.attempts, r.fault) for r in rows],
    )
    if screen.json:
        screen.data([asdict(row) for row in rows])
    elif not rows:
        screen.note("Nothing has been given up.")


def _replay(screen: Screen, store: Store, id: str | None, numbers: list[int]) -> None:
    from hansa.hub.notify.actions import replay

    count = replay(store, subscription=id, numbers=numbers)
    screen.say(f"{count} notification{'' if count == 1 else 's'} will be sent again.")
    if screen.json:
        screen.data({"replayed": count})


def _now() -> str:
    from datetime import UTC, datetime

    from hansa.kernel.clock import iso

    return iso(datetime.now(UTC))


@contextmanager
def _store(folder: Path, tenant: str | None) -> Iterator[Store]:
    """The tenant's store; a node that is served shares it."""
    from hansa.kernel.clock import Clock
    from hansa.kernel.folder import Folder
    from hansa.store.tenants import Tenants

    with closing(Tenants(Folder.open(folder).store, Clock())) as tenants:
        yield tenants.get(tenant)
