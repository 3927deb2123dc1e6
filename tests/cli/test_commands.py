"""What the commands say and leave behind."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer.main

from hansa.cli import app

from .conftest import DECLARED, Run, Serve


def leaves(group: Any, path: str = "") -> dict[str, Any]:
    """Every command by its words, those of groups too."""
    found: dict[str, Any] = {}
    for name, command in sorted(group.commands.items()):
        words = f"{path} {name}".strip()
        found |= leaves(command, words) if hasattr(command, "commands") else {words: command}
    return found


COMMANDS = leaves(typer.main.get_command(app))


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example_and_every_option_a_word(name: str, run: Run) -> None:
    result = run(*name.split(), "--help")
    assert result.exit_code == 0
    assert f"hansa {name}" in result.output
    command = COMMANDS[name]
    assert "Example: `hansa " in command.help
    for parameter in command.params:
        if parameter.name != "context" or parameter.param_type_name == "option":
            assert parameter.help, f"{name} {parameter.name}"
    assert "--json" in {option for p in command.params for option in p.opts}


def test_the_version(run: Run) -> None:
    from hansa import __version__

    assert run("--version").output == f"hansa {__version__}\n"


@pytest.mark.parametrize(
    "words", [["nonsense"], ["init"], ["query", "--nonsense"], ["query", "--limit", "many"]]
)
def test_a_command_line_that_cannot_be_understood_ends_with_2(words: list[str], run: Run) -> None:
    assert run(*words).exit_code == 2


def test_init_shows_the_token_once_and_keeps_its_hash(run: Run, tmp_path: Path) -> None:
    result = run("init", tmp_path / "a", "--city", "Visby", "--timezone", "Europe/Stockholm")
    assert result.exit_code == 0
    token = next(word for word in result.stdout.split() if word.startswith("hansa_"))
    settings = (tmp_path / "a" / "hansa.toml").read_text()
    assert token not in settings
    assert hashlib.sha256(token.encode()).hexdigest() in settings
    assert 'city = "Visby"' in settings
    assert 'timezone = "Europe/Stockholm"' in settings


def test_a_new_token_takes_the_place_of_the_old(run: Run, node: tuple[Path, str]) -> None:
    folder, old = node
    before = (folder / "hansa.toml").read_text()
    new = orjson.loads(run("init", folder, "--new-token", "--json").stdout)["operatorToken"]
    after = (folder / "hansa.toml").read_text()
    digest = {t: hashlib.sha256(t.encode()).hexdigest() for t in (old, new)}
    assert after == before.replace(digest[old], digest[new])
    assert new != old


def test_init_refuses_with_what_why_and_what_now(run: Run, node: tuple[Path, str]) -> None:
    result = run("init", node[0])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f"folder {node[0]}: is a node already.",
        "Choose another folder.",
    ]
    assert run("init", node[0].parent / "b", "--timezone", "Visby").exit_code == 1
    assert not (node[0].parent / "b").exists()


def test_an_error_as_json(run: Run, tmp_path: Path) -> None:
    result = run("backup", tmp_path / "none", tmp_path / "b.tgz", "--json")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert orjson.loads(result.stderr.splitlines()[-1])["code"] == "ResourceNotFound"


@pytest.mark.parametrize("command", ["query", "types", "serve", "import"])
def test_a_folder_that_is_no_node(command: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id\n1\n")
    words = ["gtfs", tmp_path / "x.csv", *DECLARED] if command == "import" else []
    result = run(command, *words, "--folder", tmp_path)
    assert result.exit_code == 1
    assert "is not a node" in result.stderr
    assert "hansa init" in result.stderr


@pytest.mark.parametrize("words", [["doctor"], ["init"]])
def test_a_path_that_the_file_system_refuses(words: list[str], run: Run) -> None:
    result = run(*words, "a" * 400)
    assert result.exit_code == 1
    assert "cannot be used" in result.stderr


def test_a_full_disk_leaves_no_debris(
    run: Run, node: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (node[0] / "hansa.toml").read_text()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    renewed = run("init", node[0], "--new-token")
    assert (renewed.exit_code, "Traceback" in renewed.stderr) == (1, False)
    assert "No space left on device" in renewed.stderr and "Make room" in renewed.stderr
    assert (node[0] / "hansa.toml").read_text() == before
    assert not (node[0] / "hansa.new").exists()
    assert run("init", tmp_path / "other").exit_code == 1
    assert not (tmp_path / "other").exists()


def test_a_full_disk_is_told_whoever_meets_it(
    run: Run, node: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("hansa.upkeep.archive.backup", full)
    result = run("backup", node[0], node[0].parent / "b.tgz")
    assert result.exit_code == 1
    assert "hansa backup: the disk refused (No space left on device)" in result.stderr


def test_a_licence_that_nobody_can_look_up_is_noted(
    run: Run, node: tuple[Path, str], tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text("id\n1\n")
    (tmp_path / "t.toml").write_text('type = "Tree"\nid = "{id}"\n')
    words = ["import", "table", tmp_path / "t.csv", "--mapping", tmp_path / "t.toml", *DECLARED]
    for licence, noted in (("Foo-9", True), ("CC-BY-4.0", False)):
        done = run(*words, "--folder", node[0], "--license", licence)
        assert done.exit_code == 0
        assert ("neither an address nor an SPDX identifier" in done.stderr) is noted


def test_misspelt_names_are_hinted_at(run: Run, node: tuple[Path, str], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,height\n1,2\n")
    (tmp_path / "t.toml").write_text(
        'type = "Tree"\nid = "{id}"\n[attributes.height]\ncolumn = "height"\nkind = "number"\n'
    )
    words = ["import", "table", tmp_path / "t.csv", "--mapping", tmp_path / "t.toml", *DECLARED]
    assert run(*words, "--folder", node[0]).exit_code == 0

    def said(*words: str) -> str:
        return " ".join(run("query", *words, "--folder", node[0]).stderr.split())

    hint = "No entity of type Tree has the attribute 'heigth'. Did you mean height?"
    assert hint in said("--q", "heigth>3", "--type", "Tree")
    assert "has the attribute 'heigth'" in said("--q", 'heigth>3|height=="heigth"')
    assert "No entity here has the type 'Treee'. Did you mean Tree?" in said("--type", "Treee")
    assert "Did you mean" not in said("--q", "height>3", "--type", "Tree")


def test_a_token_that_cannot_be_sent(run: Run, node: tuple[Path, str]) -> None:
    result = run("types", "--folder", node[0], "--token", "ñ")
    assert result.exit_code == 1
    assert "the token: has characters that cannot be sent" in result.stderr


def test_words_that_are_not_text(run: Run) -> None:
    assert run("restore", "\udcff", "x", "--json").exit_code == 2


def test_an_address_where_nobody_answers(run: Run) -> None:
    result = run("types", "--url", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "does not answer" in result.stderr


def test_an_empty_node_says_what_would_be_here(run: Run, node: tuple[Path, str]) -> None:
    result = run("types", "--folder", node[0])
    assert result.exit_code == 0
    assert f"hansa import osm city.osm.pbf --folder {node[0]}" in result.stderr
    assert result.stdout == ""
    asked = run("query", "--id", "urn:ngsi-ld:Tree:1", "--folder", node[0])
    assert asked.exit_code == 0
    assert asked.stdout == ""
    assert "the node is empty" in asked.stderr


def test_an_interrupted_import_says_what_is_kept(
    run: Run, node: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hansa.spokes.table.map import RowMap

    (tmp_path / "t.csv").write_text("n\n" + "\n".join(map(str, range(700))))
    (tmp_path / "m.toml").write_text('type = "Tree"\nid = "{n}"\n')
    take = RowMap.item

    def break_off(self: RowMap, row: Any) -> Any:
        item = take(self, row)
        if isinstance(item, dict) and item["id"].endswith(":650"):
            raise KeyboardInterrupt
        return item

    monkeypatch.setattr(RowMap, "item", break_off)
    words = ["table", tmp_path / "t.csv", "--mapping", tmp_path / "m.toml", "--folder", node[0]]
    result = run("import", *words, *DECLARED)
    assert result.exit_code == 130
    assert "Interrupted; 500 written." in result.stderr
    counted = run("query", "--type", "Tree", "--count", "--limit", "0", "--folder", node[0])
    assert "500 match" in counted.stderr


def test_what_the_node_refuses_is_told(run: Run, node: tuple[Path, str]) -> None:
    result = run("query", "--type", "A", "--q", "speed>>3", "--folder", node[0])
    assert result.exit_code == 1
    assert f"the node in {node[0]}: " in result.stderr
    assert "status" not in result.stderr  # nobody serves it


@pytest.mark.parametrize("command", ["query", "types"])
def test_a_folder_needs_no_token(
    command: str, run: Run, node: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANSA_TOKEN", "hansa_of-another-node")
    assert run(command, "--folder", node[0]).exit_code == 0
    refused = run(command, "--folder", node[0], "--token", "wrong")
    assert refused.exit_code == 1


def test_the_token_of_another_node(
    run: Run, node: tuple[Path, str], serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(node[0])
    monkeypatch.setenv("HANSA_TOKEN", "hansa_of-another-node")
    asked = run("query", "--folder", node[0])
    assert asked.exit_code == 0
    assert "asked as the public" in asked.stderr
    for words in (["--url", served.address], ["--folder", node[0], "--tenant", "port"]):
        refused = run("query", *words)
        assert refused.exit_code == 1
        assert f"$HANSA_TOKEN: is not a token of the node at {served.address}" in refused.stderr
    refused = run("types", "--url", served.address, "--token", "wrong")
    assert "the token of --token: is not a token" in refused.stderr


def test_doctor(run: Run, node: tuple[Path, str]) -> None:
    result = run("doctor", node[0])
    assert result.exit_code in {0, 1}
    assert "Python: 3." in result.stdout
    (node[0] / "hansa.toml").write_text("prot = 1")
    result = run("doctor", node[0], "--json")
    assert result.exit_code == 1
    assert orjson.loads(result.stdout)["ok"] is False


def test_a_served_node_takes_a_new_token_at_its_next_start(
    run: Run, node: tuple[Path, str]
) -> None:
    from hansa.kernel.folder import Folder

    assert "next start" not in run("init", node[0], "--new-token").stderr
    with Folder.open(node[0]).locked():
        assert "holds from its next start" in run("init", node[0], "--new-token").stderr


def test_a_folder_for_serve_is_given_once(run: Run, tmp_path: Path) -> None:
    result = run("serve", tmp_path / "a", "--folder", tmp_path / "b")
    assert result.exit_code == 1
    assert "is given twice" in result.stderr
    same = run("serve", tmp_path / "a", "--folder", tmp_path / "a")
    assert "given twice" not in same.stderr
    assert "is not a node" in same.stderr


def test_the_list_of_spokes_stays_readable_in_a_pipe(run: Run) -> None:
    result = run("spokes")
    assert max(map(len, result.stdout.splitlines())) < 160
    assert "GtfsAgency, GtfsStop, GtfsStation and 10 more" in result.stdout
    assert "whatever the source holds" in result.stdout
    assert "hansa spokes NAME" in result.stderr
    assert "GtfsFrequency" in run("spokes", "gtfs").stdout


def test_a_spoke_names_its_packages_only_where_they_are_missing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib import metadata

    assert "pip install" not in run("spokes", "osm").stdout
    real = metadata.version

    def version(name: str) -> str:
        if name == "osmium":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    told = run("spokes", "osm").stdout
    assert "Not all of it works here: osmium is not installed." in told
    assert "-m pip install 'hansa[osm]'" in told


def test_a_spoke_without_options_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from hansa.spokes import registry
    from hansa.spokes.manifest import Manifest

    plain = Manifest("benches", "1", "Benches", "A text file.", ("Bench",), ())
    monkeypatch.setattr(registry, "find_spoke", lambda _: SimpleNamespace(manifest=plain))
    assert "no options of its own" in run("spokes", "benches").stdout


def test_defaults_are_shown_as_one_would_write_them(run: Run) -> None:
    rows = {line.split()[0]: line.split() for line in run("spokes", "gbfs").stdout.splitlines()[5:]}
    assert rows["--vehicles"][1:5] == ["yes", "or", "no", "yes"]
    assert rows["--interval"][1:3] == ["number", "60"]


def test_the_spokes_are_listed_with_their_options(run: Run) -> None:
    names = {row["name"] for row in orjson.loads(run("spokes", "--json").stdout)}
    assert names >= {"aequilibrae", "gtfs"}
    assert "--stops" in run("spokes", "aequilibrae").stdout
    assert "Makes whatever its mapping says." in run("spokes", "table").stdout
    result = run("spokes", "carrier-pigeon")
    assert result.exit_code == 1
    assert "aequilibrae" in result.stderr
