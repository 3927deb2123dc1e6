"""The check-up finds what is wrong and says how to mend it."""

from __future__ import annotations

import os
import shlex
import socket
import sys
from contextlib import closing
from functools import partial
from importlib import metadata
from pathlib import Path

import pytest

from hansa.kernel.folder import Folder
from hansa.store.port import Edited, Entity, Write
from hansa.store.sqlite import open_store
from hansa.upkeep import doctor
from hansa.upkeep.doctor import Finding, examine
from hansa.upkeep.extras import install, lacking, requirements


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def fill(id: str, text: str, current: Entity | None) -> Edited:
    value = [{"type": "Property", "value": text}]
    return Edited({"id": id, "type": ["https://example.org/T"], "https://example.org/x": value})


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder.create(tmp_path / "node", f'city = "Visby"\nport = {free_port()}\n')
    with closing(open_store(made.store / "default.sqlite")) as store:
        store.write(
            [Write(f"urn:x:{n}", partial(fill, f"urn:x:{n}", "x" * 500)) for n in range(200)]
        ).result()
    return made


def found(root: Path | None, subject: str) -> list[Finding]:
    return [finding for finding in examine(root) if finding.subject.startswith(subject)]


def test_a_sound_installation_and_node(folder: Folder) -> None:
    findings = list(examine(folder.root))
    assert [f for f in findings if f.level != "ok" and f.subject not in {"disk"}] == []
    assert {f.subject for f in findings} >= {"Python", "packages", "SQLite", "settings", "lock"}
    assert not any(f.remedy for f in findings if f.level == "ok")


def test_without_a_folder_only_the_installation() -> None:
    assert found(None, "settings") == []
    assert found(None, "SQLite")[0].level == "ok"


def test_no_node(tmp_path: Path) -> None:
    last = list(examine(tmp_path))[-1]
    assert (last.level, "hansa init" in last.remedy) == ("fail", True)


def test_a_missing_and_an_old_package(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version
    lines = ["apsw>=3.50", "nothing-of-this-name>=1", "typer>=900.1", 'osmium>=4; extra == "osm"']
    monkeypatch.setattr(metadata, "requires", lambda name: lines)

    def version(name: str) -> str:
        if name == "osmium":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    facts = [finding.fact for finding in found(None, "package")]
    assert facts[0] == "nothing-of-this-name is not installed"
    assert "900.1 or newer is needed" in facts[1]
    (osm,) = found(None, "extra 'osm'")
    assert (osm.level, "pip install 'hansa[osm]'" in osm.remedy) == ("warn", True)


def test_every_extra_says_what_it_is_for() -> None:
    assert doctor._FOR.keys() == requirements().keys() - doctor._FOR_DEVELOPERS - {""}


def test_a_remedy_installs_into_this_very_environment() -> None:
    assert install("osm") == f"{shlex.quote(sys.executable)} -m pip install 'hansa[osm]'"
    assert install(packages=("apsw>=3.50",)).endswith(" -m pip install 'apsw>=3.50'")


def test_an_extra_that_is_not_ours_lacks_nothing() -> None:
    assert lacking("carrier-pigeons") == []


def test_damage(folder: Folder) -> None:
    path = folder.store / "default.sqlite"
    content = path.read_bytes()
    path.write_bytes(content[:40960] + os.urandom(40960) + content[81920:])
    (finding,) = found(folder.root, "store 'default'")
    assert finding.level == "fail"
    assert "restore a backup" in finding.remedy
    path.write_bytes(b"not a database at all" * 1000)
    (finding,) = found(folder.root, "store 'default'")
    assert finding.level == "fail"


def test_settings_that_are_wrong_or_open_to_others(folder: Folder) -> None:
    folder.settings_file.chmod(0o644)
    (finding,) = found(folder.root, "rights")
    assert (finding.level, "chmod 600" in finding.remedy) == ("warn", True)
    folder.settings_file.write_text("prot = 1")
    assert list(examine(folder.root))[-1].level == "fail"


def test_the_port_and_the_lock(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("HANSA_PORT", str(taken.getsockname()[1]))
        (finding,) = found(folder.root, "port")
    assert (finding.level, "in use" in finding.fact) == ("warn", True)
    monkeypatch.setenv("HANSA_HOST", "192.0.2.1")
    (finding,) = found(folder.root, "port")
    assert finding.level == "fail"
    with folder.locked():
        assert found(folder.root, "port") == []
        assert f"process {os.getpid()}" in found(folder.root, "lock")[0].fact


def test_little_room(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_NO_ROOM", 2**80)
    assert found(folder.root, "disk")[0].level == "fail"


def test_the_clock(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANSA_CLOCK", "2016-04-13T08:30")
    assert found(folder.root, "clock")[0].level == "warn"


@pytest.mark.parametrize("text", [None, "", "{}", "[1]", "{"])
def test_contexts(text: str | None, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANSA_CONTEXTS", "https://example.org/c=contexts/c.jsonld")
    path = folder.contexts / "c.jsonld"
    if text is not None:
        path.write_text(text)
    (finding,) = found(folder.root, "@context")
    assert finding.level == "fail"
    path.write_text('{"@context": {}}')
    assert found(folder.root, "@context")[0].level == "ok"
