"""Work that goes on after its request was answered, known by name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Hashable
from typing import Any

__all__ = ["Background"]

_LOG = logging.getLogger(__name__)


class Background:
    """Tasks of the running event loop; they are held here so that none is lost."""

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}

    def start(self, name: Hashable, work: Coroutine[Any, Any, Any]) -> None:
        """Let `work` run on; what it raises is a defect, and is logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._ended(name, done))

    def is_running(self, name: Hashable) -> bool:
        """Whether work of that name is under way."""
        return name in self._tasks

    def _ended(self, name: Hashable, done: asyncio.Task[Any]) -> None:
        if self._tasks.get(name) is done:
            del self._tasks[name]
        if not done.cancelled() and (error := done.exception()) is not None:
            _LOG.error("work in the background failed", exc_info=error)
