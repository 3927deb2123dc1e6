"""The rules of the house, as functions from a source tree to the faults found in it.

Each rule reads the syntax tree alone, so a fault is found even where the code never runs. The rules
are tried on the real tree, and on bad samples that prove that each of them can fail, in
:mod:`test_floors`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FLOORS: dict[str, int] = {
    "kernel": 0,
    "ngsild": 0,
    "store": 1,
    "history": 1,
    "hub": 2,
    "trust": 3,
    "spokes": 4,
    "catalogue": 4,
    "indicators": 4,
    "twin": 4,
    "league": 4,
    "people": 4,
    "services": 4,
    "finance": 4,
    "foresight": 4,
    "web": 5,
    "upkeep": 5,
    "node": 6,
    "cli": 6,
}
"""The floor of each room, ground floor first."""

SIDEWAYS: frozenset[tuple[str, str]] = frozenset(
    {("ngsild", "kernel"), ("history", "store"), ("cli", "node")}
)
"""Who may import from its own floor. Areas cross as entities and events, unless listed here."""

DRIVERS = ("hansa.store.sqlite", "hansa.store.postgres", "hansa.store.tenants")
DRIVER_USERS = frozenset({"store", "trust", "upkeep", "node", "cli"})
"""Only these rooms open a store themselves; the others reach it through the gate."""

OUTWARD = frozenset(
    {"httpx", "httptools", "requests", "aiohttp", "urllib.request", "http.client", "urllib3"}
)
OUTWARD_USERS = (
    "hansa.kernel.egress",
    "hansa.kernel.connections",
    "hansa.kernel.reasons",
    "hansa.kernel.urls",
    "hansa.cli",
)
"""HTTP leaves a node through the egress guard alone; the command line is a client, not the node."""

MQTT = frozenset({"aiomqtt", "paho"})
MQTT_USERS = ("hansa.kernel.mqtt",)
"""MQTT leaves it through one module, which asks the guard for checked addresses."""

IMPURE = (
    OUTWARD
    | MQTT
    | {
        "socket",
        "ssl",
        "sqlite3",
        "apsw",
        "asyncio",
        "subprocess",
        "tempfile",
        "random",
    }
)
PRESENT = frozenset({"now", "utcnow", "today", "monotonic"})
"""What the information model never touches: the network, files, databases, chance and the clock."""

LONGEST_FILE = 400
LONGER: dict[str, int] = {"hansa.cli.verify_log": 600}
"""One file on purpose: auditors are given it alone."""
LONGEST_FUNCTION = 60


@dataclass(frozen=True)
class Module:
    """One source file: its dotted name, its text as a tree, and its number of lines."""

    name: str
    tree: ast.Module
    lines: int
    is_package: bool

    @property
    def room(self) -> str:
        """The first part after ``hansa``, or "" for the package itself."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else ""


def read_tree(source: Path) -> list[Module]:
    """Every module of the package ``hansa`` below `source`."""
    found = []
    for path in sorted((source / "hansa").rglob("*.py")):
        parts = list(path.relative_to(source).with_suffix("").parts)
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        text = path.read_text()
        found.append(Module(name, ast.parse(text), text.count("\n"), is_package))
    return found


def imports(module: Module, names: frozenset[str]) -> Iterator[tuple[str, int]]:
    """What `module` imports, as (dotted name, line); a submodule is named itself, not its package."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield (whole if whole in names else base), node.lineno


def _base(module: Module, node: ast.ImportFrom) -> str:
    """The module that a ``from … import`` names, with leading dots resolved."""
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    package = parts if module.is_package else parts[:-1]
    package = package[: len(package) - node.level + 1]
    return ".".join([*package, node.module] if node.module else package)


def _names(modules: list[Module]) -> frozenset[str]:
    return frozenset(module.name for module in modules)


def _inside(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def floors(modules: list[Module]) -> Iterator[str]:
    """A room imports only from floors below it; its own floor only where SIDEWAYS allows."""
    names = _names(modules)
    for module in modules:
        if module.room and module.room not in FLOORS:
            yield f"{module.name}: the room '{module.room}' stands on no floor"
            continue
        for target, line in imports(module, names):
            if target.split(".")[0] != "hansa" or not module.room:
                continue
            room = target.removeprefix("hansa").removeprefix(".").split(".")[0]
            if room in {"", module.room} or (module.room, room) in SIDEWAYS:
                continue
            if FLOORS.get(room, 99) >= FLOORS[module.room]:
                yield f"{module.name}:{line} imports {target}, which is not on a floor below"


def drivers(modules: list[Module]) -> Iterator[str]:
    """Only the rooms in DRIVER_USERS import a store's driver."""
    names = _names(modules)
    for module in modules:
        for target, line in imports(module, names):
            if _inside(target, DRIVERS) and module.room not in DRIVER_USERS:
                yield f"{module.name}:{line} opens a store past the gate ({target})"


def cycles(modules: list[Module]) -> Iterator[str]:
    """No module imports itself by way of others."""
    names = _names(modules)
    edges = {
        module.name: sorted({t for t, _ in imports(module, names) if t in names} - {module.name})
        for module in modules
    }
    done: set[str] = set()

    def walk(name: str, trail: list[str]) -> Iterator[str]:
        if name in trail:
            yield " -> ".join([*trail[trail.index(name) :], name])
        elif name not in done:
            for target in edges[name]:
                yield from walk(target, [*trail, name])
            done.add(name)

    for name in sorted(edges):
        yield from walk(name, [])


def docstrings(modules: list[Module]) -> Iterator[str]:
    """Every module with code in it begins by saying what it is for."""
    for module in modules:
        if module.tree.body and not ast.get_docstring(module.tree):
            yield f"{module.name} has no docstring"


def lengths(modules: list[Module]) -> Iterator[str]:
    """No file above LONGEST_FILE lines, no function above LONGEST_FUNCTION."""
    for module in modules:
        if module.lines > LONGER.get(module.name, LONGEST_FILE):
            yield f"{module.name} has {module.lines} lines"
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    yield f"{module.name}:{node.lineno} {node.name} has {lines} lines"


def leftovers(modules: list[Module]) -> Iterator[str]:
    """No module whose name says nothing."""
    for module in modules:
        if module.name.rsplit(".", 1)[-1] in {"utils", "util", "helpers", "misc", "common"}:
            yield f"{module.name} is a grab-bag by its name"


def purity(modules: list[Module]) -> Iterator[str]:
    """The information model does no input or output and never asks for the time."""
    names = _names(modules)
    for module in (m for m in modules if m.room == "ngsild"):
        for target, line in imports(module, names):
            if target in IMPURE or target.split(".")[0] in IMPURE:
                yield f"{module.name}:{line} imports {target}, but the model does no I/O"
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and _called(node) in PRESENT | {"open"}:
                yield f"{module.name}:{node.lineno} calls {_called(node)}, but the model is pure"


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def way_out(modules: list[Module]) -> Iterator[str]:
    """Nothing but the egress guard (and the command line, a client) speaks HTTP or MQTT outwards."""
    names = _names(modules)
    for module in modules:
        for target, line in imports(module, names):
            if _inside(target, tuple(OUTWARD)) and not _inside(module.name, OUTWARD_USERS):
                yield f"{module.name}:{line} imports {target}; only the egress guard goes out"
            if _inside(target, tuple(MQTT)) and not _inside(module.name, MQTT_USERS):
                yield f"{module.name}:{line} imports {target}; only kernel/mqtt speaks MQTT"
