"""Takes the picture of the README: the City page of the demonstration, on a weekday morning.

``python -m scripts.picture`` needs the demonstration city in ``.demo/coquimbo`` (``make demo``) and
Debian's Chromium.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from hansa.cli.demo_check import served

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "city.png"
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
    take(ROOT / ".demo" / "coquimbo", PICTURE)
    print(PICTURE)
