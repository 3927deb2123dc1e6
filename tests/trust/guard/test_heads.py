"""What a look at the beginning of an entity's text tells is what reading it tells, or nothing."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from hansa.ngsild.query import Either, Outside, Portion, Seen, TypeName
from hansa.trust.guard.heads import head_of, types_in
from hansa.trust.guard.sieve import Sieve

texts = st.one_of(
    st.text(max_size=12), st.sampled_from(["a]b", 'a"b', "a\\", '","type":["T"]', "T"])
)


@given(texts, st.lists(texts, min_size=1, max_size=3), texts)
def test_a_head_is_right_or_none(id: str, types: list[str], value: str) -> None:
    whole = {"id": id, "type": types, "urn:a:x": [{"type": "Property", "value": value}]}
    head = head_of(orjson.dumps(whole))
    if head is not None:
        assert head[0].decode() == id
        assert types_in(head[1]) in (tuple(types), None)


@given(texts, st.lists(texts, min_size=1, max_size=3))
def test_what_a_sieve_knows_of_a_text_is_what_it_makes_of_the_entity(
    id: str, types: list[str]
) -> None:
    whole: dict[str, Any] = {"id": id, "type": types, "urn:a:x": [{"type": "Property", "value": 1}]}
    raw = orjson.dumps(whole)
    for entities in (
        Outside(Portion(types=TypeName("T"))),
        Portion(id_pattern="a"),
        Portion(having=("urn:a:y",)),
    ):
        sieve = Sieve(Seen(entities=entities, attributes={"urn:a:x": Either()}))
        for _ in range(2):  # the second time it is known
            shown = sieve.shown_raw(raw)
            assert (None if shown is None else orjson.loads(shown)) == sieve.shown(whole)
            assert sieve.knows_raw(raw) in (sieve.shown(whole) is not None, None)


def test_ordinary_entities_are_told_by_a_look() -> None:
    raw = orjson.dumps({"id": "urn:x:1", "type": ["https://example.org/T"], "scope": ["/a"]})
    assert head_of(raw) == (b"urn:x:1", b'"https://example.org/T"')
    assert head_of(b'{"type":["T"],"id":"urn:x:1"}') is None
