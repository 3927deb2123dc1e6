"""History that was acknowledged is there after the process was killed, and nothing is there by half."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hansa.store.history import Selection
from hansa.store.sqlite import open_store

_WRITE = """
import sys, threading
from pathlib import Path
from hansa.store.history import Added
from hansa.store.sqlite import open_store

store = open_store(Path(sys.argv[1]))
lock = threading.Lock()

def work(worker):
    for n in range(100_000):
        pair = [
            {"type": "Property", "value": n, "observedAt": f"2026-01-{1 + n % 28:02}T00:00:00.{n:06}Z"},
            {"type": "Property", "value": n, "observedAt": f"2027-01-{1 + n % 28:02}T00:00:00.{n:06}Z"},
        ]
        store.record_history([Added(f"urn:x:{worker}", ("urn:t:T",), {"urn:a:v": pair})]).result()
        with lock:
            print(worker, n, flush=True)

for worker in range(4):
    threading.Thread(target=work, args=(worker,)).start()
"""


@pytest.mark.parametrize("after", [1, 40, 400])
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, after: int) -> None:
    path = tmp_path / "store.sqlite"
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITE, str(path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    acknowledged: dict[str, int] = {}
    for _ in range(after):
        worker, number = process.stdout.readline().split()
        acknowledged[worker] = int(number)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().rpartition("\n")[0]
    for line in rest.splitlines():
        worker, number = line.split()
        acknowledged[worker] = int(number)
    process.wait()
    process.stdout.close()
    store = open_store(path)
    try:
        assert store.check() == []
        with store.past() as past:
            for worker, number in acknowledged.items():
                found = [m.instance["value"] for m in past.series(Selection((f"urn:x:{worker}",)))]
                assert set(range(number + 1)) <= set(found)
                assert len(found) == 2 * len(set(found))  # both of a request or none
    finally:
        store.close()
