"""The documentation keeps up with the code, and leads where it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer.main

from hansa.cli import app
from hansa.kernel import errors
from hansa.kernel.settings import OPTIONS
from scripts.reference.pages import PAGES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ALL_PAGES = sorted(DOCS.rglob("*.md"))
TEXTS = [*ALL_PAGES, *ROOT.glob("*.md")]


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_is_what_the_code_says(name: str) -> None:
    written = (DOCS / "reference" / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), "run: make docs-pages"


def test_every_setting_is_documented() -> None:
    text = (DOCS / "reference" / "settings.md").read_text()
    for option in OPTIONS.values():
        assert f"| `{option.name}` |" in text
        assert option.environment in text


def test_every_command_and_option_is_documented() -> None:
    text = (DOCS / "reference" / "commands.md").read_text()
    group = typer.main.get_command(app)
    assert len(group.commands) >= 10  # type: ignore[attr-defined]
    every = dict(group.commands)  # type: ignore[attr-defined]
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        every |= {f"{name} {word}": c for word, c in getattr(command, "commands", {}).items()}
    for name, command in every.items():
        assert f"## hansa {name}\n" in text
        for parameter in command.params:
            for option in getattr(parameter, "opts", []):
                if option.startswith("--") and option != "--help":
                    assert f"`{option}`" in text, f"{name} {option}"


def test_every_error_is_documented() -> None:
    text = (DOCS / "reference" / "errors.md").read_text()
    for name in set(errors.__all__) - {"HansaError"}:
        assert f"`{name}`" in text


def slug(heading: str) -> str:
    return re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor and file.suffix == ".md":
            heads = re.findall(r"^#+ (.+)$", file.read_text(), flags=re.M)
            assert anchor in {slug(head) for head in heads}, f"{page.name} links to {target}"


def test_every_page_is_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text()
    for page in ALL_PAGES:
        name = page.relative_to(DOCS).as_posix()
        assert f"- {name}" in text, f"{name} is in no menu"


def test_the_commands_in_the_texts_exist() -> None:
    commands = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    for page in TEXTS:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), flags=re.S):
            for name in re.findall(r"(?m)(?:^|/)hansa ([a-z]+)", block):
                assert name in commands, f"{page.name}: hansa {name}"


BLOCKS = {
    page.stem: "".join(re.findall(r"```sh\n(.*?)```", page.read_text(), flags=re.S))
    for page in sorted((DOCS / "how-to").glob("*.md"))
}
"""What each how-to gives to type."""


@pytest.mark.parametrize("name", sorted(BLOCKS.keys() - {"before-you-start", "run-on-a-server"}))
def test_a_guide_says_where_the_command_and_the_token_come_from(name: str) -> None:
    page = (DOCS / "how-to" / f"{name}.md").read_text()
    if re.search(r"(?m)^hansa ", BLOCKS[name]):
        assert "[the command `hansa` and a node](before-you-start.md)" in page
    if "$HANSA_TOKEN" in page or "Bearer" in page:
        assert "(before-you-start.md#the-operators-token)" in page


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_are_written_in_one_way(page: Path) -> None:
    text = page.read_text()
    for block in re.findall(r"```sh\n(.*?)```", text, flags=re.S):
        assert not re.search(r"(?<![/\w])\.venv/bin/hansa", block), "write: hansa"
        assert "$TOKEN" not in block, "write: $HANSA_TOKEN"
    assert not re.search(r"<(the|this|your) [a-z ]+>", text), "a placeholder that looks broken"


def test_make_targets_in_the_texts_exist() -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))
    for page in TEXTS:
        for name in re.findall(r"(?m)(?:^|`)make ([a-z-]+)", page.read_text()):
            assert name in targets, f"{page.name}: make {name}"


def test_the_extras_in_the_texts_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for page in TEXTS:
        for name in re.findall(r"hansa\[([a-z]+)\]", page.read_text()):
            assert name in project["optional-dependencies"]


@pytest.mark.parametrize(
    "name",
    ["LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "publiccode.yml"],
)
def test_the_papers_of_the_house(name: str) -> None:
    assert (ROOT / name).stat().st_size > 500


def test_the_licence_is_the_eupl() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert text.startswith("EUROPEAN UNION PUBLIC LICENCE v. 1.2")
    assert "producing\na new version of the EUPL" in text


def test_the_site_builds_strictly_and_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    page = (tmp_path / "index.html").read_text()
    assert not re.findall(r"""<(?:script|link|img)[^>]+(?:src|href)=["']https?://[^"']+""", page)
