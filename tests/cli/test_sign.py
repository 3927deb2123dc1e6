"""``hansa source sign``: the sign of a source in a file."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tests.cli.conftest import DECLARED, Run

Made = tuple[Path, str]


@pytest.fixture
def trees(run: Run, node: Made) -> Path:
    """A node in which a source of that name is declared."""
    folder, _ = node
    done = run("source", "declare", "trees", DECLARED[1], "--spoke", "table", "--folder", folder)
    assert done.exit_code == 0, done.stderr
    return folder


@pytest.mark.parametrize(("form", "begin"), [("pdf", b"%PDF"), ("svg", b"<svg")])
def test_a_sign_is_written(
    run: Run, trees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, begin: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("source", "sign", "trees", "--format", form, "--language", "ko", "--folder", trees)
    done = run(*words, "--json")
    assert done.exit_code == 0, done.stderr
    told = orjson.loads(done.stdout)
    assert told["file"] == f"trees-ko-a5.{form}"
    assert told["leadsTo"].endswith("/open-book/sources/trees")
    assert (tmp_path / told["file"]).read_bytes().startswith(begin)
    again = run(*words)
    assert again.exit_code != 0
    assert "is there already" in again.stderr


def test_a_sign_that_leads_to_this_machine_says_so(run: Run, trees: Path, tmp_path: Path) -> None:
    out = tmp_path / "sign.pdf"
    done = run("source", "sign", "trees", "--out", out, "--folder", trees)
    assert "set base_url before you print it" in " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("none",), "none"),
        (("trees", "--format", "png"), "pdf, svg"),
        (("trees", "--language", "la"), "en, es, fr, ko"),
        (("trees", "--size", "a0"), "a5, a4"),
    ],
)
def test_what_cannot_be_written_says_why(
    run: Run, trees: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    out = tmp_path / "sign.pdf"
    done = run("source", "sign", *words, "--out", out, "--folder", trees)
    assert done.exit_code != 0
    assert said in " ".join(done.stderr.split())
    assert not out.exists()
