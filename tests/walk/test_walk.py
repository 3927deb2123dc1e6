"""No way out of the node shows the public what it may not see; and those who may see it do.

Every route is listed in :mod:`.ways`; a new one fails here until it is.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import pytest

from hansa.web.api.routes import OPERATIONS
from hansa.web.pages import VehicleStream
from hansa.web.shell.site import Site
from tests.walk import ways
from tests.walk.city import HIDDEN, HIDDEN_TYPE, NOTE, RULED, STORY, WORDS, ZONE, City, opened
from tests.walk.ways import Ask, Walk

SECRET = {"word": "quince", "id": HIDDEN, "type": HIDDEN_TYPE, "note": NOTE}
SNAPSHOT = "urn:ngsi-ld:Snapshot:walk"
TWIN = {
    "word": "zzzzzz",
    "id": "urn:ngsi-ld:Zzzzzzzz:zzzzzz-1",
    "type": "Zzzzzzzz",
    "note": "zzzzzzNote",
}
"""Words for what is nowhere, as long as those for what is hidden."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with opened(tmp_path_factory.mktemp("walk")) as found:
        _set_up(found)
        yield found


def _set_up(city: City) -> None:
    """What some ways need: a source, a snapshot, a subscription and an entity map of the operator."""
    source = {
        "id": "urn:ngsi-ld:ContextSourceRegistration:walk",
        "type": "ContextSourceRegistration",
        "endpoint": "http://127.0.0.1:9/",
        "mode": "auxiliary",
        "operations": ["retrieveEntity"],
        "information": [{"entities": [{"type": HIDDEN_TYPE}], "propertyNames": ["name", NOTE]}],
    }
    done = city.operator("POST", f"{STORY}/csourceRegistrations", json=source)
    assert done.status_code == 201, done.text
    subscription = {
        "id": "urn:ngsi-ld:Subscription:walk",
        "type": "Subscription",
        "entities": [{"type": HIDDEN_TYPE}],
        "notification": {"endpoint": {"uri": "http://127.0.0.1:9/told"}},
    }
    done = city.operator("POST", f"{STORY}/subscriptions", json=subscription)
    assert done.status_code == 201, done.text
    frozen = {
        "id": SNAPSHOT,
        "type": "Snapshot",
        "snapshotQueries": [
            {"type": "Query", "entities": [{"type": type}]}
            for type in (HIDDEN_TYPE, "TransportZone")
        ],
        "endpoint": {"uri": "http://127.0.0.1:9/quince"},
    }
    done = city.operator("POST", f"{STORY}/snapshots", json=frozen)
    assert done.status_code == 201, done.text
    for _ in range(400):
        found = city.operator("GET", f"{STORY}/snapshots/{SNAPSHOT}").json()
        if found["snapshotStatus"] != "preparing":
            break
        time.sleep(0.02)
    assert found["snapshotStatus"] == "success", found


def rendered(thing: Any, words: dict[str, str]) -> Any:
    """An ask, or part of it, with these words."""
    if isinstance(thing, str):
        return re.sub(r"\{(word|id|type|note|map)\}", lambda m: words[m[1]], thing)
    if isinstance(thing, dict):
        return {name: rendered(value, words) for name, value in thing.items()}
    return [rendered(each, words) for each in thing] if isinstance(thing, list) else thing


def listed() -> list[Any]:
    """Every ask, with the verb and the beginning of its address."""
    found = []
    for start, table in ((STORY, ways.API), ("", ways.OTHER)):
        for route, way in table.items():
            if isinstance(way, Walk):
                verb = route.partition(" ")[0]
                found += [
                    pytest.param(verb, start, ask, id=f"{route} {number}")
                    for number, ask in enumerate(way.asks)
                ]
    return found


def test_every_operation_is_listed() -> None:
    assert {f"{each.verb} {each.path}" for each in OPERATIONS} == ways.API.keys()


def test_every_other_route_is_listed(city: City) -> None:
    offered = {
        f"{verb} {route.path}"
        for route in city.routes
        for verb in route.methods or ()
        if verb != "HEAD"
    }
    rooms = {each for each in offered if any(fnmatchcase(each, room) for room in ways.ROOMS)}
    assert offered - rooms == ways.OTHER.keys(), "list a new way in tests/walk/ways.py"


def test_the_usual_ways_tell_nothing(city: City) -> None:
    """The rooms of the gate: whatever is asked of them by somebody who is nobody in particular."""
    walked = 0
    for route in city.routes:
        for verb in sorted(route.methods or ()):
            way = f"{verb} {route.path}"
            usual = any(fnmatchcase(way, room) for room in ways.ROOMS)
            if not usual and not isinstance(ways.OTHER.get(way), ways.Usual):
                continue
            walked += 1
            answers = []
            for words in (SECRET, TWIN):
                path = re.sub(r"\{\w+:int\}", "1", route.path)
                path = re.sub(r"\{[^}]*\}", words["word"], path)
                answers.append(city.public(verb, path))
            assert answers[0].status_code < 500, way
            if "{" in route.path:
                assert same(answers[0], SECRET) == same(answers[1], TWIN), way
            else:
                assert not found_in(told(answers[0]), way), way
    assert walked > 30


def found_in(text: str, way: str) -> list[str]:
    """The hidden words in a text; what the rules call it may stand where these are shown."""
    words = WORDS if "polic" in way else (*WORDS, *RULED)
    return [word for word in words if word in text]


def told(response: Any) -> str:
    """All that an answer says."""
    headers = " ".join(f"{name}: {value}" for name, value in response.headers.items())
    return f"{response.status_code} {headers}\n{response.text}".lower()


def ask_for(city: City, verb: str, start: str, ask: Ask, words: dict[str, str]) -> Any:
    more = {} if ask.body is None else {"json": rendered(ask.body, words)}
    url = start + rendered(ask.url, words)
    return city.public(verb, url, headers=ask.headers, **more)


@pytest.mark.parametrize(("verb", "start", "ask"), listed())
def test_the_public_learns_nothing(city: City, verb: str, start: str, ask: Ask) -> None:
    words = SECRET | {"map": "/entityMaps/urn:ngsi-ld:EntityMap:none"}
    answer = ask_for(city, verb, start, ask, words)
    assert answer.status_code < 500
    if words_in(ask) == (False,):
        assert not found_in(told(answer), ask.url)
        return
    other = ask_for(city, verb, start, ask, TWIN | {"map": words["map"]})
    assert same(answer, words) == same(other, TWIN)


def test_a_snapshot_tells_nothing_either(city: City) -> None:
    """Whatever may be asked of the city may be asked of what was frozen of it."""
    walked = seen = 0
    for param in listed():
        verb, start, ask = param.values
        inside = ("/entities", "/temporal", "/types", "/attributes")
        if start != STORY or not ask.url.startswith(inside) or "{map}" in ask.url:
            continue
        ask = replace(ask, headers={**ask.headers, "NGSILD-Snapshot": SNAPSHOT})
        answer = ask_for(city, verb, start, ask, SECRET)
        assert answer.status_code < 500, param.id
        if words_in(ask) == (False,):
            assert not found_in(told(answer), ask.url), param.id
        else:
            other = ask_for(city, verb, start, ask, TWIN)
            assert same(answer, SECRET) == same(other, TWIN), param.id
        walked += 1
        if verb == "GET" and ask.shown:
            frozen = city.operator(verb, start + rendered(ask.url, SECRET), headers=ask.headers)
            seen += any(word in frozen.text.lower() for word in WORDS)
    assert walked > 40 and seen > 5


def words_in(ask: Ask) -> tuple[bool]:
    """Whether the ask itself has hidden words in it."""
    whole = ask.url + repr(ask.body)
    return (any("{" + name + "}" in whole for name in SECRET),)


def same(answer: Any, words: dict[str, str]) -> tuple[int, str]:
    """What an answer says, without the words that were brought along, times and made-up identifiers."""
    text = answer.text
    for name, word in sorted(words.items(), key=lambda item: -len(item[1])):
        text = re.sub(re.escape(word), f"<{name}>", text, flags=re.IGNORECASE)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>", text)
    return answer.status_code, re.sub(
        r"urn:ngsi-ld:(EntityMap|Subscription):[0-9a-f-]+", "<made>", text
    )


@pytest.mark.parametrize(("verb", "start", "ask"), [p for p in listed() if p.values[2].shown])
def test_those_who_may_see_it_do(city: City, verb: str, start: str, ask: Ask) -> None:
    """Or else nothing would be proved above."""
    words = SECRET | {"map": ""}
    more = {} if ask.body is None else {"json": rendered(ask.body, words)}
    if "{map}" in ask.url:
        pytest.skip("made in a test of its own")
    url = start + rendered(ask.url, words)
    answer = city.operator(verb, url, headers=ask.headers, **more)
    assert answer.status_code in (200, 201), answer.text
    body = answer.text.lower()
    assert [word for word in (*WORDS, *RULED) if word in body], body[:2000]


# -- what is no text --------------------------------------------------------------------------------


def test_tiles_have_nothing_of_it(city: City) -> None:
    drawn = 0
    for zoom in range(15):
        x, y = _tile(zoom)
        answer = city.public("GET", f"/tiles/{zoom}/{x}/{y}.mvt")
        data = answer.content
        drawn += len(data)
        assert not [word for word in WORDS if word.encode() in data.lower()]
    assert drawn


def _tile(zoom: int) -> tuple[int, int]:
    from hansa.web.tiles.projection import tile_box

    size = 2**zoom
    for x in range(size):
        west, _, east, _ = tile_box(zoom, x, 0)
        if west <= -70.99 < east:
            break
    for y in range(size):
        _, south, _, north = tile_box(zoom, x, y)
        if south <= -29.99 < north:
            break
    return x, y


def test_the_stream_of_vehicles_has_nothing_of_it(city: City) -> None:
    async def first() -> bytes:
        events = VehicleStream(Site(city.node))._events()
        found = await asyncio.wait_for(anext(events), 20)
        await events.aclose()  # type: ignore[attr-defined]
        return found

    assert b"quince" not in asyncio.run(first())


# -- counts -----------------------------------------------------------------------------------------


def counted(answer: Any) -> int:
    return int(answer.headers["ngsild-results-count"])


def test_counts_and_pages_are_those_of_what_may_be_seen(city: City) -> None:
    for asked in ("type=Building", "type=GtfsStop", "local=true", f"attrs={NOTE}", "type=Quincery"):
        url = f"{STORY}/entities?{asked}&count=true&options=keyValues"
        total = counted(city.public("GET", url + "&limit=0"))
        every = counted(city.operator("GET", url + "&limit=0"))
        assert total < every
        seen: list[str] = []
        for offset in range(0, total + 3, 2):
            page = city.public("GET", f"{url}&limit=2&offset={offset}")
            assert counted(page) == total
            seen += [each["id"] for each in page.json()]
        assert len(seen) == len(set(seen)) == total


def test_discovery_counts_what_may_be_seen(city: City) -> None:
    url = f"{STORY}/types/Building"
    shown, every = (ask("GET", url).json() for ask in (city.public, city.operator))
    assert shown["entityCount"] == every["entityCount"] - 1


def test_the_past_counts_what_may_be_seen(city: City) -> None:
    url = (
        f"{STORY}/temporal/entities?local=true&timerel=after&timeAt=2020-01-01T00:00:00Z&count=true"
    )
    url += "&timeproperty=modifiedAt&limit=1000"
    shown, every = (ask("GET", url) for ask in (city.public, city.operator))
    assert counted(shown) == len(shown.json())
    assert counted(shown) < counted(every)


def test_an_entity_map_is_for_whoever_made_it(city: City) -> None:
    made = city.operator("GET", f"{STORY}/entityMaps?type={HIDDEN_TYPE}")
    place = made.headers["ngsild-entitymap"]
    assert HIDDEN in city.operator("GET", place).text
    assert city.public("GET", place).status_code == 404
    asked = {"ngsild-entitymap": place}
    page = city.public("GET", f"{STORY}/entities?type={HIDDEN_TYPE}", headers=asked)
    assert not [word for word in WORDS if word in page.text.lower()]


def test_reading_it_is_logged(city: City) -> None:
    before = len(city.node.trust.log.about("what", HIDDEN))
    city.operator("GET", f"{STORY}/entities/{HIDDEN}")
    city.operator("GET", f"{STORY}/entities?type=GtfsStop")
    city.public("GET", f"{STORY}/entities/{HIDDEN}")
    assert len(city.node.trust.log.about("what", HIDDEN)) == before + 1
    assert city.node.trust.log.about("what", ZONE) is not None


def test_the_words_are_where_they_should_be(city: City) -> None:
    """The oracle of this module: without rules everybody sees them."""
    rules, city.node.gate.rules = city.node.gate.rules, None
    try:
        for url in ("/", "/data", f"/entity/{HIDDEN}", "/live", "/data/Quincery.geojson"):
            said = city.public("GET", url)
            assert said.status_code == 200
            if url not in ("/",):
                assert "quince" in said.text.lower()
        data = b"".join(_tile_data(city, zoom) for zoom in range(8, 15))
        assert b"quince" in data.lower()
    finally:
        city.node.gate.rules = rules
    assert "quince" not in city.public("GET", "/data").text.lower()
    assert b"quince" not in _tile_data(city, 14).lower()


def _tile_data(city: City, zoom: int) -> bytes:
    x, y = _tile(zoom)
    return bytes(city.public("GET", f"/tiles/{zoom}/{x}/{y}.mvt").content)
