"""Plugins: found the same way whoever brings them; a broken one spoils nothing."""

from __future__ import annotations

import sys
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hansa.kernel.errors import NotFound
from hansa.kernel.plugins import SPOKES, Plugins, discover


class Package(Distribution):
    """An installed package of a given name."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def read_text(self, filename: str) -> str | None:
        return None

    def locate_file(self, path: Any) -> Path:
        return Path(path)


@pytest.fixture(autouse=True)
def modules(monkeypatch: pytest.MonkeyPatch) -> None:
    sound: Any = ModuleType("sound_plugin")
    sound.PLUGIN, sound.OTHER, sound.WRONG = "sound", "other", 5
    monkeypatch.setitem(sys.modules, "sound_plugin", sound)


def text(plugin: Any) -> str:
    if not isinstance(plugin, str):
        raise TypeError("is not a text")
    return plugin


def point(name: str, value: str, package: str = "hansa") -> EntryPoint:
    made: Any = EntryPoint(name, value, SPOKES)
    return made._for(Package(package))  # type: ignore[no-any-return]


def found(*points: EntryPoint) -> Plugins[str]:
    def installed(*, group: str) -> list[EntryPoint]:
        return [point for point in points if point.group == group]

    return discover(SPOKES, text, installed=installed)


def test_built_in_and_installed_plugins_come_the_same_way() -> None:
    plugins = found(
        point("b", "sound_plugin:OTHER", "acme-spokes"), point("a", "sound_plugin:PLUGIN")
    )
    assert plugins.found == {"a": "sound", "b": "other"}
    assert list(plugins.found) == ["a", "b"]
    assert plugins.faults == {}
    assert plugins.get("b") == "other"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no_such_module:X", "ModuleNotFoundError"),
        ("sound_plugin:MISSING", "AttributeError"),
        ("sound_plugin:WRONG", "TypeError: is not a text"),
    ],
)
def test_a_broken_plugin_is_reported_and_the_others_work(value: str, reason: str) -> None:
    plugins = found(point("bad", value, "acme-spokes"), point("good", "sound_plugin:PLUGIN"))
    assert plugins.found == {"good": "sound"}
    assert reason in plugins.faults["bad"]
    assert "package acme-spokes" in plugins.faults["bad"]
    with pytest.raises(NotFound, match=reason):
        plugins.get("bad")


def test_a_plugin_whose_import_raises_anything_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "exploding_plugin.py").write_text("raise RuntimeError('boom')")
    monkeypatch.syspath_prepend(tmp_path)
    plugins = found(point("bad", "exploding_plugin:X"))
    assert "RuntimeError: boom" in plugins.faults["bad"]


def test_of_two_with_one_name_the_built_in_one_wins() -> None:
    plugins = found(
        point("a", "sound_plugin:OTHER", "acme-spokes"), point("a", "sound_plugin:PLUGIN", "hansa")
    )
    assert plugins.found == {"a": "sound"}
    assert plugins.faults == {"a (package acme-spokes)": "another package has this name already"}


def test_what_is_not_installed_is_said_so() -> None:
    with pytest.raises(NotFound, match=r"is not installed; there are: a\."):
        found(point("a", "sound_plugin:PLUGIN")).get("x")
    with pytest.raises(NotFound, match="there are: none"):
        found().get("x")
