"""What the gate costs over HTTP: two nodes in turn, one of them without accounts and rules (``--dev``), asked by wrk.

Both hold the same entities and stand on the same ASGI server; requests go round the same identifiers. Each pair of
bursts follows the other at once, in alternating order, and the figure is the median of the pairs' ratios: of the processor time of
the whole node for each answer, log and all, and of answers per second.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import quote

from benchmarks.http.process import Running, free_port
from benchmarks.http.wrk import check, run
from hansa.cli.init import create
from hansa.kernel.settings_file import load
from hansa.ngsild.city import city_iri
from hansa.node import Node

__all__ = ["Served", "compare_served"]

_ONE = "one entity"
_PAGE = "a page of 20"


@dataclass(frozen=True, slots=True)
class Served:
    """A case: what the node is told before it is served, who asks, and the goal.

    Attributes:
        prepare: writes rules into the node; gives the token that is sent with each request, "" if none is.
    """

    name: str
    prepare: Callable[[Node], str]
    goal: str


def compare_served(
    fill: Callable[[Node], None],
    cases: list[Served],
    tell: Callable[[str, str, str], None],
    *,
    seconds: float = 1.0,
    rounds: int = 3,
    entities: int = 1_000,
    only: str = "",
) -> None:
    """Measure each case against a node that lets everything through."""
    check()
    with _serving(fill, lambda _: "", dev=True) as bare:
        for case in cases:
            if not case.name.startswith(only):
                continue
            with _serving(fill, case.prepare, dev=False) as gated:
                for what in (_ONE, _PAGE):
                    for clients in (1, 32):
                        said = _compared(bare, gated, what, seconds, clients, rounds, entities)
                        tell(f"{case.name}, {what}, {clients} clients", said, case.goal)


_Node = tuple[Running, str, str]
"""A served node, the address of its API, and the token that is sent."""
_Burst = tuple[float, float, float]
"""CPU of an answer [µs], answers per second, median of the wait [ms]."""


def _compared(
    bare: _Node, gated: _Node, what: str, seconds: float, clients: int, rounds: int, entities: int
) -> str:
    """Some pairs of bursts, the first for nothing."""
    pairs = []
    for number in range(rounds + 1):
        turns = (bare, gated) if number % 2 else (gated, bare)
        found = [_burst(*turn, what, seconds, clients, entities) for turn in turns]
        pairs.append(found if number % 2 else found[::-1])
    return _said(pairs[1:])


def _said(pairs: list[list[_Burst]]) -> str:
    cpu = median(gated[0] / bare[0] for bare, gated in pairs) - 1
    rate = median(gated[1] / bare[1] for bare, gated in pairs) - 1
    before, after = (median(pair[place][0] for pair in pairs) for place in (0, 1))
    slow, slower = (median(pair[place][2] for pair in pairs) for place in (0, 1))
    return (
        f"CPU {before:6.0f} → {after:6.0f} µs {cpu:+7.1%}   answers/s {rate:+7.1%}"
        f"   median {slow:.2f} → {slower:.2f} ms"
    )


def _burst(
    node: Running, base: str, token: str, what: str, seconds: float, clients: int, entities: int
) -> _Burst:
    before = node.cpu_seconds()
    page = f"type={quote(city_iri('GtfsStop'), safe='')}" if what == _PAGE else ""
    burst = run("gated", base, seconds, clients, str(entities), token or "-", page)
    if burst.failed:
        raise SystemExit(f"{burst.failed} of {burst.requests} answers were refusals")
    cpu = (node.cpu_seconds() - before) / burst.requests * 1e6
    return cpu, burst.requests / burst.seconds, burst.median_ms


@contextmanager
def _serving(
    fill: Callable[[Node], None], prepare: Callable[[Node], str], *, dev: bool
) -> Iterator[_Node]:
    with tempfile.TemporaryDirectory(prefix="gate-served-") as folder:
        create(Path(folder) / "node", {"city": "Visby"})
        node = Node.open(Path(folder) / "node", load(Path(folder) / "node"))
        fill(node)
        token = prepare(node)
        node.close()
        port = free_port()
        base = f"http://127.0.0.1:{port}/ngsi-ld/v1"
        command = f"{sys.executable} -m hansa.cli serve --folder {folder}/node --port {port}"
        running = Running(
            command + (" --dev" if dev else ""),
            f"{base}/types",
            Path(folder) / "log.txt",
            {
                "HANSA_RATE_TOKEN": "0",
                "HANSA_CITY": "Visby",
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
        )
        try:
            yield running, base, token
        finally:
            running.end()
