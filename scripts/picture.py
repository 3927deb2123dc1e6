"""Takes the pictures of the README and of the documentation: the City page of a demonstration city.

``python -m scripts.picture [CITY]`` needs that city in ``.demo/CITY`` (``make demo CITY=…``) and Debian's
Chromium. La Serena – Coquimbo is taken on a weekday morning, when its buses run.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from hansa.cli.demo_check import served

ROOT = Path(__file__).parents[1]
PICTURES = {"coquimbo": "city.png", "helsinki": "helsinki.png"}
SETTLED_MS = 15_000
"""Without a graphics card the map takes seconds to draw."""


def take(folder: Path, picture: Path) -> None:
    """Serve the node in `folder` and write its City page to `picture`."""
    flags = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
    with served(folder, ["--clock", "2026-04-15T08:30"]) as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{address}/")
        page.wait_for_timeout(SETTLED_MS)
        page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    city = sys.argv[1] if len(sys.argv) > 1 else "coquimbo"
    picture = ROOT / "docs" / "images" / PICTURES[city]
    take(ROOT / ".demo" / city, picture)
    print(picture)
