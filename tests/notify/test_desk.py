"""The desk takes up many changes of subscriptions together, and each meets its own error alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hansa.hub.notify.desk import Desk
from hansa.hub.subscriptions.model import KIND
from hansa.kernel.egress import Egress
from hansa.kernel.errors import BadRequest
from hansa.kernel.settings import Settings
from hansa.store.port import Edited, Write
from tests.web.api.client import ApiClient

NUMBERS = range(40)
MADE = "2026-01-01T00:00:00.000000Z"


def name(number: int) -> str:
    return f"urn:x:s:{number}"


def record(number: int, **members: Any) -> dict[str, Any]:
    told = {"endpoint": {"uri": f"http://127.0.0.1:9/{number}"}}
    head = {"type": "Subscription", "entities": [{"type": "https://x.example/Car"}]}
    members = {**head, "notification": told, **members}
    times = {"createdAt": MADE, "modifiedAt": MADE}
    return {"id": name(number), **times, "context": [], "members": members}


def at_desk(api: ApiClient, work: Callable[[Desk], Awaitable[None]]) -> None:
    """Do something at a desk of its own over the node's store."""

    async def run() -> None:
        egress = Egress.for_node(Settings(dev=True))
        desk = Desk(api.node.local_store(), egress, api.node.contexts, lambda: 1_000_000)
        await desk.start()
        try:
            await work(desk)
        finally:
            await desk.stop()
            egress.close()

    asyncio.run(run())


def write(api: ApiClient, *records: dict[str, Any]) -> None:
    writes = [Write(each["id"], lambda _, each=each: Edited(each)) for each in records]  # type: ignore[misc]
    api.node.local_store().write_records(KIND, writes).result()


def test_many_are_taken_up_and_one_that_is_wrong_fails_alone(api: ApiClient) -> None:
    async def work(desk: Desk) -> None:
        write(api, *[record(n, **({"q": "((("} if n == 7 else {})) for n in NUMBERS])
        found = await asyncio.gather(
            *[desk.refresh(name(n)) for n in NUMBERS], return_exceptions=True
        )
        assert [n for n in NUMBERS if found[n] is not None] == [7]
        assert isinstance(found[7], BadRequest)
        assert len(desk.matcher.index) == len(NUMBERS) - 1
        assert api.node.local_store().outbox.keeps_images

    at_desk(api, work)


def test_what_a_hindered_round_left_is_done_by_the_next(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(desk: Desk) -> None:
        write(api, *[record(n) for n in NUMBERS])
        real, calls = Desk._attend, iter(range(100))

        async def attend(desk: Desk) -> None:
            if next(calls) == 0:
                raise OSError("hindered")
            await real(desk)

        monkeypatch.setattr(Desk, "_attend", attend)
        found = await asyncio.gather(
            *[desk.refresh(name(n)) for n in NUMBERS], return_exceptions=True
        )
        assert [type(each) for each in found if each is not None] == [OSError]
        assert len(desk.matcher.index) == len(NUMBERS)

    at_desk(api, work)


def test_the_last_state_counts(api: ApiClient) -> None:
    async def work(desk: Desk) -> None:
        for paused in (True, False):
            write(api, record(1, isActive=not paused))
            await asyncio.gather(*[desk.refresh(name(1)) for _ in range(5)])
            watcher = desk.matcher.index.get(name(1))
            assert watcher is not None
            assert watcher.subscription.active is not paused
        api.node.local_store().write_records(
            KIND, [Write(name(1), lambda _: Edited(None))]
        ).result()
        await asyncio.gather(*[desk.refresh(name(1)) for _ in range(5)])
        assert not len(desk.matcher.index)
        assert not api.node.local_store().outbox.keeps_images

    at_desk(api, work)
