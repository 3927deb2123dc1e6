"""A stop tells what leaves it next and which lines call; trips and services tell on which days."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from hansa.node import Node
from hansa.web.pages.services import weekdays
from hansa.web.shell.language import language

STOP = "/entity/urn:ngsi-ld:GtfsStop:town:S1"


def minutes(html: str) -> list[int]:
    """The departures, in minutes since midnight."""
    found = re.findall(r'<span class="clock">(\d\d):(\d\d)', html)
    return [int(hour) * 60 + int(minute) for hour, minute in found]


def test_a_stop_shows_its_next_departures_and_lines(pages: TestClient, town_node: Node) -> None:
    for address in (STOP, STOP + "?part=panel"):
        now = town_node.timetable_clock.now().astimezone(town_node.settings.zone)
        html = pages.get(address).text
        first, *others = minutes(html)
        assert 0 <= first - (now.hour * 60 + now.minute) <= 10
        assert others == [first + 10 * n for n in range(1, 8)]
        assert "1 Directo → Estación" in html
        assert "Lines that call here" in html
        assert "The timetable has ended" in html
        assert "scheduled" in html


def test_departures_speak_the_language_of_the_page(pages: TestClient) -> None:
    html = pages.get(STOP, params={"lang": "es"}).text
    assert "Próximas salidas" in html
    assert "según horario" in html


def test_nothing_leaves_where_all_trips_end(pages: TestClient) -> None:
    html = pages.get("/entity/urn:ngsi-ld:GtfsStop:town:S2").text
    assert "Next departures" not in html


def test_things_that_are_no_stops_have_no_board(pages: TestClient) -> None:
    assert "Next departures" not in pages.get("/entity/urn:ngsi-ld:TransportZone:town:1").text


def test_trips_are_listed_with_the_days_on_which_they_run(pages: TestClient) -> None:
    html = pages.get("/data/GtfsTrip").text
    assert "Timetable service" in html
    assert "every day (D)</a>" in html
    assert "every day (D)</a>" in pages.get("/entity/urn:ngsi-ld:GtfsTrip:town:T0").text
    assert "todos los días (D)</a>" in pages.get("/data/GtfsTrip?lang=es").text
    assert pages.get("/data/GtfsTrip?sort=hasService").status_code == 200


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ("1111111", "every day"),
        ("1111100", "Monday to Friday"),
        ("0000011", "Saturday, Sunday"),
        ("1011101", "Monday, Wednesday to Friday, Sunday"),
        ("0000000", "on single days only"),
    ],
)
def test_days_of_the_week_in_words(days: str, words: str) -> None:
    assert weekdays(language("en"), tuple(day == "1" for day in days)) == words
