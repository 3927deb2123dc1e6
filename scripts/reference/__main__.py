"""Write every generated page of ``docs/reference``."""

from __future__ import annotations

from pathlib import Path

from scripts.reference.pages import PAGES

FOLDER = Path(__file__).parents[2] / "docs" / "reference"

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")
        print(f"docs/reference/{name}")
