"""``python -m benchmarks.gate``: what the gate adds to a read, against the same read of the store behind it.

With ``--served`` over HTTP (:mod:`.served`). Otherwise one node, in this process, with the usual rules, and then with rules that hide a type and an attribute from the public. Each
way of asking takes turns with the bare store, so that whatever else the machine does meets all alike; figures are
ratios of medians of CPU time, except where the disk is waited for. At the HTTP API the whole request is measured, without a
network.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.gate.served import Served, compare_served
from benchmarks.store.gauge import machine, say
from hansa.kernel.settings import Settings
from hansa.ngsild.city import city_iri
from hansa.ngsild.query import AttributePath, Compare, Query, TypeName
from hansa.node import Node
from hansa.store.port import Edited, Reader, Write
from hansa.trust.policy.parse import PROFILE
from hansa.trust.principals import LOCAL, PUBLIC, Principal

PLANNER = Principal("pia", "staff", frozenset({"planner"}))
STOP, SECRET, NOTE, NAME = (city_iri(term) for term in ("GtfsStop", "Vault", "note", "name"))
STAMP = "2026-01-01T00:00:00.000000Z"
WORLD = (-180.0, -90.0, 180.0, 90.0)


def prohibition(operand: str, *values: str) -> dict[str, Any]:
    """Of the public."""
    constraint = {"leftOperand": operand, "operator": "isAnyOf", "rightOperand": list(values)}
    return {"action": "read", "assignee": "kind:public", "constraint": [constraint]}


HIDING = {
    "@type": "Set",
    "profile": PROFILE,
    "target": "urn:hansa:city",
    "prohibition": [prohibition("entityType", "Vault"), prohibition("attribute", "note")],
}


def entity(number: int) -> dict[str, Any]:
    """A stop; every tenth is of the hidden type, every third has the hidden attribute."""

    def value(of: Any) -> list[dict[str, Any]]:
        return [{"type": "Property", "value": of, "createdAt": STAMP, "modifiedAt": STAMP}]

    place = {"type": "Point", "coordinates": [number % 100 / 100, number // 100 / 100]}
    found = {
        "id": f"urn:ngsi-ld:GtfsStop:{number}",
        "type": [STOP] if number % 10 else [STOP, SECRET],
        "createdAt": STAMP,
        "modifiedAt": STAMP,
        NAME: value(f"Stop {number}"),
        city_iri("capacity"): value(number % 50),
        city_iri("description"): value("Where buses stop that come from far away. " * 5),
        "https://uri.etsi.org/ngsi-ld/location": [
            {"type": "GeoProperty", "value": place, "createdAt": STAMP, "modifiedAt": STAMP}
        ],
    }
    return found | ({NOTE: value("not for everybody")} if number % 3 == 0 else {})


def fill(node: Node, count: int) -> None:
    """Put `count` entities into the node."""
    made = [entity(number) for number in range(count)]
    for start in range(0, count, 1000):
        node.local_store().write(
            [
                Write(each["id"], lambda old, e=each: Edited(e))
                for each in made[start : start + 1000]
            ]
        ).result()


ASKS: dict[str, Callable[[Reader, int], object]] = {
    "one entity": lambda r, n: r.get(f"urn:ngsi-ld:GtfsStop:{n % 1000}"),
    "a page of 20 of a type": lambda r, n: r.query(Query(types=TypeName(STOP), offset=n % 50)),
    "20 by a value, counted": lambda r, n: r.query(
        Query(
            types=TypeName(STOP),
            q=Compare(AttributePath((city_iri("capacity"),)), ">", (n % 50,)),
            count=True,
        )
    ),
    "the types": lambda r, _: r.shapes(),
    "all that is drawn": lambda r, _: r.features([STOP], WORLD, [NAME]),
}
TIMES = {"the types": 200, "all that is drawn": 20}


def ratio(
    plain: Callable[[int], object], gated: Callable[[int], object], times: int
) -> list[float]:
    """Medians of CPU of both, in turns [µs], and of the wall."""
    spent: list[list[float]] = [[], [], [], []]
    for number in range(times):
        for place, work in enumerate((plain, gated) if number % 2 else (gated, plain)):
            which = place if number % 2 else 1 - place
            wall, cpu = time.perf_counter(), time.process_time()
            work(number)
            spent[which].append((time.process_time() - cpu) * 1e6)
            spent[2 + which].append((time.perf_counter() - wall) * 1e6)
    return [median(each) for each in spent]


def compare(node: Node, who: Principal, what: str, goal: str, times: int) -> None:
    """Each ask through the gate, against the bare store."""
    bare = node.gate.reader(LOCAL)
    for name, ask in ASKS.items():
        each = min(TIMES.get(name, times), times)
        found = ratio(lambda n: ask(bare, n), lambda n: ask(node.gate.reader(who), n), each)  # noqa: B023
        _tell(f"{what}, {name}", found, goal)


def _tell(what: str, found: list[float], goal: str) -> None:
    plain, gated, wall, gated_wall = found
    figure = f"{plain:9.1f} → {gated:9.1f} µs  {gated / plain - 1:+7.1%}"
    say(what, f"{figure}  (wall {gated_wall / wall - 1:+.1%})", goal)


@contextmanager
def ungated(node: Node) -> Iterator[None]:
    """The gate hands out the store to everybody, and asks nobody."""
    gate, store = node.gate, node.gate.reader(LOCAL)
    names = ("reader", "admit")
    kept = {name: getattr(gate, name) for name in names}
    gate.reader = lambda *_: store  # type: ignore[method-assign]
    gate.admit = lambda *_: None  # type: ignore[method-assign]
    yield
    for name in names:
        setattr(gate, name, kept[name])


def over_http(node: Node, what: str, goal: str, times: int, token: str = "") -> None:
    """Requests to the API, as the application sees them."""
    loop = asyncio.new_event_loop()
    for name, path, query in (
        ("one entity", "/ngsi-ld/v1/entities/urn:ngsi-ld:GtfsStop:{n}", b""),
        ("a page of 20", "/ngsi-ld/v1/entities", b"type=GtfsStop"),
    ):

        def ask(number: int) -> None:
            scope = _scope(path.format(n=number % 400 * 10 + 1), query, token)  # noqa: B023
            loop.run_until_complete(node.app(scope, _receive, _send))

        def bare(number: int) -> None:
            with ungated(node):
                ask(number)

        _tell(f"{what}, HTTP, {name}", ratio(bare, ask, times), goal)
    loop.close()


def _scope(path: str, query: bytes, token: str) -> dict[str, Any]:
    headers = [(b"host", b"127.0.0.1:1356"), (b"accept", b"application/json")]
    if token:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1356),
    }


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(message: Any) -> None:
    if message["type"] == "http.response.start" and message["status"] != 200:
        raise SystemExit(f"the node answered {message['status']}")


def served(options: argparse.Namespace) -> None:
    """Each case over HTTP, against a node without accounts and rules."""

    def published(node: Node) -> str:
        node.trust.policies.begin()
        return ""

    def hidden(node: Node) -> str:
        node.trust.policies.begin()
        node.trust.policies.declare(LOCAL, "hiding", HIDING)
        return ""

    def restricted(node: Node) -> str:
        hidden(node)
        node.trust.desk.accounts.add("pia", roles=("planner",))
        return node.trust.desk.tokens.add("pia", "benchmark")[1]

    compare_served(
        lambda node: fill(node, options.entities),
        [
            Served("public, all published", published, "+15 %"),
            Served("public, some hidden", hidden, "+15 %"),
            Served("restricted, logged, by a token", restricted, "+30 %"),
        ],
        say,
        seconds=options.seconds,
        rounds=options.rounds,
        only=options.only,
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate", description=__doc__)
    parser.add_argument("--entities", type=int, default=5_000)
    parser.add_argument("--times", type=int, default=1_000, help="of each read")
    parser.add_argument("--served", action="store_true", help="over HTTP, with wrk")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each burst (--served)")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of bursts (--served)")
    parser.add_argument("--only", default="", help="cases that begin so (--served)")
    options = parser.parse_args()
    print(machine())
    if options.served:
        served(options)
        return
    with tempfile.TemporaryDirectory(prefix="gate-") as folder:
        node = Node.open(Path(folder), Settings(city="Visby"))
        fill(node, options.entities)
        node.trust.policies.begin()
        compare(node, PUBLIC, "public, all published", "+15 %", options.times)
        over_http(node, "public, all published", "+15 %", options.times)
        node.trust.policies.declare(LOCAL, "hiding", HIDING)
        compare(node, PUBLIC, "public, some hidden", "+15 %", options.times)
        over_http(node, "public, some hidden", "+15 %", options.times)
        compare(node, PLANNER, "restricted, logged", "+30 %", options.times // 4)
        node.close()


if __name__ == "__main__":
    main()
