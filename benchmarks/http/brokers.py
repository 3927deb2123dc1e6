"""Which brokers are measured: this checkout's Hansa, and peers named in a file.

A file of peers is TOML. ``{port}`` and ``{folder}`` (an empty one) are filled in; the broker must listen
on loopback only::

    [[broker]]
    name = "Example 1.0"
    command = "/opt/example/broker --port {port} --data {folder}"
    path = "/ngsi-ld/v1"
    durability = "flushed before each answer"

    [broker.environment]
    EXAMPLE_STORE = "file"
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["HANSA", "Broker", "read_brokers"]


@dataclass(frozen=True, slots=True)
class Broker:
    """How a broker is started, and what it promises about what it has acknowledged."""

    name: str
    command: str
    durability: str
    path: str = "/ngsi-ld/v1"
    environment: Mapping[str, str] = field(default_factory=dict)


HANSA = Broker(
    name="Hansa",
    command=f"{Path(sys.executable).parent}/hansa serve --dev --folder {{folder}}/node --port {{port}}",
    durability="flushed to the disk before each answer",
    environment={"HANSA_HOT": "temperature"},
)


def read_brokers(path: Path) -> list[Broker]:
    """The brokers that a file names."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    return [Broker(**entry) for entry in document["broker"]]
