"""What other brokers tell is cut to what whoever asks may see, and conditions tell nothing of what is hidden."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa.ngsild.city import city_iri
from hansa.trust.guard.sieve import Sieve
from hansa.trust.guard.veil import Veil
from hansa.trust.guard.witness import Notes
from hansa.trust.policy.compile import compiled
from hansa.trust.policy.parse import parse_policy
from hansa.trust.principals import PUBLIC, Principal
from tests.trust.policy.documents import PRINCIPALS, constraint, entities, policies, rule
from tests.trust.policy.ruled import Ruled, prop, ruled
from tests.web.api.source import MockSource, mock_source

HERE, THERE, SECRET = (f"urn:ngsi-ld:Tree:{name}" for name in ("here", "there", "secret"))
DAYS = "timerel=after&timeAt=2026-05-01T00:00:00Z"
READS = [
    "retrieveEntity",
    "queryEntity",
    "retrieveTemporal",
    "queryTemporal",
    "retrieveEntityTypes",
]
UNKNOWING = ["kind:public", "name:ana"]
AT = "2026-05-02T00:00:00Z"


@pytest.fixture
def source() -> Iterator[MockSource]:
    with mock_source() as found:
        yield found


@pytest.fixture
def city(tmp_path: Path, source: MockSource) -> Iterator[Ruled]:
    with ruled(tmp_path) as made:
        made.person("ana")
        made.put({"id": HERE, "type": "Tree", "name": prop("an elm")})
        made.put({"id": SECRET, "type": ["Tree", "Secret"], "name": prop("quince")})
        of_secrets = constraint("entityType", "isAnyOf", ["Secret"])
        of_heights = constraint("attribute", "isAnyOf", ["height"])
        made.declare(
            "secretive",
            prohibition=[rule("read", UNKNOWING, of_secrets), rule("read", UNKNOWING, of_heights)],
        )
        body = {
            "id": "urn:r:1",
            "type": "ContextSourceRegistration",
            "information": [{"entities": [{"type": "Tree"}]}],
            "endpoint": source.url,
            "operations": [
                *READS,
                "createSubscription",
                "updateSubscription",
                "deleteSubscription",
            ],
            "management": {"timeout": 2000},
        }
        answer = made.ask("operator", "POST", "/csourceRegistrations", json=body)
        assert answer.status_code == 201, answer.text
        yield made


def tree(id: str, *types: str, **values: Any) -> dict[str, Any]:
    attributes = {city_iri(name): prop(value, AT) for name, value in values.items()}
    return {"id": id, "type": [city_iri(name) for name in ("Tree", *types)], **attributes}


TOLD = [
    tree(THERE, height=7, name="an oak"),
    tree(SECRET, height=8, colour="quince red"),
    tree("urn:ngsi-ld:Tree:other", "Secret", name="quince"),
]


def test_a_query_counts_and_shows_what_may_be_seen(city: Ruled, source: MockSource) -> None:
    source.says("GET", "/entities", TOLD)
    answer = city.ask("public", "GET", "/entities?type=Tree&count=true")
    assert {each["id"] for each in answer.json()} == {HERE, THERE}
    assert answer.headers["ngsild-results-count"] == "2"
    assert "quince" not in answer.text and "height" not in answer.text
    pages = [
        city.ask("public", "GET", f"/entities?type=Tree&count=true&limit=1&offset={n}").json()
        for n in range(3)
    ]
    assert [len(page) for page in pages] == [1, 1, 0]
    every = city.ask("operator", "GET", "/entities?type=Tree&count=true&limit=10")
    assert {each["id"] for each in every.json()} >= {HERE, THERE, SECRET} and "height" in every.text


def test_a_condition_on_what_is_hidden_never_holds(city: Ruled, source: MockSource) -> None:
    source.says("GET", "/entities", TOLD[:1])
    for asked in ("q=height==7", "attrs=height", "q=height"):
        answer = city.ask("public", "GET", f"/entities?type=Tree&count=true&{asked}")
        assert answer.json() == [] and answer.headers["ngsild-results-count"] == "0"
        assert "q" not in source.asked[-1].query
    assert city.ask("public", "GET", '/entities?type=Tree&q=name=="an oak"').json()


def test_one_entity(city: Ruled, source: MockSource) -> None:
    for told in TOLD:
        source.says("GET", f"/entities/{told['id']}", told)
    assert city.ask("public", "GET", f"/entities/{THERE}").json() == {
        "id": THERE,
        "type": "Tree",
        "name": prop("an oak", AT),
    }
    for hidden in (SECRET, "urn:ngsi-ld:Tree:other"):
        assert city.ask("public", "GET", f"/entities/{hidden}").status_code == 404
        assert city.ask("operator", "GET", f"/entities/{hidden}").status_code == 200


def test_the_past(city: Ruled, source: MockSource) -> None:
    told = [
        {name: [value] if isinstance(value, dict) else value for name, value in each.items()}
        for each in TOLD
    ]
    source.says("GET", "/temporal/entities", told)
    source.says("GET", f"/temporal/entities/{THERE}", told[0])
    answer = city.ask("public", "GET", f"/temporal/entities?type=Tree&count=true&{DAYS}")
    assert [each["id"] for each in answer.json()] == [THERE]
    assert answer.headers["ngsild-results-count"] == "1"
    assert "height" not in answer.text and "quince" not in answer.text
    hidden = city.ask("public", "GET", f"/temporal/entities?type=Tree&{DAYS}&q=height==7")
    assert hidden.json() == []
    one = city.ask("public", "GET", f"/temporal/entities/{THERE}?{DAYS}")
    assert "an oak" in one.text and "height" not in one.text
    assert "height" in city.ask("operator", "GET", f"/temporal/entities/{THERE}?{DAYS}").text


def test_kinds_and_maps(city: Ruled, source: MockSource) -> None:
    kinds = [
        {"id": city_iri(name), "type": "EntityType", "typeName": name, "attributeNames": []}
        for name in ("Tree", "Secret")
    ]
    source.says("GET", "/types", kinds)
    source.says("GET", "/entities", TOLD)
    assert "Secret" not in city.ask("public", "GET", "/types?details=true").text
    made = city.ask("public", "GET", "/entityMaps?type=Tree")
    assert made.status_code == 201 and THERE not in made.text and SECRET not in made.text
    assert THERE in city.ask("operator", "GET", "/entityMaps?type=Tree").text


def test_what_a_source_tells_a_subscriber_is_cut(city: Ruled, source: MockSource) -> None:
    source.says("POST", "/subscriptions", b"", 201)
    with mock_source() as receiver:
        receiver.says("POST", "/told", b"", 200)
        wish = {
            "id": "urn:ngsi-ld:Subscription:1",
            "type": "Subscription",
            "entities": [{"type": "Tree"}],
            "notification": {"endpoint": {"uri": f"{receiver.url}/ngsi-ld/v1/told"}},
        }
        assert city.ask("ana", "POST", "/subscriptions", json=wish).status_code == 201
        copy = _asked(source, "POST").body["id"]
        told = {"id": "urn:n:1", "type": "Notification", "subscriptionId": copy, "data": TOLD}
        place = "http://127.0.0.1:1356/ngsi-ld/ex/remote-notify"
        assert city.web.post(place, json=told).status_code == 200
        said = repr(_asked(receiver, "POST").body["data"])
        assert "an oak" in said and "height" not in said and "quince" not in said


def test_a_condition_of_a_subscriber_does_not_tell_of_it_either(
    city: Ruled, source: MockSource
) -> None:
    source.says("POST", "/subscriptions", b"", 201)
    wish = {
        "id": "urn:ngsi-ld:Subscription:1",
        "type": "Subscription",
        "entities": [{"type": "Tree"}],
        "q": "height>5",
        "notification": {"endpoint": {"uri": "http://127.0.0.1:9/told"}},
    }
    assert city.ask("ana", "POST", "/subscriptions", json=wish).status_code == 201
    copy = _asked(source, "POST").body["id"]
    told = {"id": "urn:n:1", "type": "Notification", "subscriptionId": copy, "data": TOLD[:1]}
    assert (
        city.web.post("http://127.0.0.1:1356/ngsi-ld/ex/remote-notify", json=told).status_code
        == 200
    )
    outbox = city.node.local_store().outbox
    assert not outbox.standing("subscription", wish["id"]).waiting and not outbox.endpoints()


def _asked(source: MockSource, method: str) -> Any:
    for _ in range(400):
        found = [each for each in source.asked if each.method == method]
        if found:
            return found[0]
        time.sleep(0.02)
    raise AssertionError(f"{method} did not come; only {source.asked}")


# -- pure --------------------------------------------------------------------------------------------


class _Empty:
    def get(self, id: str) -> None:
        return None


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(policies(), st.sampled_from(PRINCIPALS))
def test_what_is_only_elsewhere_is_cut_like_what_is_here(document: Any, who: Principal) -> None:
    policy = parse_policy("p", document, city_iri)
    rules = [each for each in policy.rules if each.concerns(who, "read")]
    sieve = Sieve(compiled("read", rules).seen)
    veil = Veil(_Empty(), sieve, Notes(None, PUBLIC, (), sieve))  # type: ignore[arg-type]
    left = [shown for each in entities() if (shown := sieve.shown(each)) is not None]
    assert veil.entities(entities()) == left
