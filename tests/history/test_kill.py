"""Compaction that dies in the middle loses nothing and doubles nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hansa.history.archive import ParquetArchive
from hansa.history.compact import compact
from hansa.store.history import Added, Selection
from hansa.store.sqlite import SqliteStore, open_store

_SERIES = 40
_EACH = 25
_NEVER = 1 << 60

_COMPACTOR = """
import sys
from pathlib import Path
from hansa.history import compact as compaction
from hansa.history.archive import ParquetArchive
from hansa.store.sqlite import open_store

compaction.MOST, compaction.MANY = 150, 3
folder = Path(sys.argv[1])
store = open_store(folder / "store.sqlite")
archive = ParquetArchive(folder / "history")
print("begin", flush=True)
compaction.compact(store, archive, 1 << 60)
print("end", flush=True)
"""


def _open(folder: Path) -> SqliteStore:
    store = open_store(folder / "store.sqlite")
    store.archive = ParquetArchive(folder / "history")
    return store


def _add(store: SqliteStore, turn: int) -> None:
    store.record_history(
        [
            Added(
                f"urn:x:{n}",
                ("urn:t:T",),
                {
                    "urn:a:x": [
                        {
                            "type": "Property",
                            "value": turn,
                            "observedAt": f"2026-01-{1 + turn:02}T{n % 24:02}:{minute:02}:00Z",
                        }
                        for minute in range(_EACH)
                    ]
                },
            )
            for n in range(_SERIES)
        ]
    ).result()


@pytest.mark.slow
def test_killed_compactions_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    chance = random.Random(6)
    ids = tuple(f"urn:x:{n}" for n in range(_SERIES))
    ended = 0
    for turn in range(12):
        store = _open(tmp_path)
        _add(store, turn)
        store.close()
        with subprocess.Popen(
            [sys.executable, "-c", _COMPACTOR, str(tmp_path)],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.uniform(0.0, 0.5))
            process.send_signal(signal.SIGKILL)
            ended += process.stdout.read() == b"end\n"
        store = _open(tmp_path)
        with store.past() as past:
            found = [moment.instance["instanceId"] for moment in past.series(Selection(ids))]
            spans = list(past.spans(Selection(ids)))
        assert len(found) == len(set(found)) == _SERIES * _EACH * (turn + 1)
        assert {span.size for span in spans} == {_EACH * (turn + 1)}
        assert store.check() == []
        store.close()
    store = _open(tmp_path)
    compact(store, ParquetArchive(tmp_path / "history"), _NEVER)
    with store.past_of(store.cut(_NEVER)) as tail:
        assert list(tail.series(Selection(ids))) == []
    with store.past() as past:
        assert len(list(past.series(Selection(ids)))) == _SERIES * _EACH * 12
    store.close()
    assert ended < 12, "every compaction was over before it was killed"
