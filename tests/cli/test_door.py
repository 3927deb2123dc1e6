"""Work that crashes behind a served node's door is told as that, and the node goes on."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from hansa.cli import control
from hansa.cli.rooms import ROOMS
from hansa.kernel.errors import InternalError
from hansa.kernel.settings import Settings
from hansa.node import Node


def test_a_crash_is_not_told_as_the_end_of_the_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    turns: list[str] = []

    def work(node: Any, task: str, given: Any, follow: Any) -> dict[str, Any]:
        turns.append(task)
        if task == "crash":
            raise ValueError("4,301 digits")
        return {"well": True}

    monkeypatch.setitem(ROOMS, "algorithms", work)
    node = Node.open(tmp_path / "node", Settings(city="Visby"))
    try:
        with control.listening(node) as door, caplog.at_level(logging.ERROR, "hansa.door"):
            with pytest.raises(InternalError, match="the node's log says where"):
                control.ask(door, "algorithms", "crash", {}, lambda *_: None)
            assert control.ask(door, "algorithms", "go", {}, lambda *_: None) == {"well": True}
    finally:
        node.close()
    assert turns == ["crash", "go"]
    assert "4,301 digits" in caplog.text
