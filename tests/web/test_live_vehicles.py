"""Vehicles by server-sent events: all first, then each change; slow readers are caught up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import pytest

from hansa.kernel.errors import Unavailable
from hansa.node import Node
from hansa.store.port import Edited, Write
from hansa.web.live import vehicles
from hansa.web.live.vehicles import VehicleStream
from hansa.web.shell.site import Site
from tests.web import town


def vehicle(number: int, longitude: float) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:Vehicle:town:{number}",
        "type": "Vehicle",
        "heading": {"type": "Property", "value": 90, "unitCode": "DD"},
        "location": {
            "type": "GeoProperty",
            "value": {"type": "Point", "coordinates": [longitude, -30.0]},
        },
    }


def test_it_says_how_a_position_was_made(empty_node: Node) -> None:
    reported = vehicle(1, -71.0) | {"positionSource": {"type": "Property", "value": "reported"}}
    town.write(empty_node, [reported])

    async def use(events: AsyncIterator[bytes]) -> None:
        _, present = parsed(await anext(events))
        assert present[0]["how"] == "reported"

    with_events(empty_node, use)


def parsed(message: bytes) -> tuple[str, Any]:
    """Name and data of an event; a comment has no name."""
    fields = dict(line.split(": ", 1) for line in message.decode().splitlines() if line)
    return fields.get("event", ""), orjson.loads(fields["data"]) if "data" in fields else None


def with_events(node: Node, use: Callable[[AsyncIterator[bytes]], Any]) -> Any:
    """Run `use` on the stream's events."""

    async def run() -> Any:
        events = VehicleStream(Site(node))._events()
        try:
            return await asyncio.wait_for(use(events), 20)
        finally:
            await events.aclose()  # type: ignore[attr-defined]

    return asyncio.run(run())


def remove(node: Node, id: str) -> None:
    node.local_store().write([Write(id, lambda entity: Edited(None))]).result()


def test_a_reader_gets_all_then_each_change(empty_node: Node) -> None:
    town.write(empty_node, [vehicle(1, -71.0)])

    async def use(events: AsyncIterator[bytes]) -> None:
        name, present = parsed(await anext(events))
        assert name == "all"
        assert present == [{"id": vehicle(1, 0)["id"], "at": [-71.0, -30.0], "heading": 90}]
        town.write(empty_node, [vehicle(2, -70.9)])
        name, moved = parsed(await anext(events))
        assert name == "some"
        assert moved == [{"id": vehicle(2, 0)["id"], "at": [-70.9, -30.0], "heading": 90}]
        remove(empty_node, vehicle(1, 0)["id"])
        assert parsed(await anext(events)) == ("some", [{"id": vehicle(1, 0)["id"], "gone": True}])

    with_events(empty_node, use)


def test_changes_of_other_things_are_not_sent(
    empty_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vehicles, "_BEAT", 0.2)

    async def use(events: AsyncIterator[bytes]) -> None:
        await anext(events)
        town.write(empty_node, town.zones())
        assert await anext(events) == b": still here\n\n"

    with_events(empty_node, use)


def test_a_slow_reader_is_given_all_again(
    empty_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vehicles, "_QUEUE", 2)

    async def use(events: AsyncIterator[bytes]) -> None:
        await anext(events)
        for number in range(6):
            await asyncio.to_thread(town.write, empty_node, [vehicle(number, -71.0 + number / 100)])
            await asyncio.sleep(0.05)
        names = []
        while "all" not in names:
            name, data = parsed(await anext(events))
            names.append(name)
        assert len(data) == 6

    with_events(empty_node, use)


def test_two_readers_share_one_follower(empty_node: Node) -> None:
    async def run() -> None:
        stream = VehicleStream(Site(empty_node))
        readers = [stream._events(), stream._events()]
        for reader in readers:
            await anext(reader)
        assert len(stream._readers) == 2
        first = stream._task
        await asyncio.to_thread(town.write, empty_node, [vehicle(1, -71.0)])
        messages = [await asyncio.wait_for(anext(reader), 10) for reader in readers]
        assert messages[0] == messages[1]
        assert stream._task is first
        for reader in readers:
            await reader.aclose()  # type: ignore[attr-defined]
        assert stream._readers == set()

    asyncio.run(run())


def test_the_number_of_readers_is_limited(
    empty_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vehicles, "_READERS", 0)
    with pytest.raises(Unavailable, match="readers already"):
        asyncio.run(VehicleStream(Site(empty_node)).stream(None))  # type: ignore[arg-type]
