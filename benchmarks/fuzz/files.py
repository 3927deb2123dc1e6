"""Files and answers from outside that are not what they should be: whatever they hold, they are refused.

``files``: tables of the past (CSV, TSV, Parquet, with and without a mapping) for ``hansa history import``.
``sources``: mapping files with their tables, messages of MQTT, and the answers of services that the
spokes ask. Each begins as one that is taken, then bytes or values of it are changed. Whatever raises
something other than a refusal that says what is wrong (``HansaError``) counts as a fault.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import pyarrow
from pyarrow import parquet

from benchmarks.fuzz.mutants import mutate_bytes, mutate_json
from benchmarks.fuzz.throw import Result, opened, resident_kib
from hansa.history.bulk import import_history
from hansa.history.mapping import read_mapping
from hansa.kernel.egress import FetchFailed
from hansa.kernel.errors import HansaError
from hansa.node import Node
from hansa.spokes.mqtt.map import Message, TopicMap
from hansa.spokes.port import Refusal
from hansa.spokes.registry import find_spoke
from hansa.spokes.runner import Request, run_import
from hansa.spokes.table.mapping import load_document

__all__ = ["throw_files", "throw_sources"]

_ROOT: Final = Path(__file__).parents[2]
_RECORDED: Final = _ROOT / "tests/spokes/recorded"
_LONG: Final = b"entity,type,attribute,time,value,unit,dataset\n" + b"".join(
    b"urn:x:%d,T,speed,2025-01-0%dT00:00:00Z,%s,GQ,\n" % (n % 3, n % 9 + 1, value)
    for n, value in enumerate((b"1", b"2.5", b"true", b'"a"', b"null", b"1e5", b"-7", b"x y"))
)
_WIDE: Final = b"station,at,a,b\n1,2025-01-01 00:00,1,2\n2,2025-01-01 01:00,3.5,x\n"
_MAPPING: Final = b"""entity = "urn:x:S:{station}"
type = "S"
time = "at"
zone = "America/Santiago"
[attributes]
a = { column = "a", unit = "GQ" }
b = { column = "b" }
"""


# -- tables of the past ----------------------------------------------------------------------------


def throw_files(random: Random, count: int) -> Result:
    """Import `count` tables that are wrong."""
    result = Result()
    with opened() as node, tempfile.TemporaryDirectory(prefix="hansa-fuzz-") as place:
        for number in range(count):
            if number % max(count // 10, 1) == 0:
                result.memory.append(resident_kib())
            what, path, mapping = _table(random, Path(place))
            _judged(result, f"history {what}", lambda: _import(random, node, path, mapping))  # noqa: B023
        result.memory.append(resident_kib())
    return result


def _import(random: Random, node: Node, path: Path, mapping: Path | None) -> str:
    store, archive = node.local_store(), node.archive("default")
    read = None if mapping is None else read_mapping(mapping)
    dry = random.random() < 0.7
    done = import_history(store, archive, path, node.context, 1, mapping=read, dry_run=dry)
    return "taken whole" if not done.refused else "taken in part" if done.added else "rows refused"


def _table(random: Random, place: Path) -> tuple[str, Path, Path | None]:
    if random.random() < 0.4:
        path = place / "t.parquet"
        _write_parquet(random, path)
        return "Parquet", path, None
    mapping = None
    data, other = _LONG, _WIDE
    if random.random() < 0.4:
        data, other, mapping = _WIDE, _LONG, place / "m.toml"
        text = _MAPPING
        for _ in range(random.choice((0, 0, 1, 1, 2))):
            text = mutate_bytes(random, text, _MAPPING)
        mapping.write_bytes(text)
    for _ in range(random.choice((0, 1, 1, 2, 5))):
        data = mutate_bytes(random, data, other)
    path = place / random.choice(("t.csv", "t.csv", "t.tsv", "t.txt", "t.json"))
    path.write_bytes(data)
    return "CSV" if mapping is None else "CSV with a mapping", path, mapping


def _write_parquet(random: Random, path: Path) -> None:
    """A file whose columns have odd types, or whose bytes are damaged."""
    odd: list[Any] = [
        pyarrow.array([1, None, 3]),
        pyarrow.array([1.5, float("nan"), float("inf")]),
        pyarrow.array([[1], [], None]),
        pyarrow.array([{"a": 1}, None, {"a": 2}]),
        pyarrow.array([b"\xff", b"", None]),
        pyarrow.array([datetime(2025, 1, 1), None, datetime(9999, 12, 31)]),
        pyarrow.array([datetime(1, 1, 1, tzinfo=UTC)] * 3, pyarrow.timestamp("us", "UTC")),
        pyarrow.array([2**62] * 3, pyarrow.timestamp("ns")),
        pyarrow.array([True, None, False]),
        pyarrow.array(["urn:x:1", "speed", "2025-01-01T00:00:00Z"]),
        pyarrow.array(["a"] * 3).dictionary_encode(),
        pyarrow.nulls(3),
        pyarrow.array([2**64 - 1] * 3, pyarrow.uint64()),
        pyarrow.array([timedelta(days=1)] * 3),
    ]
    good = {
        "entity": pyarrow.array([f"urn:x:{n}" for n in range(3)]),
        "type": pyarrow.array(["T"] * 3),
        "attribute": pyarrow.array(["speed"] * 3),
        "time": pyarrow.array([datetime(2025, 1, n + 1, tzinfo=UTC) for n in range(3)]),
        "value": pyarrow.array([1.0, 2.0, 3.0]),
    }
    for name in random.sample([*good, "unit", "dataset"], random.choice((0, 1, 1, 2, 3))):
        good[name] = random.choice(odd)
    parquet.write_table(pyarrow.table(good), path)
    if random.random() < 0.5:
        data = path.read_bytes()
        for _ in range(random.choice((1, 1, 3))):
            data = mutate_bytes(random, data, data)
        path.write_bytes(data)


# -- what spokes read ------------------------------------------------------------------------------


def throw_sources(random: Random, count: int) -> Result:
    """Let spokes read `count` sources that are wrong."""
    result = Result()
    kinds = (_by_table, _by_mqtt, _by_service)
    with opened() as node, tempfile.TemporaryDirectory(prefix="hansa-fuzz-") as place:
        for number in range(count):
            if number % max(count // 10, 1) == 0:
                result.memory.append(resident_kib())
            random.choice(kinds)(random, node, Path(place), result)
        result.memory.append(resident_kib())
    return result


def _by_table(random: Random, node: Node, place: Path, result: Result) -> None:
    table, mapping = (
        (_ROOT / "docs/examples" / f"trees.{e}").read_bytes() for e in ("csv", "toml")
    )
    changed = mapping
    for _ in range(random.choice((0, 1, 1, 2))):
        changed = mutate_bytes(random, changed, mapping)
    data = table if random.random() < 0.5 else mutate_bytes(random, table, mapping)
    (place / "m.toml").write_bytes(changed)
    path = place / random.choice(("t.csv", "t.csv", "t.csv", "t.geojson", "t.parquet"))
    path.write_bytes(data)
    asked = Request(str(path), name="t", options={"mapping": str(place / "m.toml")})
    _judged(result, "spoke table", lambda: _imported(node, "table", asked))


def _imported(node: Node, spoke: str, asked: Request, out: Any = None) -> str:
    report = run_import(node.local_store(), find_spoke(spoke), asked, node.clock, out=out)
    return "records refused" if report.refused else "taken"


def _by_mqtt(random: Random, node: Node, place: Path, result: Result) -> None:
    mapping = changed = (_RECORDED / "mqtt/town.toml").read_bytes()
    for _ in range(random.choice((0, 0, 1, 2))):
        changed = mutate_bytes(random, changed, mapping)
    (place / "m.toml").write_bytes(changed)
    topic, payload = random.choice(
        (
            ("town/parks/a/trees/tree-1/up", b'{"time":"2026-01-01T00:00:00Z","data":{"moisture":5},'
             b'"position":{"lat":-30,"lon":-71},"rx":[{"battery":3.1}]}'),
            ("meters/x/m1/power", b"5.5"),
            ("doors/d1/a/b", b"open"),
            ("clocks/c1", b'{"v":1,"t":1760000000}'),
        )
    )  # fmt: skip
    for _ in range(random.choice((0, 1, 2))):
        payload = random.choice((mutate_bytes, mutate_json))(random, payload, b'{"v":[1]}')
    if random.random() < 0.2:
        topic = mutate_bytes(random, topic.encode(), b"a/b").decode("utf-8", "replace")

    def read() -> str:
        document, label = load_document(str(place / "m.toml"))
        topics = TopicMap(document, label, "town", timedelta(hours=1))
        found = topics.item(Message(topic, payload, datetime.now(UTC)))
        return "nothing" if found is None else "refused" if isinstance(found, Refusal) else "taken"

    _judged(result, "spoke mqtt", read)


_SERVICES: Final[Mapping[str, tuple[str, ...]]] = {
    "gbfs": ("gbfs-2.3", "gbfs-3.0"),
    "sensorthings": ("sensorthings",),
    "ngsiv2": ("ngsiv2",),
    "ckan": ("ckan",),
}


class _Service:
    """A way out to a service that answers with recorded documents, some of them altered."""

    def __init__(self, random: Random, folder: Path) -> None:
        self._random = random
        self._files = sorted(folder.glob("*.json"))
        self._asked = 0

    def __call__(self, url: str, headers: Mapping[str, str], /) -> bytes:
        random = self._random
        self._asked += 1
        if self._asked > 12 or random.random() < 0.02:
            raise FetchFailed(f"address {url}", "answered with status 404")
        named = [each for each in self._files if each.stem in url]
        data = (named[0] if named else random.choice(self._files)).read_bytes()
        for _ in range(random.choice((0, 0, 1, 1, 3))):
            data = random.choice((mutate_json, mutate_json, mutate_bytes))(
                random, data, data[:2000]
            )
        return data

    def mqtt(self, broker: Any, **options: Any) -> Any:
        raise AssertionError("not asked for")


def _by_service(random: Random, node: Node, place: Path, result: Result) -> None:
    spoke = random.choice(sorted(_SERVICES))
    folder = random.choice(_SERVICES[spoke])
    address = "https://service.example/" + ("gbfs.json" if spoke == "gbfs" else "v1.1")
    asked = Request(address, name=folder)
    out = _Service(random, _RECORDED / folder)
    _judged(result, f"spoke {spoke}", lambda: _imported(node, spoke, asked, out))


def _judged(result: Result, what: str, work: Any) -> None:
    """Count how `work` ends; anything but an outcome or a refusal is a fault."""
    try:
        result.add(what, work())
    except HansaError as refusal:
        result.add(
            what, "refused" if refusal.status < 500 else f"refused ({type(refusal).__name__})"
        )
    except Exception as error:
        result.add(what, "exception", repr(error))
