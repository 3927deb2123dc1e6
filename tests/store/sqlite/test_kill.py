"""What is acknowledged survives the sudden death of the process, and nothing else is half there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from hansa.store.sqlite import open_store
from hansa.store.sqlite.schema import connect

_EACH = 5
"""Entities per request; each request is a single transaction for who looks later."""

_WRITER = """
import os, sys, threading
from pathlib import Path
from hansa.store.port import Edited, Write
from hansa.store.sqlite import open_store

store, turn, each = open_store(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])

def entity(id, request):
    place = {"type": "Point", "coordinates": [request % 180, 1]}
    return {"id": id, "type": ["urn:t:T"], "createdAt": "c", "modifiedAt": "m",
            "urn:a:request": [{"type": "Property", "value": request}],
            "urn:a:where": [{"type": "GeoProperty", "value": place}]}

def work(thread):
    for request in range(1_000_000):
        name = f"{turn}-{thread}-{request}"
        ids = [f"urn:x:{name}:{n}" for n in range(each)]
        writes = [Write(id, lambda old, id=id: Edited(entity(id, request))) for id in ids]
        store.write(writes).result()
        os.write(1, f"{name}\\n".encode())

for thread in range(6):
    threading.Thread(target=work, args=(thread,)).start()
"""


def _write_until_killed(path: Path, turn: int, seconds: float) -> list[str]:
    """The requests that a writing process acknowledged before it was killed."""
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path), str(turn), str(_EACH)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
    lines = (first + rest).decode().split("\n")
    return [line for line in lines[:-1] if line]


@pytest.mark.slow
def test_acknowledged_writes_survive_kill(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    chance = random.Random(4)
    acknowledged: set[str] = set()
    for turn in range(6):
        acknowledged.update(_write_until_killed(path, turn, chance.uniform(0.02, 0.4)))
        store = open_store(path)
        try:
            requests: dict[str, int] = {}
            for document in store.scan():
                name = orjson.loads(document)["id"].split(":")[2]
                requests[name] = requests.get(name, 0) + 1
            assert acknowledged <= requests.keys(), "an acknowledged request is missing"
            assert set(requests.values()) == {_EACH}, "a request was kept by half"
            changes = store.changes(0, limit=1_000_000)
            assert [change.seq for change in changes] == list(range(1, store.last_change() + 1))
            assert len(changes) == len(requests) * _EACH
            assert store.check() == []
        finally:
            store.close()
    assert len(acknowledged) > 20


def test_a_commit_waits_for_the_disk(tmp_path: Path) -> None:
    """Power loss cannot be tried here; SQLite's promise for it rests on these two settings."""
    open_store(tmp_path / "store.sqlite").close()
    connection = connect(tmp_path / "store.sqlite")
    try:
        assert connection.pragma("journal_mode") == "wal"
        assert connection.pragma("synchronous") == 2
    finally:
        connection.close()
