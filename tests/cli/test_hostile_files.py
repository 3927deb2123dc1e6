"""Files that somebody sends: what is wrong with them is said in words, and nothing of them is obeyed."""

from __future__ import annotations

from pathlib import Path

import pytest

from hansa.cli.console import Screen
from hansa.history.mapping import read_mapping
from hansa.kernel.errors import BadRequest
from hansa.spokes.table.mapping import load_mapping
from tests.kernel.test_toml import HOSTILE

from .conftest import Run


@pytest.mark.parametrize("name", HOSTILE)
def test_a_record_and_settings(name: str, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text(HOSTILE[name])
    done = run("source", "check", file)
    assert done.exit_code == 1
    assert "is no TOML" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", HOSTILE)
def test_mappings(name: str, tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text(HOSTILE[name])
    with pytest.raises(BadRequest, match="cannot be read"):
        read_mapping(file)
    with pytest.raises(BadRequest, match="not valid TOML"):
        load_mapping(str(file))


@pytest.mark.parametrize("text", ["[" * 3000, "a: " + "9" * 5000, "a: 2026-99-99"])
def test_a_mapping_of_yaml(text: str, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text)
    with pytest.raises(BadRequest):
        load_mapping(str(file))


def test_a_terminal_obeys_nothing_that_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    screen.say("Restored \x1b[2JEVIL\u202e\r, 10\u00a0000\n")
    screen.note("\x1b]0;title\x07")
    screen.table(("a",), [("\x1b[31m",)])
    out, err = capsys.readouterr()
    assert "EVIL" in out
    assert "10\u00a0000" in out
    assert not {"\x1b", "\u202e", "\r", "\x07"} & set(out + err)
