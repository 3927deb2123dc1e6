"""Sources that answer with a page, or with a part of the time; and those that registered scopes
(clauses 5.5.9, 6.3.10, 4.3.6.1, 4.18)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.api.client import ApiClient
from tests.web.api.source import Asked, MockSource, mock_source
from tests.web.api.test_distribution_reads import car, register, warnings

CARS = [f"urn:ngsi-ld:Car:{n:03}" for n in range(250)]
ALL = "/temporal/entities"


@pytest.fixture
def source() -> Iterator[MockSource]:
    with mock_source() as found:
        yield found


def paged(most: int, *, link: str = "offset", count: bool = False) -> Any:
    """A source that never gives more than `most` entities, and says so by a link, a status or a count."""

    def reply(asked: Asked) -> tuple[int, Any, dict[str, str]]:
        offset = int(asked.query.get("offset") or asked.query.get("token") or 0)
        limit = min(int(asked.query.get("limit", most)), most)
        shown = [car(id, speed=1) for id in CARS[offset : offset + limit]]
        headers: dict[str, str] = {}
        end = offset + len(shown)
        if end < len(CARS) and link == "offset":
            next = f"/elsewhere/ngsi-ld/v1/entities?type=Car&limit={limit}&offset={end}"
            headers["Link"] = f'<x>; rel="prev", <{next}>; type="a"; rel="next"'
        elif end < len(CARS) and link == "token":
            headers["Link"] = f"<http://127.0.0.1:1/ngsi-ld/v1/entities?token={end}>;rel=next"
        elif end < len(CARS) and link == "path":
            headers["Link"] = f'<http://evil.example/other?offset={end}>; rel="next"'
        elif end < len(CARS) and link == "range":
            return 206, shown, {"Content-Range": f"items {offset}-{end - 1}/{len(CARS)}"}
        if count:
            headers["NGSILD-Results-Count"] = str(len(CARS))
        return 200, shown, headers

    return reply


@pytest.mark.parametrize("link", ["offset", "token", "path", "range"])
def test_the_pages_of_a_source_are_one_answer(
    api: ApiClient, source: MockSource, link: str
) -> None:
    register(api, source)
    source.answers("GET", "/entities", paged(60, link=link))
    answer = api.get("/entities?type=Car&limit=200")
    assert [each["id"] for each in answer.json()] == CARS[:200]
    assert warnings(answer) == []
    assert len(source.asked) == 4
    assert all(asked.path == "/entities" for asked in source.asked)


def test_a_count_that_says_more_is_followed(api: ApiClient, source: MockSource) -> None:
    register(api, source)
    source.answers("GET", "/entities", paged(60, link="", count=True))
    answer = api.get("/entities?type=Car&limit=1000&count=true")
    assert len(answer.json()) == len(CARS)
    assert answer.headers["ngsild-results-count"] == str(len(CARS))


def test_a_source_that_ignores_the_limit_loses_nothing(api: ApiClient, source: MockSource) -> None:
    register(api, source)
    source.says("GET", "/entities", [car(id, speed=1) for id in CARS])
    assert len(api.get("/entities?type=Car&limit=100").json()) == 100
    assert len(api.get("/entities?type=Car&limit=100&offset=200").json()) == 50


def test_what_there_is_no_time_for_is_said(api: ApiClient, source: MockSource) -> None:
    register(api, source, management={"timeout": 300})
    source.answers("GET", "/entities", paged(60))
    source.replies["GET", "/entities"] = (200, b"", {}, 0.2)
    answer = api.get("/entities?type=Car&limit=200")
    assert 0 < len(answer.json()) < 200
    assert "there was time for" in answer.headers["ngsild-warning"]


def test_a_source_that_pages_without_end_is_left(api: ApiClient, source: MockSource) -> None:
    register(api, source)
    turns = iter(range(10_000))

    def endless(asked: Asked) -> tuple[int, Any, dict[str, str]]:
        return 200, [], {"Link": f'</entities?page={next(turns)}>; rel="next"'}

    source.answers("GET", "/entities", endless)
    answer = api.get("/entities?type=Car")
    assert (answer.json(), warnings(answer)) == ([], ["199"])
    assert len(source.asked) <= 100


@pytest.mark.parametrize("status", [404, 500])
def test_a_later_page_that_fails_is_said(api: ApiClient, source: MockSource, status: int) -> None:
    register(api, source)
    first = paged(60)

    def reply(asked: Asked) -> tuple[int, Any, dict[str, str]]:
        return (status, b"", {}) if "offset" in asked.query else first(asked)

    source.answers("GET", "/entities", reply)
    answer = api.get("/entities?type=Car&limit=100")
    assert len(answer.json()) == 60
    assert warnings(answer) == ["299"]


# -- history ---------------------------------------------------------------------------------------


def at(day: int, value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": f"2026-01-{day:02}T00:00:00Z"}


def remembering(days: int, most: int) -> Any:
    """A source that remembers a value for each day, and tells `most` of them at once."""

    def reply(asked: Asked) -> tuple[int, Any, dict[str, str]]:
        every = [at(day, day) for day in range(1, days + 1)]
        since, until = "", "9"
        if asked.query["timerel"] != "before":
            since = asked.query["timeAt"]
            until = asked.query.get("endTimeAt", until)
        else:
            until = asked.query["timeAt"]
        told = [each for each in every if since <= each["observedAt"] < until]
        if "lastN" in asked.query:
            told = told[::-1][: int(asked.query["lastN"])]
        body = {"id": CARS[0], "type": "Car", "speed": told[:most]}
        shown = body if asked.path.endswith(CARS[0]) else [body]
        if len(told) <= most:
            return 200, shown, {}
        first, last = told[0]["observedAt"], told[most - 1]["observedAt"]
        return 206, shown, {"Content-Range": f"date-time {first}-{last}/*"}

    return reply


@pytest.mark.parametrize("path", [f"{ALL}/{CARS[0]}", ALL])
@pytest.mark.parametrize("more", ["", "&lastN=20", "&lastN=9"])
def test_a_source_that_tells_a_part_of_the_time_is_asked_for_the_rest(
    api: ApiClient, source: MockSource, path: str, more: str
) -> None:
    register(api, source, operations=["retrieveTemporal", "queryTemporal"])
    source.answers("GET", path, remembering(20, 6))
    window = "timerel=after&timeAt=2026-01-01T00:00:00Z"
    answer = api.get(f"{path}?type=Car&{window}{more}&options=temporalValues")
    assert answer.status_code == 200
    assert warnings(answer) == []
    body = answer.json()
    (shown,) = body if isinstance(body, list) else [body]
    days = [value for value, _ in shown["speed"]["values"]]
    assert sorted(days) == (list(range(12, 21)) if "9" in more else list(range(1, 21)))


def test_pasts_come_in_pages_too(api: ApiClient, source: MockSource) -> None:
    register(api, source, operations=["queryTemporal"])
    given = paged(30)

    def reply(asked: Asked) -> tuple[int, Any, dict[str, str]]:
        status, _, headers = given(asked)
        offset = int(asked.query.get("offset", 0))
        ids = CARS[offset : offset + 30]
        link = {k: v.replace("/entities?", f"{ALL}?") for k, v in headers.items()}
        return status, [{"id": id, "type": "Car", "speed": [at(2, 1)]} for id in ids], link

    source.answers("GET", ALL, reply)
    window = "timerel=after&timeAt=2026-01-01T00:00:00Z"
    answer = api.get(f"{ALL}?type=Car&{window}&limit=80")
    assert [each["id"] for each in answer.json()] == CARS[:80]


# -- scopes ----------------------------------------------------------------------------------------


def test_a_registered_scope_limits_who_is_asked_and_for_what(
    api: ApiClient, source: MockSource
) -> None:
    register(api, source, scope="/Madrid")
    near = {**car(CARS[0], speed=1), "scope": "/Madrid/Gardens"}
    far = {**car(CARS[1], speed=1), "scope": "/Paris"}
    source.says("GET", "/entities", [near, far])
    answer = api.get("/entities?type=Car")
    assert [each["id"] for each in answer.json()] == [CARS[0]]
    assert source.asked[-1].query["scopeQ"] == "/Madrid/#"
    api.get("/entities?type=Car&scopeQ=/Madrid/Gardens")
    assert source.asked[-1].query["scopeQ"] == "/Madrid/Gardens"
    api.get("/entities?type=Car&scopeQ=/%2B/Gardens")
    assert source.asked[-1].query["scopeQ"] == "(/+/Gardens;/Madrid/#)"
    api.get("/entities?type=Car&splitEntities=true")
    assert source.asked[-1].query["scopeQ"] == "/Madrid/#"
    before = len(source.asked)
    assert api.get("/entities?type=Car&scopeQ=/Paris/%23").json() == []
    assert len(source.asked) == before


def test_an_entity_outside_the_registered_scope_is_not_taken(
    api: ApiClient, source: MockSource
) -> None:
    register(api, source, scope=["/Madrid", "/Rome"])
    source.says("GET", f"/entities/{CARS[1]}", {**car(CARS[1], speed=1), "scope": ["/Paris"]})
    assert api.get(f"/entities/{CARS[1]}").status_code == 404
    source.says("GET", f"/entities/{CARS[1]}", {**car(CARS[1], speed=1), "scope": ["/Rome/A"]})
    assert api.get(f"/entities/{CARS[1]}").status_code == 200


def test_what_is_created_elsewhere_is_not_passed_on(api: ApiClient, source: MockSource) -> None:
    register(api, source, scope="/Madrid", mode="redirect", operations=["redirectionOps"])
    source.says("POST", "/entities", b"", 201)
    paris = {**car(CARS[0], speed=1), "scope": "/Paris"}
    assert api.post("/entities", json=paris).status_code == 201
    assert source.asked == []
    madrid = {**car(CARS[1], speed=1), "scope": "/Madrid/Gardens"}
    assert api.post("/entities", json=madrid).status_code == 201
    assert source.only("POST").body["id"] == CARS[1]


def test_a_registration_conflicts_only_with_what_is_in_its_scope(
    api: ApiClient, source: MockSource
) -> None:
    api.post("/entities", json={**car(CARS[0], speed=1), "scope": "/Paris"})
    register(api, source, scope="/Madrid", mode="redirect", operations=["redirectionOps"])
    body = {
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "Car"}]}],
        "endpoint": source.url,
        "mode": "redirect",
        "scope": "/Paris",
    }
    assert api.post("/csourceRegistrations", json=body).status_code == 409


def test_a_filter_for_sources_chooses_sources_and_no_entities_here(
    api: ApiClient, source: MockSource
) -> None:
    """Clauses 5.7.2.3 and 4.9: csf filters context sources; what is found here it does not look at."""
    api.post("/entities", json=car(CARS[0], speed=1))
    register(api, source, registrationName="north")
    source.says("GET", "/entities", [car(CARS[1], speed=1)])
    both = api.get('/entities?type=Car&csf=registrationName=="north"').json()
    assert [each["id"] for each in both] == CARS[:2]
    mine = api.get('/entities?type=Car&csf=registrationName=="south"').json()
    assert [each["id"] for each in mine] == CARS[:1]
