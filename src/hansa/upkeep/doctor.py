"""The check-up: what this installation and this node need, whether they have it, and how to mend it.

First the installation (Python, packages, SQLite, extras), then, if a folder is named, the node in it
(settings, rights, room, lock, databases, clock, port, @contexts). Every check answers with one
finding or more and never raises; nothing is changed.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from hansa.kernel.errors import HansaError
from hansa.kernel.folder import Folder
from hansa.kernel.settings import Settings
from hansa.kernel.settings_file import load
from hansa.upkeep.extras import fault, install, lacking, requirements

__all__ = ["Finding", "examine"]

Level = Literal["ok", "warn", "fail"]

_OLDEST_PYTHON: Final = (3, 11)
_FOR_DEVELOPERS: Final = {"demo", "docs", "test"}
_FOR: Final = {
    "collation": "sorting names as each language does",
    "history": "keeping old history in Parquet files",
    "mqtt": "MQTT brokers, as sources and as receivers of notifications",
    "osm": "OpenStreetMap extracts",
    "realtime": "GTFS-Realtime feeds",
    "signs": "signs of sources, to be printed",
    "privacy": "places in cells, and counts with noise",
    "table": "tables in Parquet and large GeoJSON files, and mappings in YAML",
}
_LITTLE_ROOM: Final = 2_000_000_000
_NO_ROOM: Final = 200_000_000
_BUILT: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""A clock that shows less than this is certainly wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `remedy` is empty when all is well."""

    level: Level
    subject: str
    fact: str
    remedy: str = ""


def examine(root: Path | None) -> Iterator[Finding]:
    """Findings about the installation and, if `root` is given, about the node there."""
    yield _python()
    yield from _packages()
    yield from _sqlite()
    if root is not None:
        yield from _node(root)


# -- the installation ------------------------------------------------------------------------------


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _OLDEST_PYTHON:
        return Finding("fail", "Python", f"is {version}", "install Python 3.11 or newer")
    return Finding("ok", "Python", version)


def _packages() -> Iterator[Finding]:
    """The packages that Hansa's own metadata name, and the extras that are complete."""
    wanted = requirements()
    core = [(line, wrong) for line in wanted.pop("") if (wrong := fault(line))]
    for line, wrong in core:
        yield Finding("fail", "package", wrong, f"run: {install(packages=(line,))}")
    if not core:
        yield Finding("ok", "packages", "all that Hansa needs are there")
    for extra in sorted(wanted.keys() - _FOR_DEVELOPERS):
        if faults := lacking(extra):
            remedy = f"only needed for {_FOR.get(extra, 'it')}; then run: {install(extra)}"
            yield Finding("warn", f"extra '{extra}'", "; ".join(faults), remedy)
        else:
            yield Finding("ok", f"extra '{extra}'", "installed")


def _sqlite() -> Iterator[Finding]:
    try:
        import apsw
    except ImportError as error:
        yield Finding(
            "fail", "SQLite", f"cannot be loaded ({error})", f"run: {install(packages=('apsw',))}"
        )
        return
    version = apsw.sqlite_lib_version()
    try:
        connection = apsw.Connection(":memory:")
        connection.execute("CREATE VIRTUAL TABLE box USING rtree(id, w, e, s, n)")
        connection.execute("SELECT jsonb('{}')").fetchall()
        connection.close()
    except apsw.Error as error:
        remedy = f"run: {install(packages=('--upgrade', 'apsw'))}"
        yield Finding("fail", "SQLite", f"{version} lacks something ({error})", remedy)
        return
    yield Finding("ok", "SQLite", f"{version}, with R*Tree and JSONB")


# -- the node --------------------------------------------------------------------------------------


def _node(root: Path) -> Iterator[Finding]:
    try:
        folder = Folder.open(root)
        settings = load(root, dict(os.environ))
    except HansaError as error:
        yield Finding("fail", error.subject, error.fact, error.remedy)
        return
    yield Finding("ok", "settings", f"{settings.city}, {settings.timezone}")
    yield from _rights(folder)
    yield _room(folder)
    holder = folder.holder()
    if holder is None:
        yield Finding("ok", "lock", "the node is not running")
        yield _port(settings)
    else:
        yield Finding("ok", "lock", f"the node is in use by {holder}")
    yield from _databases(folder)
    yield from _log(folder)
    yield _clock(settings)
    yield from _contexts(folder, settings)


def _rights(folder: Folder) -> Iterator[Finding]:
    for path in (folder.root, folder.store, folder.cache):
        if path.exists() and not os.access(path, os.W_OK | os.X_OK):
            remedy = f"give your user the right to write there: chown -R $USER {folder.root}"
            yield Finding("fail", "rights", f"{path} cannot be written", remedy)
            return
    mode = stat.S_IMODE(folder.settings_file.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        fact = "hansa.toml, which holds the token's hash, can be read by others"
        yield Finding("warn", "rights", fact, f"run: chmod 600 {folder.settings_file}")
    else:
        yield Finding("ok", "rights", "the folder can be written, the settings are private")


def _room(folder: Folder) -> Finding:
    free = shutil.disk_usage(folder.root).free
    fact = f"{free / 1e9:.1f} GB free"
    if free < _NO_ROOM:
        return Finding("fail", "disk", fact, "make room: writes will soon be refused")
    if free < _LITTLE_ROOM:
        return Finding("warn", "disk", fact, "make room before the next import or backup")
    return Finding("ok", "disk", fact)


def _port(settings: Settings) -> Finding:
    where = f"{settings.host}:{settings.port}"
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        with socket.create_server((settings.host, settings.port), family=family):
            return Finding("ok", "port", f"{where} is free")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            fact = f"{where} is in use by another program"
            remedy = "serve with another --port, or set 'port' in hansa.toml"
            return Finding("warn", "port", fact, remedy)
        fact = f"{where} cannot be used ({error.strerror})"
        return Finding("fail", "port", fact, "set 'host' or 'port' in hansa.toml")


def _databases(folder: Folder) -> Iterator[Finding]:
    from hansa.upkeep.databases import faults

    if not folder.databases:
        yield Finding("ok", "store", "empty as yet")
    for path in folder.databases:
        found = faults(path)
        size = path.stat().st_size / 1e6
        if found:
            remedy = f"stop the node and restore a backup; keep {path} for a rescue"
            yield Finding("fail", f"store '{path.stem}'", "; ".join(found), remedy)
        else:
            yield Finding("ok", f"store '{path.stem}'", f"sound, {size:.1f} MB")
            yield from _history(folder, path)
    yield from _vault(folder.vault)


def _vault(path: Path) -> Iterator[Finding]:
    """The gate's own database, which nobody but the node's user is to read."""
    from hansa.upkeep.databases import faults

    if not path.exists():
        return
    if stat.S_IMODE(path.parent.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        fact = "the folder of accounts and rules can be entered by others"
        yield Finding("warn", "vault", fact, f"run: chmod 700 {path.parent}")
    if found := faults(path):
        remedy = f"stop the node and restore a backup; keep {path} for a rescue"
        yield Finding("fail", "vault", "; ".join(found), remedy)
    else:
        yield Finding("ok", "vault", f"sound, {path.stat().st_size / 1e6:.1f} MB")


def _log(folder: Folder) -> Iterator[Finding]:
    """The gate's log: whether it holds what it signed, and whether its keys are private."""
    from hansa.trust.log.book import HELD
    from hansa.trust.log.check import faults, signed, too_open

    if not folder.log.is_dir():
        return
    for path in too_open(folder.log):
        yield Finding("warn", "log", f"{path.name} can be read by others", f"run: chmod 600 {path}")
    if found := faults(folder.log):
        remedy = "stop the node and restore a backup; keep the folder for a rescue"
        yield Finding("fail", "log", "; ".join(found), remedy)
        return
    if (folder.log / HELD).exists():
        why = (folder.log / HELD).read_text(encoding="utf-8").strip()
        remedy = f"say how to go on: hansa log resume {folder.root} --help"
        yield Finding("warn", "log", f"signs nothing, because {why}", remedy)
    head = signed(folder.log)
    yield Finding("ok", "log", f"sound, {0 if head is None else head.size:,} entries signed")


def _history(folder: Folder, database: Path) -> Iterator[Finding]:
    """The archive of a tenant, if it has one."""
    from hansa.history.check import faults
    from hansa.upkeep.databases import segments

    listed = segments(database)
    if not listed:
        return
    subject = f"history '{database.stem}'"
    if missing := [each for each in ("duckdb", "pyarrow") if fault(each)]:
        fact = f"old history cannot be read without {' and '.join(missing)}"
        yield Finding("fail", subject, fact, f"run: {install('history')}")
    if found := faults(folder.history / database.stem, listed):
        remedy = "stop the node and restore a backup; keep the folder for a rescue"
        yield Finding("fail", subject, "; ".join(found[:20]), remedy)
    elif not missing:
        rows, size = sum(each.rows for each in listed), sum(each.size for each in listed)
        fact = f"{rows:,} old instances in {len(listed)} segments, sound, {size / 1e6:.1f} MB"
        yield Finding("ok", subject, fact)


def _clock(settings: Settings) -> Finding:
    now = datetime.now(UTC)
    if now < _BUILT:
        return Finding(
            "fail", "clock", f"shows {now:%Y-%m-%d %H:%M} UTC", "set the machine's clock"
        )
    if settings.clock:
        fact = f"timetables are shown as of {settings.clock}"
        return Finding("warn", "clock", fact, "remove 'clock' from hansa.toml for the present")
    return Finding("ok", "clock", f"{now.astimezone(settings.zone):%Y-%m-%d %H:%M %Z}")


def _contexts(folder: Folder, settings: Settings) -> Iterator[Finding]:
    import orjson

    for url, name in settings.contexts.items():
        path = folder.root / name
        try:
            if "@context" not in orjson.loads(path.read_bytes()):
                raise ValueError("it holds no @context")
        except (OSError, ValueError, TypeError) as error:
            remedy = f"put a JSON-LD @context for {url} there"
            yield Finding("fail", "@context", f"{name} cannot be used ({error})", remedy)
        else:
            yield Finding("ok", "@context", f"{url} is preloaded from {name}")
