"""Topics and messages to entities: pure parts of the spoke for MQTT."""

from __future__ import annotations

import threading
import tomllib
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest
from hansa.spokes.mqtt.listen import Box
from hansa.spokes.mqtt.map import Message, TopicMap, at_path
from hansa.spokes.mqtt.topics import Pattern
from hansa.spokes.port import Refusal
from tests.spokes.services import RECORDED

NOW = datetime(2026, 11, 23, 11, 30, tzinfo=UTC)
DOCUMENT = tomllib.loads((RECORDED / "mqtt/town.toml").read_text())
TREES = TopicMap(DOCUMENT, "town.toml", "town", timedelta(minutes=15))
LEVEL = st.text(
    st.characters(blacklist_characters="/+#{}\0", codec="utf-8"), min_size=1, max_size=5
)


def message(topic: str, payload: Any, **more: Any) -> Message:
    content = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    return Message(topic, content, NOW, **more)


def item(topic: str, payload: Any, **more: Any) -> Any:
    return TREES.item(message(topic, payload, **more))


# -- topics


@pytest.mark.parametrize(
    ("pattern", "filter", "topic", "names"),
    [
        ("a/{x}/c", "a/+/c", "a/b/c", {"x": "b"}),
        ("a/{x}/c", "a/+/c", "a/b/d/c", None),
        ("a/{x}/c", "a/+/c", "a//c", None),
        ("s-{id}.{kind}/up", "+/up", "s-1.2.t/up", {"id": "1", "kind": "2.t"}),
        ("{x}/#", "+/#", "a", {"x": "a"}),
        ("{x}/#", "+/#", "a/b/c", {"x": "a"}),
        ("{x}/#", "+/#", "$SYS/b", None),
        ("#", "#", "a/b", {}),
        ("#", "#", "$SYS/b", None),
        ("+/b", "+/b", "$SYS/b", None),
        ("+/b", "+/b", "/b", {}),
        ("a.c", "a.c", "abc", None),
        ("$SYS/{what}", "$SYS/+", "$SYS/uptime", {"what": "uptime"}),
    ],
)
def test_a_pattern_matches_as_mqtt_does(
    pattern: str, filter: str, topic: str, names: dict[str, str] | None
) -> None:
    found = Pattern.parse(pattern, "here")
    assert found.filter == filter
    assert found.match(topic) == names


@given(st.lists(st.tuples(LEVEL, st.booleans()), min_size=1, max_size=5))
def test_named_levels_come_back(levels: list[tuple[str, bool]]) -> None:
    pattern = "/".join(f"{{n{i}}}" if named else text for i, (text, named) in enumerate(levels))
    topic = "/".join(text for text, _ in levels)
    found = Pattern.parse(pattern, "here").match(topic)
    wanted = {f"n{i}": text for i, (text, named) in enumerate(levels) if named}
    if levels[0][1] and topic.startswith("$"):
        assert found is None
    else:
        assert found == wanted


@pytest.mark.parametrize(
    "text", ["", None, 7, "a/#/b", "a#", "a/b+", "{x}/{x}", "a/{", "{a b}", "a/{1}", "x\0"]
)
def test_what_is_no_pattern_is_refused(text: Any) -> None:
    with pytest.raises(BadRequest, match="here"):
        Pattern.parse(text, "here")


# -- messages


def test_a_message_becomes_what_the_mapping_says() -> None:
    payload = {
        "time": "2026-11-23T08:29:30-03:00",
        "position": {"lon": -71.2521, "lat": -29.9045},
        "data": {"moisture": 31.5},
        "rx": [{"battery": "3.61"}],
    }
    tree = item("town/parks/north/trees/tree-17/up", payload)
    assert tree == {
        "id": "urn:ngsi-ld:Tree:town:north-17",
        "type": "https://example.org/trees#Tree",
        "soilMoisture": {"type": "Property", "value": 31.5, "unitCode": "P1", "observedAt": "2026-11-23T11:29:30.000000Z"},
        "batteryVoltage": {"type": "Property", "value": 3.61, "unitCode": "VLT", "observedAt": "2026-11-23T11:30:00.000000Z"},
        "inPark": {"type": "Relationship", "object": "urn:ngsi-ld:Park:town:north"},
        "owner": {"type": "Property", "value": "Parks department"},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [-71.2521, -29.9045]}, "observedAt": "2026-11-23T11:30:00.000000Z"},
        "quality": {"type": "Property", "value": "good"},
    }  # fmt: skip


def test_numbers_and_texts_are_payloads_too() -> None:
    meter = item("meters/a/7/power", b" 230.5\n")
    assert meter["power"]["value"] == 230.5
    assert meter["power"]["observedAt"] == "2026-11-23T11:30:00.000000Z"
    assert item("doors/3/state/now", "öffen".encode())["doorState"]["value"] == "öffen"
    assert item("nobody/knows", b"x") is None


def test_a_kept_message_does_not_say_when_it_was() -> None:
    assert "observedAt" not in item("meters/a/7/power", b"1", retained=True)["power"]


@pytest.mark.parametrize(
    ("at", "mark"),
    [(NOW, "good"), (NOW + timedelta(hours=1), "clockAhead"), (NOW - timedelta(hours=1), "stale")],
)
def test_wrong_clocks_are_flagged_and_left(at: datetime, mark: str) -> None:
    clock = item("clocks/c", {"v": 1, "t": at.timestamp()})
    assert clock["quality"]["value"] == mark
    assert clock["reading"]["observedAt"] == at.isoformat(timespec="microseconds").replace("+00:00", "Z")  # fmt: skip


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        ("town/parks/n/trees/tree-1/up", b"\xff\xfe", "is not JSON"),
        ("town/parks/n/trees/tree-1/up", b"", "is not JSON"),
        ("town/parks/n/trees/tree-1/up", {"data": {"moisture": "wet"}}, "'wet' is not a number"),
        (
            "town/parks/n/trees/tree-1/up",
            {"data": {"moisture": 1}, "time": "soon"},
            "not written as",
        ),
        ("town/parks/n/trees/tree-1/up", {"position": {"lon": 999, "lat": 0}}, "longitude"),
        ("meters/a/7/power", b"on", "'on' is not a number"),
        ("meters/a/7/power", b"NaN", "not a finite number"),
        ("meters/a/7/power", b"", "nothing that the mapping asks for"),
        ("doors/1", b"\xff", "not text in UTF-8"),
        ("clocks/c", {"v": 1, "t": 1e30}, "is not a time"),
        ("clocks/c", {"v": 1, "t": "never"}, "is not a number"),
        ("clocks/c", b"[" * 100_000, "not JSON"),
        ("clocks/c", {"w": 1}, "nothing that the mapping asks for"),
    ],
)
def test_garbage_is_refused_with_its_topic(topic: str, payload: Any, reason: str) -> None:
    found = item(topic, payload)
    assert isinstance(found, Refusal)
    assert reason in found.reason
    assert topic in str(found)


@given(st.binary(max_size=40) | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.sampled_from(["v", "t", "data", "rx", "position", "moisture", "lon"]), c)).map(orjson.dumps))  # fmt: skip
def test_no_payload_makes_it_stumble(payload: bytes) -> None:
    for topic in ("town/parks/n/trees/tree-1/up", "meters/a/7/power", "doors/1", "clocks/c"):
        found = item(topic, payload)
        assert isinstance(found, dict | Refusal)


def test_paths() -> None:
    document = {"a": {"b": [1, {"c": 2}]}, "a.b": 3}
    assert at_path(document, "a.b") == 3
    assert at_path(document, "a.b[1].c") == 2
    assert at_path(document, "a.b.0") == 1
    assert at_path(document, ".") is document
    for path in ("a.b.9", "a.b.-1", "a.x.y", "", "..", "a.b.0.c", "a.b.99999999999999"):
        assert at_path(document, path) is None


# -- mapping files


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no topics"),
        ("colour = 1", "'colour' is unknown"),
        ("topics = 7", "has no topics"),
        ("topics = [7]", "topic 1: is not a table"),
        ("[[topics]]\ntype = 'A'\nid = '{x}'", "'topic': is not a topic"),
        ("[[topics]]\ntopic = 'a/{x}'\nid = '{x}'", "'type' is missing"),
        ("[[topics]]\ntopic = 'a/{x}'\ntype = 'A'\nid = '{x}'\npayload = 'xml'", "the payload 'xml' is unknown"),
        ("[[topics]]\ntopic = 'a/{x}'\ntype = 'A'\nid = '{x}'\npayload = 'text'\nattributes.v = 'value'", "a payload that is a text has no 'value'"),
        ("[[topics]]\ntopic = 'a/{x}'\ntype = 'A'\nid = '{x}'\nattributes.v = {column = 'v', kind = 'speed'}", "is no kind"),
        ("timezone = 'Mars'\n[[topics]]\ntopic = 'a/{x}'\ntype = 'A'\nid = '{x}'", "'Mars' is unknown"),
    ],
)  # fmt: skip
def test_a_mapping_that_is_wrong_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        TopicMap(tomllib.loads(text), "m.toml", "town", timedelta(minutes=15))


# -- the box


def test_a_full_box_makes_the_connection_wait() -> None:
    box = Box(messages=2)
    for number in range(2):
        box.put(message("t", number))
    waiting = threading.Thread(target=box.put, args=(message("t", 2), 30))
    waiting.start()
    assert [m.payload for m in box.empty()] == [b"0", b"1"]
    waiting.join(10)
    assert [m.payload for m in box.empty()] == [b"2"]
    assert box.dropped == 0


def test_a_box_that_nobody_empties_keeps_the_newest() -> None:
    box = Box(messages=3)
    for number in range(10):
        box.put(message("t", number), patience=0)
    assert [m.payload for m in box.empty()] == [b"7", b"8", b"9"]
    assert box.dropped == 7
    small = Box(size=100)
    for _ in range(5):
        small.put(message("t", b"x" * 60), patience=0)
    small.put(message("t", b"x" * 1000), patience=0)
    assert [len(m.payload) for m in small.empty()] == [1000]
    assert small.dropped == 5
