"""kill -9 in the middle of compaction: no instance is lost, none is there twice, none that was erased comes back.

Before each kill history is written and some of it erased; then another process begins to compact, with
small segments and frequent merges so that there are many moments to die in, and is killed at some point.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from hansa.history.archive import ParquetArchive
from hansa.history.compact import compact
from hansa.store.history import Added, Removed, Selection
from hansa.store.sqlite import SqliteStore, open_store

__all__ = ["kill_compaction"]

SERIES = 30
EACH = 40
_NEVER = 1 << 60
_COMPACTOR = """
import sys
from pathlib import Path
from hansa.history import compact as compaction
from hansa.history.archive import ParquetArchive
from hansa.history.engine import cursor
from hansa.store.sqlite import open_store

compaction.MOST, compaction.MANY = 150, 3
folder = Path(sys.argv[1])
store, archive = open_store(folder / "store.sqlite"), ParquetArchive(folder / "history")
store.archive = archive
cursor()
print("begin", flush=True)
compaction.compact(store, archive, 1 << 60)
print("end", flush=True)
"""


class Ledger:
    """What must be there: entity to the values that were acknowledged and not erased."""

    def __init__(self) -> None:
        self.values: dict[str, set[int]] = {f"urn:x:{n}": set() for n in range(SERIES)}
        self.acknowledged = self.erased = 0


def kill_compaction(folder: Path, kills: int) -> dict[str, Any]:
    """Kill a compaction `kills` times; what was written, what is there."""
    folder.mkdir(parents=True)
    chance, ledger = random.Random(13), Ledger()
    ended = lost = doubled = returned = faults = 0
    longest = 0.6
    turn = 0
    while turn - ended < kills:
        store = _open(folder)
        _write(store, ledger, turn)
        _erase(store, ledger, chance)
        store.close()
        over, took = _killed(folder, chance.uniform(0.0, longest))
        ended += over
        turn += 1
        longest = min(longest, took) if over else longest * 1.05
        store = _open(folder)
        found = _compared(store, ledger)
        lost, doubled, returned = (
            a + b for a, b in zip((lost, doubled, returned), found, strict=True)
        )
        faults += len(store.check())
        store.close()
    store = _open(folder)
    compact(store, ParquetArchive(folder / "history"), _NEVER)
    found = _compared(store, ledger)
    store.close()
    return {
        "kills": turn - ended,
        "over before the kill": ended,
        "acknowledged": ledger.acknowledged,
        "of these erased again": ledger.erased,
        "lost": lost + found[0],
        "twice": doubled + found[1],
        "erased, but back": returned + found[2],
        "faults of the database": faults,
    }


def _open(folder: Path) -> SqliteStore:
    store = open_store(folder / "store.sqlite")
    store.archive = ParquetArchive(folder / "history")
    return store


def _write(store: SqliteStore, ledger: Ledger, turn: int) -> None:
    additions = []
    for number, (id, values) in enumerate(ledger.values.items()):
        fresh = range(turn * EACH, (turn + 1) * EACH)
        instances = [
            {
                "type": "Property",
                "value": value,
                "observedAt": f"2026-{1 + value // 1440 % 12:02}-{1 + value // 86400:02}"
                f"T{value // 60 % 24:02}:{value % 60:02}:{number:02}Z",
            }
            for value in fresh
        ]
        additions.append(Added(id, ("urn:t:T",), {"urn:a:x": instances}))
        values.update(fresh)
    store.record_history(additions).result()
    ledger.acknowledged += SERIES * EACH


def _erase(store: SqliteStore, ledger: Ledger, chance: random.Random) -> None:
    """Erase two instances of one entity, wherever they are by now."""
    id = f"urn:x:{chance.randrange(SERIES)}"
    with store.past() as past:
        moments = list(past.series(Selection((id,))))
    for moment in chance.sample(moments, 2):
        store.record_history([Removed(id, "urn:a:x", moment.instance["instanceId"])]).result()
        ledger.values[id].discard(moment.instance["value"])
        ledger.erased += 1


def _killed(folder: Path, after: float) -> tuple[bool, float]:
    """Whether a compaction was over before it was killed, and how long it was under way."""
    with subprocess.Popen(
        [sys.executable, "-c", _COMPACTOR, str(folder)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        began = time.perf_counter()
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        over = process.stdout.read() == b"end\n"
    return over, time.perf_counter() - began


def _compared(store: SqliteStore, ledger: Ledger) -> tuple[int, int, int]:
    """How many instances are missing, how many are there twice, how many came back."""
    lost = doubled = returned = 0
    with store.past() as past:
        for id, expected in ledger.values.items():
            values = [moment.instance["value"] for moment in past.series(Selection((id,)))]
            lost += len(expected - set(values))
            doubled += len(values) - len(set(values))
            returned += len(set(values) - expected)
    return lost, doubled, returned
