"""The house keeps its rules, and each rule can tell when it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from . import rules

SOURCE = Path(__file__).parents[2] / "src"
Rule = Callable[[list[rules.Module]], Iterator[str]]
ALL: list[Rule] = [
    rules.floors,
    rules.drivers,
    rules.cycles,
    rules.docstrings,
    rules.lengths,
    rules.leftovers,
    rules.purity,
    rules.way_out,
]

LONG_FUNCTION = '"""Doc."""\ndef f():\n' + "    x = 1\n" * rules.LONGEST_FUNCTION

BAD: list[tuple[Rule, dict[str, str], str]] = [
    (
        rules.floors,
        {"ngsild/a.py": "from hansa.store import port", "store/port.py": ""},
        "hansa.ngsild.a:1 imports hansa.store.port",
    ),
    (
        rules.floors,
        {"spokes/a.py": "from ..league import model", "league/model.py": ""},
        "hansa.spokes.a:1 imports hansa.league.model",
    ),
    (rules.floors, {"attic/a.py": ""}, "the room 'attic' stands on no floor"),
    (rules.floors, {"kernel/a.py": "def f():\n    import hansa.node"}, "hansa.kernel.a:2"),
    (
        rules.drivers,
        {"web/a.py": "from hansa.store.sqlite.driver import X", "store/sqlite/driver.py": ""},
        "opens a store past the gate",
    ),
    (rules.drivers, {"spokes/a.py": "import hansa.store.tenants"}, "hansa.spokes.a:1"),
    (
        rules.cycles,
        {
            "hub/a.py": "from . import b",
            "hub/b.py": "from .c import x",
            "hub/c.py": "import hansa.hub.a",
        },
        "hansa.hub.a -> hansa.hub.b -> hansa.hub.c -> hansa.hub.a",
    ),
    (rules.docstrings, {"hub/a.py": "x = 1"}, "hansa.hub.a has no docstring"),
    (rules.lengths, {"hub/a.py": "x = 1\n" * (rules.LONGEST_FILE + 1)}, "has 401 lines"),
    (rules.lengths, {"hub/a.py": LONG_FUNCTION}, "f has 61 lines"),
    (rules.leftovers, {"hub/utils.py": ""}, "hansa.hub.utils is a grab-bag"),
    (rules.purity, {"ngsild/a.py": "import socket"}, "hansa.ngsild.a:1 imports socket"),
    (rules.purity, {"ngsild/a.py": "x = datetime.now(UTC)"}, "calls now"),
    (rules.purity, {"ngsild/a.py": "x = open('f')"}, "calls open"),
    (rules.way_out, {"web/a.py": "import httpx"}, "hansa.web.a:1 imports httpx"),
    (rules.way_out, {"hub/a.py": "from urllib.request import urlopen"}, "only the egress guard"),
    (rules.way_out, {"spokes/a.py": "import aiomqtt"}, "only kernel/mqtt speaks MQTT"),
    (rules.way_out, {"hub/a.py": "from paho.mqtt import client"}, "only kernel/mqtt speaks MQTT"),
]


@pytest.fixture(scope="module")
def house() -> list[rules.Module]:
    modules = rules.read_tree(SOURCE)
    assert len(modules) > 10
    return modules


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.__name__)
def test_the_house_keeps_the_rule(rule: Rule, house: list[rules.Module]) -> None:
    assert list(rule(house)) == []


@pytest.mark.parametrize(("rule", "files", "fault"), BAD)
def test_the_rule_finds_the_fault(
    rule: Rule, files: dict[str, str], fault: str, tmp_path: Path
) -> None:
    for name, text in files.items():
        path = tmp_path / "hansa" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    faults = list(rule(rules.read_tree(tmp_path)))
    assert len(faults) == 1
    assert fault in faults[0]


def test_every_rule_is_proven_to_fail() -> None:
    assert {rule for rule, _, _ in BAD} == set(ALL)


def test_what_is_allowed_is_not_a_fault(tmp_path: Path) -> None:
    samples = {
        "ngsild/a.py": '"""Doc."""\nfrom hansa.kernel import errors\nfrom urllib.parse import quote',
        "kernel/errors.py": '"""Doc."""',
        "kernel/egress.py": '"""Doc."""\nimport httpx',
        "kernel/mqtt.py": '"""Doc."""\nimport aiomqtt',
        "cli/query.py": '"""Doc."""\nimport httpx\nfrom hansa import node\nimport hansa.store.tenants',
        "node.py": '"""Doc."""\nfrom hansa.web import app',
        "web/app.py": '"""Doc."""\nfrom . import pages\nfrom hansa.store import port',
        "web/pages.py": '"""Doc."""',
        "store/port.py": '"""Doc."""',
        "web/__init__.py": "",
    }
    for name, text in samples.items():
        path = tmp_path / "hansa" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    modules = rules.read_tree(tmp_path)
    assert [fault for rule in ALL for fault in rule(modules)] == []
