"""The pure parts of distributed operations: planning, matching, merging, words, trail (clauses 4.3.6, 4.5.5, 5.12)."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.hub.federation.filters import fulfils
from hansa.hub.federation.incoming import entities_in, json_in
from hansa.hub.federation.merging import merged
from hansa.hub.federation.plan import plan_write
from hansa.hub.federation.speech import reworded, speech_of
from hansa.hub.federation.trail import MOST_HOPS, alias_of, onward, read_via
from hansa.hub.federation.warnings import Warned, header
from hansa.hub.registrations.book import Book
from hansa.hub.registrations.matching import Wanted, matches, parts
from hansa.hub.registrations.model import Registration, parsed
from hansa.kernel.egress import Response
from hansa.kernel.errors import BadRequest, LoopDetected
from hansa.ngsild.context import CORE, Context
from hansa.ngsild.expand import Rules, expand_entity
from hansa.ngsild.query import Query, TypeName
from hansa.ngsild.represent import View, represent

NOW = "2026-01-01T00:00:00.000000Z"
IDS = ["urn:a:1", "urn:a:2", "urn:b:1"]
TYPES = ["A", "B"]
NAMES = ["p", "q", "r"]

ids = st.sampled_from(IDS)
types = st.sampled_from(TYPES)
names = st.frozensets(st.sampled_from(NAMES), max_size=3)
entity_infos = st.fixed_dictionaries(
    {"type": types.map(lambda name: [name])},
    optional={"id": ids, "idPattern": st.sampled_from(["^urn:a:", "1$", ".*"])},
)
infos = st.fixed_dictionaries(
    {"propertyNames": st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True)},
    optional={"entities": st.lists(entity_infos, min_size=1, max_size=3)},
) | st.fixed_dictionaries({"entities": st.lists(entity_infos, min_size=1, max_size=3)})
modes = st.sampled_from(["inclusive", "exclusive", "redirect", "auxiliary"])


@st.composite
def records(draw: st.DrawFn, number: int = 0) -> dict[str, Any]:
    return {
        "id": f"urn:r:{number}",
        "type": "ContextSourceRegistration",
        "endpoint": "http://x.example",
        "mode": draw(modes),
        "operations": draw(st.sampled_from([["createEntity"], ["retrieveOps"]])),
        "information": draw(st.lists(infos, min_size=1, max_size=3)),
    }


@st.composite
def books(draw: st.DrawFn) -> list[dict[str, Any]]:
    return [draw(records(number)) for number in range(draw(st.integers(0, 5)))]


wishes = st.builds(
    Wanted,
    ids=st.lists(ids, max_size=2, unique=True).map(tuple),
    pattern=st.none() | st.sampled_from(["^urn:a:", "2$"]),
    types=st.none() | types.map(TypeName) | types.map(lambda name: frozenset({name})),
    attributes=names,
)


@given(books(), wishes)
def test_the_book_names_everyone_whom_a_request_concerns(
    kept: list[dict[str, Any]], wanted: Wanted
) -> None:
    book = Book(orjson.dumps(record) for record in kept)
    named = [each.id for each in book.concerned(wanted, NOW)]
    expected = [r["id"] for r in kept if matches(parsed(r), wanted)]
    assert [id for id in named if id in expected] == expected


@given(books(), st.integers(0, 4), wishes)
def test_a_removed_registration_is_named_no_more(
    kept: list[dict[str, Any]], which: int, wanted: Wanted
) -> None:
    book = Book(orjson.dumps(record) for record in kept)
    book.remove(f"urn:r:{which}")
    assert f"urn:r:{which}" not in [each.id for each in book.concerned(wanted, NOW)]
    for record in kept:
        book.remove(record["id"])
    assert not book


@given(records(), wishes, ids, types)
def test_a_part_is_within_what_was_registered_and_what_was_wanted(
    record: dict[str, Any], wanted: Wanted, id: str, type: str
) -> None:
    registration = parsed(record)
    for part in parts(registration, wanted):
        registered = [info.attributes for info in registration.infos if info.attributes]
        if part.attributes and registered and not wanted.attributes:
            assert any(part.attributes <= names for names in registered)
        if wanted.attributes:
            assert part.attributes <= wanted.attributes
        if part.covers(id, [type]):
            assert not wanted.ids or id in wanted.ids
            assert any(
                not info.entities
                or any(e.takes_id(id) and type in e.types for e in info.entities)
                or any(e.takes_id(id) for e in info.entities)
                for info in registration.infos
            )


@given(books(), ids, types, names)
def test_a_plan_sends_every_attribute_somewhere_and_none_twice_without_need(
    kept: list[dict[str, Any]], id: str, type: str, written: frozenset[str]
) -> None:
    registrations = [parsed(record) for record in kept]
    wanted = Wanted((id,), None, frozenset({type}))
    plan = plan_write(registrations, wanted, written, ("createEntity",))
    claimed = plan.claimed
    here = (plan.rest or written) if plan.local else frozenset()
    assert claimed <= written
    assert here.isdisjoint(claimed)
    assert here | claimed == written or (not plan.local and not written)
    for forward in plan.forwards:
        registration = forward.part.registration
        assert registration.mode != "auxiliary"
        assert "createEntity" in registration.operations
        assert forward.attributes <= written
        if registration.mode == "inclusive":
            assert forward.attributes.isdisjoint(claimed)
    for forward in plan.refused:
        assert forward.part.registration.is_proxy
    exclusive = [f for f in plan.forwards if f.part.registration.mode == "redirect"]
    taken = {
        n for f in plan.forwards if f.part.registration.mode == "exclusive" for n in f.attributes
    }
    assert all(f.attributes.isdisjoint(taken) for f in exclusive)


@given(ids, names)
def test_without_registrations_everything_stays_here(id: str, written: frozenset[str]) -> None:
    plan = plan_write([], Wanted((id,)), written, ("createEntity",))
    assert plan.is_local and plan.local and plan.rest == frozenset()


def registration(**members: Any) -> Registration:
    body = {
        "id": "urn:r:1",
        "endpoint": "http://x.example/",
        "information": [{"entities": [{"type": ["A"]}]}],
    }
    return parsed(body | members)


def test_the_address_of_an_api_is_found_from_either_form() -> None:
    for endpoint in ("http://x.example", "http://x.example/", "http://x.example/ngsi-ld/v1/"):
        assert registration(endpoint=endpoint).source.base == "http://x.example/ngsi-ld/v1"


def test_durations_and_limits_are_read_as_seconds() -> None:
    source = registration(
        management={"timeout": 1500, "cooldown": 10, "cacheDuration": "PT1M", "localOnly": True}
    ).source
    assert (source.timeout, source.cooldown, source.cache, source.local_only) == (
        1.5,
        0.01,
        60,
        True,
    )


# -- merging ---------------------------------------------------------------------------------------


def entity(id: str = "urn:a:1", /, **attributes: Any) -> dict[str, Any]:
    return expand_entity({"id": id, "type": "A", **attributes}, Rules(CORE))


def value(whole: dict[str, Any] | None, name: str = "p") -> list[Any]:
    assert whole is not None
    return [instance["value"] for instance in whole[CORE.expand(name)]]


def prop(value: Any, **members: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **members}


def test_the_most_recent_observation_stands() -> None:
    old = entity(p=prop(1, observedAt="2026-01-01T00:00:00Z"))
    new = entity(p=prop(2, observedAt="2026-01-01T00:00:00.5Z"))
    assert value(merged([old, new])) == value(merged([new, old])) == [2]
    assert value(merged([entity(p=prop(3)), old])) == [1]


def test_otherwise_the_most_recent_change_stands_and_else_the_first() -> None:
    one, two = entity(p=prop(1)), entity(p=prop(2))
    assert value(merged([one, two])) == [1]
    two[CORE.expand("p")][0]["modifiedAt"] = "2026-01-01T00:00:00Z"
    assert value(merged([one, two])) == [2]


def test_instances_of_different_datasets_stand_side_by_side() -> None:
    whole = merged([entity(p=prop(1, datasetId="urn:d:1")), entity(p=prop(2))])
    assert value(whole) == [2, 1]


def test_what_has_expired_does_not_stand() -> None:
    gone = entity(p=prop(1, expiresAt="2020-01-01T00:00:00Z", observedAt="2027-01-01T00:00:00Z"))
    assert value(merged([gone, entity(p=prop(2))], now=NOW)) == [2]
    dead = entity(p=prop(1)) | {"expiresAt": "2020-01-01T00:00:00Z"}
    assert merged([dead], now=NOW) is None


def test_an_expiry_that_not_everyone_knows_goes_down_to_the_attributes() -> None:
    later, latest = "2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z"
    one = entity(p=prop(1)) | {"expiresAt": later}
    two = entity(q=prop(2))
    whole = merged([one, two], now=NOW)
    assert whole is not None and "expiresAt" not in whole
    assert whole[CORE.expand("p")][0]["expiresAt"] == later
    both = merged([one, two | {"expiresAt": latest}], now=NOW)
    assert both is not None and both["expiresAt"] == latest


def test_types_and_scopes_are_joined() -> None:
    one = entity() | {"scope": ["/a"]}
    two = expand_entity({"id": "urn:a:1", "type": ["B", "A"], "scope": "/b"}, Rules(CORE))
    whole = merged([one, two])
    assert whole is not None
    assert [CORE.compact(name) for name in whole["type"]] == ["A", "B"]
    assert whole["scope"] == ["/a", "/b"]


versions = st.lists(
    st.builds(
        lambda pairs: entity(**pairs),
        st.dictionaries(
            st.sampled_from(NAMES),
            st.builds(
                lambda number, day, dataset: prop(
                    number,
                    **({"observedAt": f"2026-01-0{day}T00:00:00Z"} if day else {}),
                    **({"datasetId": f"urn:d:{dataset}"} if dataset else {}),
                ),
                st.integers(0, 9),
                st.integers(0, 9),
                st.integers(0, 2),
            ),
        ),
    ),
    min_size=1,
    max_size=4,
)


@given(versions, versions)
def test_merging_loses_no_attribute_and_changes_no_version(
    main: list[dict[str, Any]], extra: list[dict[str, Any]]
) -> None:
    before = orjson.dumps([main, extra])
    whole = merged(main, extra, NOW)
    assert whole is not None
    assert orjson.dumps([main, extra]) == before
    assert set(whole) == set().union(*main, *extra)
    for name in set().union(*main) - {"id", "type"}:
        datasets = [instance.get("datasetId") for instance in whole[name]]
        assert len(datasets) == len(set(datasets))
        assert set(datasets) == {
            i.get("datasetId") for version in main for i in version.get(name, ())
        }


@given(versions)
def test_merging_the_same_again_changes_nothing(main: list[dict[str, Any]]) -> None:
    whole = merged(main)
    assert whole is not None
    assert merged([whole, *main]) == whole == merged([whole])


# -- words and trail -------------------------------------------------------------------------------

OTHER = Context([{"A": "https://x.example/A", "p": "https://x.example/p"}], "https://x.example/c")


def test_a_payload_keeps_its_meaning_in_other_words() -> None:
    payload = {
        "id": "urn:a:1",
        "type": ["A", "B"],
        "p": {"type": "Property", "value": {"p": 1}, "p": {"value": 2}},
        "plain": {"p": 1},
        "many": [{"value": 1}, {"value": 2, "datasetId": "urn:d:1", "p": 3}],
        "@context": "https://x.example/c",
    }
    said = reworded(payload, OTHER, CORE)
    assert said["type"] == ["https://x.example/A", "B"]
    assert said["https://x.example/p"]["value"] == {"p": 1}
    assert said["plain"] == {"p": 1}
    assert said["many"][1]["https://x.example/p"] == 3
    assert "@context" not in said
    assert expand_entity(said, Rules(CORE)) == expand_entity(payload, Rules(OTHER))
    assert reworded(said, CORE, OTHER) == {k: v for k, v in payload.items() if k != "@context"}


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("https://x.example/c", "https://x.example/c"),
        (["https://x.example/c"], "https://x.example/c"),
        (["https://x.example/c", {"a": "b:c"}], None),
        ({"a": "https://x.example/a"}, None),
        ("/contexts/city.jsonld", None),
        (CORE.source, None),
    ],
)
def test_a_context_goes_along_when_the_source_can_fetch_it(source: Any, url: str | None) -> None:
    assert speech_of(Context([], source)).url == url


def test_a_trail_is_read_and_goes_on() -> None:
    assert read_via(None) == ()
    assert read_via("1.1 a, HTTP/1.0 b (x, y), 1.1 c:80") == ("a", "b", "c:80")
    assert read_via(onward(("a", "b"), "c")) == ("a", "b", "c")
    assert alias_of("n", None) != alias_of("n", "t")
    with pytest.raises(LoopDetected):
        read_via(onward(("a",) * MOST_HOPS, "b"))


@given(st.text())
def test_no_via_header_breaks_the_reading(text: str) -> None:
    try:
        assert all(name and " " not in name for name in read_via(text))
    except LoopDetected:
        assert text.count(",") >= MOST_HOPS


@given(st.text())
def test_a_warning_is_one_line_whatever_it_says(fact: str) -> None:
    line = header(Warned(199, "urn:r:1", fact), "hansa-1")
    assert line.isascii() and line.isprintable()
    assert line.count('"') == 2


def test_a_query_is_checked_as_a_store_would() -> None:
    here = entity(p=prop(3)) | {"scope": ["/a/b"]}
    assert fulfils(here, Query(ids=("urn:a:1",), types=TypeName(CORE.expand("A"))))
    assert not fulfils(here, Query(ids=("urn:a:2",)))
    assert not fulfils(here, Query(id_pattern="^urn:b"))
    assert not fulfils(here, Query(types=TypeName("B")))
    assert not fulfils(here, Query(attributes=(CORE.expand("q"),)))
    assert fulfils(here, Query(attributes=(CORE.expand("q"),)), filtered=False)


# -- what a source answers ---------------------------------------------------------------------------

scraps = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.sampled_from(["urn:a:1", "A", "Property", "GeoProperty", "2026-01-01T00:00:00Z", "", "é"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "id type value object p q modifiedAt observedAt datasetId @context scope".split()
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(scraps)
def test_whatever_a_source_answers_is_entities_within_the_registration_or_a_fault(
    said: Any,
) -> None:
    response = Response("http://x", 200, {"content-type": "application/json"}, orjson.dumps(said))
    (part,) = parts(registration(), Wanted(("urn:a:1",)))

    async def contexts(source: Any) -> Context:
        raise BadRequest("@context", "cannot be had")

    try:
        found, _, offered = asyncio.run(entities_in(response, part, CORE, contexts, 64, 10))
    except BadRequest:
        return
    assert offered >= len(found)
    for entity_ in found:
        assert entity_["id"] == "urn:a:1"
        assert "A" in entity_["type"]
        orjson.dumps(represent(entity_, View(CORE)))


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("text/html", b"{}"),
        ("application/json", b""),
        ("application/json", b"\xff"),
        ("application/json", b"[" * 65 + b"]" * 65),
        ("application/json", b"[" * 50_000),
        ("application/json", b"NaN"),
    ],
)
def test_what_is_no_json_of_a_sane_depth_is_a_fault(kind: str, content: bytes) -> None:
    with pytest.raises(BadRequest):
        json_in(Response("http://x", 200, {"content-type": kind}, content), 64)
