"""``python -m benchmarks.http``: measure this checkout, and peers if a file names some."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from benchmarks.http import wrk
from benchmarks.http.brokers import HANSA, read_brokers
from benchmarks.http.city import CityMissing, measure_city
from benchmarks.http.machine import describe, load_average
from benchmarks.http.measures import MEASURES, Plan
from benchmarks.http.report import markdown
from benchmarks.http.suite import measure_broker
from benchmarks.http.yardstick import plain_answer

_QUIET = 1.0


def main() -> int:
    """Run what was asked for; 0 when all of it could be measured."""
    asked = _arguments()
    try:
        wrk.check()
    except wrk.Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    if asked.wait:
        _wait_for_quiet(asked.wait)
    plan = Plan(asked.entities, asked.seconds, asked.rounds)
    machine = describe()
    machine["yardstick"] = plain_answer(plan.seconds)
    _say(f"yardstick: a plain answer takes {machine['yardstick']['cpu_us']} µs of CPU")
    brokers = ([] if asked.only_peers else [HANSA]) + (
        read_brokers(asked.peers) if asked.peers else []
    )
    result = {
        "machine": machine,
        "plan": {"entities": plan.entities, "seconds": plan.seconds, "rounds": plan.rounds},
        "brokers": [measure_broker(b, plan, asked.measure, _say) for b in brokers],
    }
    if asked.city:
        try:
            result["city"] = measure_city(_say)
        except CityMissing as missing:
            print(missing, file=sys.stderr)
            return 1
    report = markdown(result)
    if asked.out:
        asked.out.mkdir(parents=True, exist_ok=True)
        (asked.out / "http.json").write_text(json.dumps(result, indent=1, ensure_ascii=False))
        (asked.out / "http.md").write_text(report)
    print(report)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http", description=__doc__)
    parser.add_argument("--entities", type=int, default=100_000, help="how many are loaded")
    parser.add_argument("--seconds", type=float, default=6, help="length of a round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each measurement")
    keys = [m.key for m in MEASURES]
    parser.add_argument("--measure", nargs="*", choices=keys, default=[], help="only these")
    parser.add_argument("--peers", type=Path, help="file that names other brokers")
    parser.add_argument("--only-peers", action="store_true", help="leave Hansa out")
    parser.add_argument("--city", action="store_true", help="also the demonstration city")
    parser.add_argument("--wait", type=int, default=0, help="seconds to wait for a quiet machine")
    parser.add_argument("--out", type=Path, help="folder for http.json and http.md")
    return parser.parse_args()


def _wait_for_quiet(most: float) -> None:
    until = time.monotonic() + most
    while load_average() >= _QUIET and time.monotonic() < until:
        time.sleep(5)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
