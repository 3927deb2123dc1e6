"""Who may have something summed up gets groups that are large enough, and nothing single by any way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest, Forbidden
from hansa.ngsild.query import Query, Seen
from hansa.ngsild.temporal import Duration
from hansa.ngsild.temporal_periods import Periods
from hansa.store.history import Added, Heads, Selection
from hansa.store.port import Store
from hansa.store.sqlite import open_store
from hansa.trust.guard.group_past import Layer, group_id
from hansa.trust.guard.groups import GroupReader
from hansa.trust.guard.sieve import Sieve
from hansa.trust.guard.witness import Notes
from hansa.trust.principals import PUBLIC
from tests.trust.policy.documents import constraint, rule
from tests.trust.policy.ruled import Ruled, prop, ruled

DAYS = "timerel=between&timeAt=2026-05-01T00:00:00Z&endTimeAt=2026-05-04T00:00:00Z"
SUMS = f"{DAYS}&format=aggregatedValues&aggrPeriodDuration=P1D&aggrMethods=sum,totalCount"
PERSONS = f"/temporal/entities?type=Meter&{SUMS}"
FEW = constraint("groupSize", "gteq", 3)
OF_PERSONS = constraint("entityType", "isAnyOf", ["Meter"])


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ruled]:
    with ruled(tmp_path_factory.mktemp("groups")) as made:
        _fill(made)
        yield made


def _fill(city: Ruled) -> None:
    for number in range(4):
        city.put(
            {
                "id": f"urn:ngsi-ld:Meter:{number}",
                "type": "Meter",
                "flow": prop(20 + number, f"2026-05-01T{10 + number}:00:00Z"),
                "height": prop(150 + number, "2026-05-02T10:00:00Z"),
            }
            if number < 3
            else {
                "id": f"urn:ngsi-ld:Meter:{number}",
                "type": ["Meter", "Valve"],
                "flow": prop(99, "2026-05-01T10:00:00Z"),
            }
        )
    for number in range(2):
        patch = {"flow": prop(30 + number, "2026-05-02T12:00:00Z")}
        city.ask("operator", "PATCH", f"/entities/urn:ngsi-ld:Meter:{number}/attrs", json=patch)
    city.put(
        {"id": "urn:ngsi-ld:Tree:1", "type": "Tree", "height": prop(7, "2026-05-01T09:00:00Z")}
    )
    for name in ("ana", "bo"):
        city.person(name)
    city.declare(
        "meters",
        permission=[rule("aggregate", ["name:ana", "name:bo"], OF_PERSONS, FEW)],
        prohibition=[rule("read", ["kind:public", "name:ana"], OF_PERSONS)],
    )
    city.declare("closed", prohibition=[rule("read", "name:bo")])


@pytest.mark.parametrize("who", ["ana", "bo"])
def test_the_sums_of_a_day_are_told_where_enough_stand_behind_them(city: Ruled, who: str) -> None:
    answer = city.ask(who, "GET", PERSONS + "&count=true")
    assert answer.status_code == 200, answer.text
    (group,) = answer.json()
    assert answer.headers["ngsild-results-count"] == "1"
    assert group["type"] == "Meter" and group["id"].startswith("urn:hansa:group:")
    assert group["flow"] == {
        "type": "Property",
        "sum": [[63, "2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z"]],
        "totalCount": [[3, "2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z"]],
    }, "the second day has two meters, and the valve is another group"
    assert group["height"]["sum"][0][0] == 453
    assert "fewer than 3" in answer.headers["ngsild-warning"]


def test_counts_leave_small_groups_out(city: Ruled) -> None:
    for asked, count in (("Meter", 3), ("Valve", 0), ("Nobody", 0)):
        answer = city.ask("ana", "GET", f"/entities?type={asked}&limit=0&count=true")
        assert (answer.json(), answer.headers["ngsild-results-count"]) == ([], str(count))
    assert city.ask("bo", "GET", "/types/Meter").json()["entityCount"] == 3
    assert city.ask("bo", "GET", "/types/Valve").status_code == 404
    assert city.ask("bo", "GET", "/types").json()["typeList"] == ["Meter"]


def test_what_may_be_read_is_summed_up_as_ever(city: Ruled) -> None:
    trees = f"/temporal/entities?type=Tree&{SUMS}".replace("P1D", "PT1H")
    assert city.ask("ana", "GET", trees).json()[0]["id"] == "urn:ngsi-ld:Tree:1"
    assert city.ask("ana", "GET", "/entities?type=Tree").json()
    asked = city.ask("ana", "GET", trees, headers={"Hansa-Action": "aggregate"})
    assert asked.status_code == 400 and "whole days" in asked.text
    assert city.ask("ana", "GET", PERSONS, headers={"Hansa-Action": "read"}).json() == []
    assert city.ask("ana", "GET", PERSONS, headers={"Hansa-Action": "x"}).status_code == 400
    wrong = city.ask("public", "GET", PERSONS, headers={"Hansa-Action": "aggregate"})
    assert wrong.status_code == 401


@pytest.mark.parametrize(
    ("url", "status", "told"),
    [
        ("/entities?type=Meter", 403, "may be counted"),
        ("/entities/urn:ngsi-ld:Meter:1", 403, "may be counted"),
        ("/entities/urn:ngsi-ld:Meter:none", 403, "may be counted"),
        ("/temporal/entities?type=Meter&" + DAYS, 403, "may be counted"),
        (f"/temporal/entities/urn:ngsi-ld:Meter:1?{SUMS}", 403, "not read one by one"),
        (f"/temporal/entities/urn:ngsi-ld:Meter:none?{SUMS}", 403, "not read one by one"),
        (PERSONS + "&id=urn:ngsi-ld:Meter:1", 403, "not read one by one"),
        (PERSONS + "&q=flow>20", 403, "not read one by one"),
        (PERSONS + "&lastN=1", 403, "not read one by one"),
        (PERSONS + "&timeproperty=modifiedAt", 400, "by day of observation"),
        (PERSONS.replace("P1D", "PT1H"), 400, "is not one day"),
        (PERSONS.replace("&aggrPeriodDuration=P1D", ""), 400, "is not one day"),
        (PERSONS.replace("05-04T00:00:00Z", "05-03T00:00:01Z"), 400, "within a day"),
        (PERSONS.replace("sum,totalCount", "max"), 403, "value of one entity"),
        ("/entities?type=Meter&limit=0&count=true&q=flow==21", 400, "another condition"),
        ("/entities?type=Meter&limit=0&count=true&idPattern=1", 400, "another condition"),
        ("/entities?type=Meter&limit=0&count=true&attrs=flow", 400, "another condition"),
        ("/entities?local=true&limit=0&count=true&scopeQ=/A", 400, "another condition"),
        ("/entityMaps?type=Meter", 403, "may be counted"),
    ],
)
def test_nothing_single_is_told_and_the_reason_is(
    city: Ruled, url: str, status: int, told: str
) -> None:
    answer = city.ask("bo", "GET", url)
    assert (answer.status_code, told in answer.text) == (status, True), answer.text
    assert status == 400 or "closed:1/prohibition/1" in answer.text or "meters:1/" in answer.text


def test_it_is_logged_and_stops_with_the_rule(city: Ruled) -> None:
    before = len(city.entries("read"))
    assert city.ask("bo", "GET", PERSONS).status_code == 200
    assert [each.reason for each in city.entries("read")[before:]] == ["by-rule.asked"]
    kept = city.node.trust.policies.get("meters").document
    city.node.trust.policies.withdraw(_local(), "meters")
    try:
        answer = city.ask("bo", "GET", PERSONS)
        assert answer.status_code == 403 and "no rule permits" not in answer.text
        assert (
            city.ask("ana", "GET", "/entities?type=Meter&limit=0&count=true").headers[
                "ngsild-results-count"
            ]
            == "4"
        ), "nothing prohibits to read them any more"
    finally:
        city.node.trust.policies.declare(_local(), "meters", kept)


def _local() -> Any:
    from hansa.trust.principals import LOCAL

    return LOCAL


# -- for any history -------------------------------------------------------------------------------

NAMES = ("urn:a:1", "urn:a:2")
values = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.sampled_from(NAMES),
        st.integers(0, 3 * 86_400 - 1),
        st.integers(-9, 9),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("groups")
    made: list[Store] = []

    def new() -> Store:
        made.append(open_store(folder / f"{len(made)}.sqlite"))
        return made[-1]

    yield new
    for store in made:
        store.close()


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(values, st.integers(2, 4), st.lists(st.sampled_from("ABC"), min_size=5, max_size=5))
def test_each_cell_has_enough_entities_and_the_sum_of_them(
    stores: Any, values: list[tuple[int, str, int, int]], least: int, types: list[str]
) -> None:
    store: Store = stores()
    cells: dict[tuple[str, str, int], list[tuple[int, int]]] = defaultdict(list)
    kept = {}
    for number, name, second, value in values:
        kept[number, name, second] = value  # an instance of the same moment takes its place
    for (number, name, second), value in kept.items():
        day, rest = divmod(second, 86_400)
        at = f"2026-05-0{day + 1}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}Z"
        instance = {"type": "Property", "value": value, "observedAt": at}
        added = Added(f"urn:x:{number}", (types[number],), {name: [instance]})
        store.record_history([added]).result()
        cells[types[number], name, day].append((number, value))
    reader = GroupReader(store, [Layer(Sieve(Seen()), least)], _notes(), "r:1 permits it")
    origin = 1_777_593_600_000_000
    with reader.past() as source:
        heads = {head.id: head.types for head in source.heads(Heads())}
        asked = Selection(tuple(heads), since=origin, timed=True)
        found = {
            (heads[b.entity][0], b.attribute, b.period): (b.tally.total, b.tally.sum)
            for b in source.tallies(asked, Periods(origin, Duration(0, _day())))
        }
    enough = {
        cell: (len(those), sum(value for _, value in those))
        for cell, those in cells.items()
        if len({number for number, _ in those}) >= least
    }
    assert found == enough


def _day() -> Any:
    from datetime import timedelta

    return timedelta(days=1)


def _notes() -> Notes:
    return Notes(None, PUBLIC, (), Sieve(Seen()))


def test_layers_are_tried_from_the_smallest_group(tmp_path: Path) -> None:
    store = open_store(tmp_path / "s.sqlite")
    layers = [Layer(Sieve(Seen()), 2), Layer(Sieve(Seen()), 9)]
    reader = GroupReader(store, layers, _notes(), "r")
    assert reader.query(Query(limit=0, count=True)).total == 0
    with reader.past() as source, pytest.raises(Forbidden):
        list(source.series(Selection(())))
    with reader.past() as source, pytest.raises(BadRequest):
        list(source.tallies(Selection(()), Periods(0)))
    for ask in (reader.scan, lambda: reader.get("urn:x:1"), lambda: reader.changes(0)):
        with pytest.raises(Forbidden):
            ask()
    assert group_id(["b", "a"]) == group_id(["a", "b"]) != group_id(["a"])
    store.close()
