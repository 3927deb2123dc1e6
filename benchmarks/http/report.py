"""The figures as a table in Markdown: our own first, then each peer with the ratio of ours to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from benchmarks.http.measures import MEASURES, Measure

__all__ = ["markdown"]

Found = dict[str, Any]


def markdown(result: Found) -> str:
    """A report of a whole run."""
    lines = [*_head(result["machine"], result["plan"])]
    for broker in result["brokers"]:
        lines += ["", f"## {broker['name']}", "", f"Durability: {broker['durability']}.", ""]
        lines += _table(broker["measures"], result["machine"]["yardstick"]["cpu_us"])
        lines += ["", *_facts(broker)]
    ours, *peers = result["brokers"]
    for peer in peers:
        lines += ["", f"## {ours['name']} beside {peer['name']}", "", *_ratios(ours, peer)]
    if city := result.get("city"):
        lines += ["", "## The demonstration city", "", *_rows(("what", "figure"), city.items())]
    return "\n".join(lines) + "\n"


def _head(machine: Found, plan: Found) -> Iterator[str]:
    yield f"# Speed, measured on {machine['date']}"
    yield ""
    yield (
        f"Commit {machine['commit']}; {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_mib']} MiB; {machine['system']}; Python {machine['python']}; a 4 KiB append "
        f"and flush takes {machine['disk_flush_ms']} ms; load before the run {machine['load']}."
    )
    plain = machine["yardstick"]
    yield ""
    yield (
        f"Yardstick: the barest answer of the same ASGI server takes {plain['cpu_us']:.0f} µs of CPU "
        f"here ({plain['rate']:,.0f} a second); 'plain answers' counts a figure in these."
    )
    yield ""
    yield (
        f"{plan['entities']:,} entities of 1,024 bytes; {plan['rounds']} rounds of {plan['seconds']:g} s, "
        "the median counts; wrk with one thread on the same machine."
    )


def _table(found: Found, plain: float) -> list[str]:
    rows = [(m, found[m.key]) for m in MEASURES if m.key in found]
    head = ("what", "clients", "per second", "median ms", "p99 ms", "CPU µs each")
    return _rows(
        (*head, "plain answers", "failed", "goal"),
        [(m.title, m.connections, *_shown(f, plain), m.target) for m, f in rows],
    )


def _shown(figures: Found, plain: float) -> tuple[str, ...]:
    return (
        f"{figures['rate']:,.0f}",
        f"{figures['median_ms']:.2f}",
        f"{figures['p99_ms']:.2f}",
        f"{figures['cpu_us']:,.0f}",
        f"{figures['cpu_us'] / plain:.1f}",
        str(figures["failed"]),
    )


def _facts(broker: Found) -> list[str]:
    return _rows(
        ("what", "figure"),
        [
            ("load in batches of 100, 4 clients", f"{broker['load_rate']:,.0f} entities/s"),
            ("memory when loaded", f"{broker['memory_loaded']} MiB"),
            ("memory after the reads", f"{broker['memory_read']} MiB"),
            ("memory after everything (highest)", f"{broker['memory_end']} MiB"),
            ("first start", f"{broker['first_start']:.2f} s"),
            ("second start, with the data", _second_start(broker)),
        ],
    )


def _second_start(broker: Found) -> str:
    if not broker["kept"]:
        return f"{broker['second_start']:.2f} s, and the data are gone"
    return f"{broker['second_start']:.2f} s"


def _ratios(ours: Found, theirs: Found) -> list[str]:
    rows = []
    for measure in MEASURES:
        mine, other = ours["measures"].get(measure.key), theirs["measures"].get(measure.key)
        if mine and other:
            rows.append((measure.title, *_ratio(measure, mine, other)))
    return _rows(("what", "ours", "theirs", "ratio", "CPU ours µs", "CPU theirs µs"), rows)


def _ratio(measure: Measure, mine: Found, other: Found) -> tuple[str, ...]:
    if other["failed"] or mine["failed"] or not other["rate"]:
        note = f"{mine['failed']} and {other['failed']} requests failed"
        return f"{mine['rate']:,.0f}/s", f"{other['rate']:,.0f}/s", note, "", ""
    return (
        f"{mine['rate']:,.0f}/s",
        f"{other['rate']:,.0f}/s",
        f"{mine['rate'] / other['rate']:.2f}",
        f"{mine['cpu_us']:,.0f}",
        f"{other['cpu_us']:,.0f}",
    )


def _rows(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]
