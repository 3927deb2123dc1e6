"""Nothing raw is left anywhere: planted values are looked for in every file of a node, its output, and a backup.

An import and a live source go through; one import is killed in the middle. Records are broken on purpose, so that refusals
and failures have something to tell.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hansa.cli.init import create
from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.spokes import orders
from hansa.spokes.keeper import Keeper
from hansa.spokes.mqtt import SPOKE
from hansa.spokes.port import Beat, Task
from hansa.store.sqlite import open_store
from hansa.trust.principals import LOCAL
from tests.broker import free_port, mosquitto, needs_mosquitto

PLANTED = ("zebra-planted", "quagga-planted", "okapi-planted", "+49-421-777123")
"""In identifiers, names, broken cells, telephone numbers."""

RECORD: dict[str, Any] = {
    "accountable": "City of Visby",
    "contact": "data@visby.example",
    "lawful_basis": "public_task",
    "purpose": ["mobility"],
    "tech": ["dtpr_api"],
    "data": ["personal", "spatial"],
    "process": ["de_identified"],
    "access": ["available_to_download"],
    "storage": ["stored_locally"],
    "retention": ["data_retained"],
    "retention_period": "P30D",
    "public_space": False,
    "anonymise": [
        {"step": "drop", "attributes": ["name", "telephone"]},
        {"step": "place", "attributes": ["location"], "resolution": 7},
        {"step": "pseudonymise", "attributes": ["id"], "rotate": "P1D"},
        {"step": "suppress", "k": 3, "by": ["ageGroup"], "window": "PT1M"},
        {"step": "measure", "quasi": ["ageGroup", "location"]},
    ],
}
MAPPING = """
type = "Person"
id = "{id}"
[location]
longitude = "lon"
latitude = "lat"
[attributes]
name = "name"
telephone = "phone"
ageGroup = "age"
[attributes.height]
column = "height"
kind = "number"
"""


def rows(count: int) -> str:
    lines = ["id,name,phone,age,height,lon,lat"]
    for n in range(count):
        age = "30s" if n % 10 else f"rare {n}"
        height = "1.7" if n % 7 else "okapi-planted"
        lines.append(
            f"zebra-planted-{n},quagga-planted {n},+49-421-777123-{n},{age},{height},8.6,53.{n:06}"
        )
    return "\n".join([*lines, lines[1], ""])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """What the source is: outside of the node."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "riders.toml").write_text(MAPPING)
    (folder / "riders.json").write_text(json.dumps(RECORD))
    create(tmp_path / "node", {"city": "Visby"})
    return folder


LOUD = """
import logging, sys
logging.basicConfig(level=logging.DEBUG)
logging.getLogger("loud").debug("every line of every log is told")
from hansa.cli import main
sys.argv[0] = "hansa"
main()
"""
"""The command with all its logs on, down to the smallest word."""


def any_dump() -> None:
    """In the child: whoever runs it lets it leave a dump as large as it likes."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def hansa(*words: object, temporary: Path) -> subprocess.Popen[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HANSA_")}
    return subprocess.Popen(
        [sys.executable, "-c", LOUD, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=temporary,
        preexec_fn=any_dump,  # noqa: PLW1509 - nothing else runs in the child yet
        env={
            **kept,
            "PYTHONUNBUFFERED": "1",
            "PYTHONFAULTHANDLER": "1",
            "PYTHONPATH": str(Path(__file__).parents[3] / "src"),
            "TMPDIR": str(temporary),
        },
    )


def importing(place: Path) -> subprocess.Popen[str]:
    temporary = place.parent / "temporary"
    temporary.mkdir(exist_ok=True)
    table = ["table", place / "riders.csv", "--mapping", place / "riders.toml"]
    into = ["--folder", place.parent / "node", "--declaration", place / "riders.json"]
    return hansa("import", *table, *into, temporary=temporary)


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file, and what is in those that are packed."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path), path.read_bytes()
            if path.name.endswith(".backup"):
                with tarfile.open(path) as tar:
                    for member in tar:
                        found = tar.extractfile(member)
                        yield f"{path}!{member.name}", found.read() if found else b""


def assert_nothing_raw(place: Path, *told: str) -> None:
    found = [
        (name, data)
        for part in ("node", "temporary")
        for name, data in contents(place.parent / part)
    ]
    found += [(f"output {n}", text.encode()) for n, text in enumerate(told)]
    assert len(found) > 5
    for name, data in found:
        for raw in PLANTED:
            assert raw.encode() not in data, f"{raw} stands in {name}"
            assert raw.encode("utf-16-le") not in data, name
        assert zlib.crc32(data) is not None


def stored(place: Path) -> list[Any]:
    store = open_store(place.parent / "node" / "store" / "default.sqlite")
    try:
        shapes = store.shapes()
    finally:
        store.close()
    return [shape for shape in shapes if any("Person" in type for type in shape.types)]


def test_an_import_leaves_nothing_raw(place: Path) -> None:
    (place / "riders.csv").write_text(rows(200))
    told, _ = importing(place).communicate(timeout=120)
    assert "refused" in told
    assert "DEBUG:loud:every line" in told
    temporary = place.parent / "temporary"
    node = place.parent / "node"
    backup = hansa("backup", node, node / "now.backup", temporary=temporary)
    said, _ = backup.communicate(timeout=60)
    assert backup.returncode == 0, said
    assert stored(place), "and something came through"
    held = b"".join(data for name, data in contents(node) if name.endswith(".sqlite"))
    assert b":Person:p-" in held
    assert b"rare 10" not in held, "what stood out alone is not there"
    assert_nothing_raw(place, told, said)
    keys = list((node / "trust" / "keys").iterdir())
    (secret,) = (json.loads(path.read_bytes())["secret"] for path in keys)
    for name, data in contents(node):
        if ".backup!" in name:
            assert secret.encode() not in data
            assert bytes.fromhex(secret) not in data


@pytest.mark.parametrize(
    ("after", "how"),
    [(0.4, signal.SIGKILL), (1.0, signal.SIGKILL), (2.0, signal.SIGKILL), (1.0, signal.SIGABRT)],
    ids=["0.4", "1.0", "2.0", "crash"],
)
def test_an_import_that_is_killed_leaves_nothing_raw(
    place: Path, after: float, how: signal.Signals
) -> None:
    (place / "riders.csv").write_text(rows(60_000))
    process = importing(place)
    key = place.parent / "node" / "trust" / "keys"
    until = time.monotonic() + 60
    while not key.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(after)
    if how == signal.SIGABRT:
        limits = Path(f"/proc/{process.pid}/limits").read_text().splitlines()
        assert any(line.split()[4] == "0" for line in limits if "core file" in line)
    os.kill(process.pid, how)
    told, _ = process.communicate(timeout=60)
    assert any(name.endswith("-wal") for name, _ in contents(place.parent / "node"))
    if how == signal.SIGABRT:
        assert "Fatal Python error: Aborted" in told, "it crashed, and said where"
        assert not list((place.parent / "temporary").glob("core*"))
    assert_nothing_raw(place, told)


CRASHING = """
import os, sys
text = "".join(map(chr, map(int, sys.argv[2].split(","))))
if sys.argv[1] == "closed":
    from hansa.kernel.program import leave_no_dump
    leave_no_dump()
    import ctypes
    assert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 0
os.abort()
"""


@pytest.mark.parametrize("state", ["open", "closed"])
def test_a_dump_would_tell_and_is_not_made(tmp_path: Path, state: str) -> None:
    """The same crash twice: one that may be dumped shows that dumps are made here, and what stands in them."""
    if Path("/proc/sys/kernel/core_pattern").read_text().strip() != "core":
        pytest.skip("dumps go elsewhere on this machine")
    secret = ",".join(str(ord(letter)) for letter in PLANTED[0])
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "src")}
    subprocess.run(
        [sys.executable, "-c", CRASHING, state, secret],
        cwd=tmp_path,
        env=environment,
        check=False,
        preexec_fn=any_dump,
        stderr=subprocess.DEVNULL,
    )
    dumps = list(tmp_path.glob("core*"))
    if state == "closed":
        assert not dumps
    elif not dumps:
        pytest.skip("this machine makes no dumps at all")
    else:
        assert PLANTED[0].encode() in dumps[0].read_bytes()


def test_the_search_finds_what_is_there(place: Path) -> None:
    """A source that hides nothing: its values are found in the database or its log, and in a backup."""
    (place / "riders.csv").write_text("id,note\n1,zebra-planted\n")
    (place / "riders.toml").write_text('type = "Bench"\nid = "{id}"\n[attributes]\nnote = "note"\n')
    plain = {n: v for n, v in RECORD.items() if n != "anonymise"}
    plain |= {"data": ["tabular"], "lawful_basis": "none_personal"}
    (place / "riders.json").write_text(json.dumps(plain))
    told, _ = importing(place).communicate(timeout=120)
    temporary, node = place.parent / "temporary", place.parent / "node"
    backup = hansa("backup", node, node / "now.backup", temporary=temporary)
    said, _ = backup.communicate(timeout=60)
    assert backup.returncode == 0, told + said
    found = {name for name, data in contents(node) if b"zebra-planted" in data}
    assert any(".backup!store" in name for name in found), found
    assert any("default.sqlite" in name and ".backup" not in name for name in found), found
    with pytest.raises(AssertionError, match="zebra-planted"):
        assert_nothing_raw(place, told, said)


class Broken:
    """A job that tells people's data, then fails with them in its mouth."""

    interval = 0.0

    def __init__(self) -> None:
        self.beats = 0

    def beat(self, moment: Any) -> Beat:
        self.beats += 1
        if self.beats == 2:
            raise KeyError(f"zebra-planted {PLANTED[3]}")
        person = {
            "id": f"urn:ngsi-ld:Person:zebra-planted-{self.beats}",
            "type": "Person",
            "name": {"type": "Property", "value": "quagga-planted"},
            "ageGroup": {"type": "Property", "value": "30s"},
        }
        odd = {**person, "seen": {"type": "Property", "value": 1, "observedAt": "okapi-planted"}}
        notes = ["zebra-planted said okapi-planted"]
        return Beat(kept=[person, odd], notes=notes, gone=["urn:ngsi-ld:Person:zebra-planted-0"])


class Live:
    """A spoke whose job is that one."""

    def __init__(self, job: Broken, manifest: Any) -> None:
        self.job, self.manifest = job, manifest

    def live(self, task: Any, entities: Any, out: Any, /) -> Broken:
        return self.job


def test_a_live_source_that_fails_tells_nothing(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (place / "riders.csv").write_text(rows(20))
    told, _ = importing(place).communicate(timeout=120)
    node = Node.open(place.parent / "node", Settings(city="Visby"))
    try:
        orders.give(node.local_store(), Task("urn:ngsi-ld:DataSource:riders", "riders", {}))
        with caplog.at_level(logging.DEBUG):
            keeper = Keeper(
                node.local_store(),
                Live(Broken(), SPOKE.manifest),
                "urn:ngsi-ld:DataSource:riders",
                node.clock,
                node.out,
                ingest=node.trust.ingest,
            )
            for _ in range(4):
                keeper.beat()
        assert "live data stopped" in caplog.text
        assert "live data are back" in caplog.text
        account = node.trust.privacy.account("riders")
        assert account["read"] >= 20
        node.trust.privacy.measure("riders", node.gate.reader(LOCAL))
    finally:
        node.close()
    assert_nothing_raw(place, told, caplog.text)


def until(done: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.2)


TOPICS = """
[[topics]]
topic = "riders/{id}"
type = "Person"
id = "{id}"
[topics.attributes]
name = "name"
telephone = "phone"
ageGroup = "age"
[topics.attributes.height]
column = "height"
kind = "number"
"""


@needs_mosquitto
def test_messages_of_a_broker_leave_nothing_raw(place: Path, tmp_path: Path) -> None:
    """A served node, with a window of a minute: killed while it holds some."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    mapping, node = place / "topics.toml", tmp_path / "node"
    mapping.write_text(TOPICS)
    port = free_port()
    publish = shutil.which("mosquitto_pub")
    if publish is None:
        pytest.skip("needs mosquitto_pub")
    (tmp_path / "broker").mkdir()
    with mosquitto(tmp_path / "broker") as broker:
        serving = hansa("serve", "--folder", node, "--port", port, "--dev", temporary=temporary)
        address = f"http://127.0.0.1:{port}"
        try:
            until(lambda: _answers(address))
            core = Path(f"/proc/{serving.pid}/limits").read_text()
            assert any(line.split()[4] == "0" for line in core.splitlines() if "core file" in line)
            words = ["mqtt", f"mqtt://127.0.0.1:{broker.port}", "--mapping", mapping]
            more = ["--name", "riders", "--declaration", place / "riders.json", "--folder", node]
            first = hansa("import", *words, *more, temporary=temporary)
            told, _ = first.communicate(timeout=60)
            assert first.returncode == 0, told
            for n in range(30):
                body = {
                    "name": f"quagga-planted {n}",
                    "phone": PLANTED[3],
                    "age": "30s",
                    "height": "okapi-planted" if n % 5 == 0 else 1.7,
                }
                topic = f"riders/zebra-planted-{n}"
                command = [
                    publish,
                    "-p",
                    str(broker.port),
                    "-r",
                    "-t",
                    topic,
                    "-m",
                    json.dumps(body),
                ]
                subprocess.run(command, check=True)
            until(lambda: _read(address) >= 20)
        finally:
            serving.kill()
            said, _ = serving.communicate()
    assert_nothing_raw(place, told, said)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/hansa/v1/privacy").status_code == 200
    except httpx.HTTPError:
        return False


def _read(address: str) -> int:
    (found,) = httpx.get(f"{address}/hansa/v1/privacy").json()["sources"]
    return int(found["account"]["read"])
