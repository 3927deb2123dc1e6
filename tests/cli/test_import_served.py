"""An import into a node that is being served: the node does it itself, and goes on serving."""

from __future__ import annotations

import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import orjson
import pytest

from hansa.kernel.folder import Folder

from .conftest import DECLARED, Run, Serve, hansa

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture
def trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The documentation's table in the present folder, which is not the node's."""
    for name in ("trees.csv", "trees.toml"):
        shutil.copy(EXAMPLES / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return "trees.csv"


def ask(address: str, type: str = "Tree") -> list[dict[str, object]]:
    found = httpx.get(
        f"{address}/ngsi-ld/v1/entities", params={"type": type, "options": "keyValues"}
    )
    return list(found.json())


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.05)


def long_import(place: Path, folder: Path) -> subprocess.Popen[str]:
    """A command whose import takes a while."""
    table, mapping = place / "many.csv", place / "many.toml"
    table.write_text("number\n" + "\n".join(str(n) for n in range(400_000)))
    mapping.write_text('type = "Tree"\nid = "{number}"\n')
    words = ["table", table, "--mapping", mapping, "--folder", folder]
    return hansa("import", *words, *DECLARED, "--name", "many")


def test_a_table_goes_in_while_the_node_serves(
    node: tuple[Path, str], serve: Serve, run: Run, trees: str
) -> None:
    folder, _ = node
    served = serve(folder)
    words = ["import", "table", trees, "--mapping", "trees.toml", *DECLARED, "--folder", folder]
    rehearsed = orjson.loads(run(*words, "--dry-run", "--json").stdout)
    assert (rehearsed["created"], rehearsed["dryRun"]) == (4, True)
    assert ask(served.address) == []
    report = orjson.loads(run(*words, "--json").stdout)
    assert (report["created"], report["refused"]) == (4, 1)
    assert report["refusals"] == ["trees.csv, line 6, column 'height_m': 'tall' is not a number"]
    assert len(ask(served.address)) == 4
    again = run(*words)
    assert "4 unchanged, 1 refused" in again.stdout
    assert "Refused: trees.csv, line 6" in again.stderr
    (source,) = ask(served.address, "DataSource")
    assert (source["status"], source["fileName"]) == ("current", "trees.csv")


def test_what_is_refused_there_is_told_here(
    node: tuple[Path, str], serve: Serve, run: Run, trees: str
) -> None:
    folder, _ = node
    serve(folder)
    result = run(
        "import", "table", "nowhere.csv", "--mapping", "trees.toml", *DECLARED, "--folder", folder
    )
    assert result.exit_code == 1
    assert "does not exist" in result.stderr
    assert "Check the path" in result.stderr
    result = run("import", "table", trees, "--colour", "red", "--folder", folder)
    assert result.exit_code == 1
    assert "has no such option" in result.stderr


def test_the_door_is_for_the_owner_alone_and_goes_with_the_node(
    node: tuple[Path, str], serve: Serve
) -> None:
    served = serve(node[0])
    holder = Folder.open(node[0]).holder()
    assert holder is not None
    place = Path(holder.door).parent
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert stat.S_IMODE((node[0] / "node.lock").stat().st_mode) == 0o600
    served.stop()
    assert not place.exists()


def test_a_command_that_is_stopped_ends_its_import_and_nothing_else(
    node: tuple[Path, str], serve: Serve, tmp_path: Path
) -> None:
    folder, _ = node
    served = serve(folder)
    command = long_import(tmp_path, folder)
    until(lambda: bool(ask(served.address)))
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=30)
    assert command.returncode == 130
    until(lambda: ask(served.address, "DataSource")[0].get("status") == "incomplete")
    assert httpx.get(f"{served.address}/ngsi-ld/v1/types").status_code == 200


def test_a_node_that_is_killed_is_told(
    node: tuple[Path, str], serve: Serve, tmp_path: Path
) -> None:
    folder, _ = node
    served = serve(folder)
    command = long_import(tmp_path, folder)
    until(lambda: bool(ask(served.address)))
    served.stop(signal.SIGKILL)
    _, err = command.communicate(timeout=30)
    assert command.returncode == 1
    assert "ended during the import.\nImport again." in err


def test_a_node_without_a_door_says_that_the_folder_is_in_use(
    node: tuple[Path, str],
    serve: Serve,
    run: Run,
    trees: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    long = tmp_path / ("long" * 25)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    folder, _ = node
    served = serve(folder)
    result = run("import", "table", trees, "--mapping", "trees.toml", *DECLARED, "--folder", folder)
    assert result.exit_code == 1
    assert f"is in use by another Hansa (process {served.process.pid}" in result.stderr
