"""Where the clients are: in ``.venv/clients`` beside the code, or where CLIENT_LIBRARIES says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

__all__ = ["package", "python"]

ROOT = Path(os.environ.get("CLIENT_LIBRARIES") or Path(__file__).parents[2] / ".venv" / "clients")


def python(name: str) -> Path:
    """The interpreter of the environment that holds the client library `name`; else a skip."""
    package(name)
    return ROOT / name / "bin" / "python"


def package(name: str) -> Path:
    """The folder of an installed Python package; else a skip."""
    found = next((ROOT / name).glob(f"lib/python*/site-packages/{name}"), None)
    if found is None:
        pytest.skip(f"{name} is not installed; 'make clients' installs it")
    return found
