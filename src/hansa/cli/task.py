"""What a task on a node takes: plain data, and somebody to tell how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Given", "Progress", "nothing"]

Given = Mapping[str, Any]
Progress = Callable[[int, int | None], None]


def nothing(done: int, total: int | None) -> None:
    """The progress of tasks that are over at once."""
