"""Entries say nothing of whom they are about, can be opened by those who may, and can be erased."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.trust.log.commitments import KINDS, Entry, Event, Opening, commit, sealed
from hansa.trust.log.hashing import EMPTY_ROOT

NOW = datetime(2026, 11, 25, 6, 30, 1, 999, tzinfo=UTC)
PEOPLE = [f"resident-{i}" for i in range(2_000)]


@given(
    kind=st.sampled_from(sorted(KINDS)),
    who=st.text(max_size=50),
    what=st.lists(st.text(max_size=50), max_size=20),
)
def test_an_entry_reads_back_and_opens(kind: str, who: str, what: list[str]) -> None:
    entry, openings = sealed(Event(kind, who, what, ("rule-1",), "by-rule"), 7, NOW)
    assert Entry.parse(entry.to_bytes()) == entry
    assert entry.time == "2026-11-25T06:30:01Z"
    assert [(each.side, each.value) for each in openings] == [
        ("who", who),
        *(("what", each) for each in what),
    ]
    for opening in openings:
        assert opening.opens(entry)
        false = Opening(
            7, opening.side, opening.value + "x", opening.salt, opening.place, opening.path
        )
        assert not false.opens(entry)


def test_the_same_act_leaves_no_two_alike_commitments() -> None:
    entries = [sealed(Event("read", "anna", ("urn:x",)), 0, NOW)[0] for _ in range(100)]
    assert len({entry.who for entry in entries} | {entry.what for entry in entries}) == 200


def test_an_entry_names_nobody() -> None:
    entry, _ = sealed(Event("read", "anna.torres", ("urn:ngsi-ld:Person:anna",)), 0, NOW)
    assert b"anna" not in entry.to_bytes()


def test_without_the_salt_trying_every_candidate_finds_nothing() -> None:
    """Whoever holds the log and the list of all residents learns nothing: no plain or unsalted hash fits."""
    entry, openings = sealed(Event("read", PEOPLE[1234], (PEOPLE[77],)), 0, NOW)
    sought = {entry.who, entry.what}
    for candidate in PEOPLE:
        raw = candidate.encode()
        tried = {
            hashlib.sha256(raw).digest(),
            hashlib.sha256(b"\x00" + raw).digest(),
            hashlib.sha256(entry.who + raw).digest(),
            hashlib.sha256(raw + entry.who).digest(),
            commit(b"", candidate),
            commit(bytes(32), candidate),
            commit(entry.what, candidate),
            *(commit(salt.to_bytes(32, "big"), candidate) for salt in range(20)),
        }
        assert not tried & sought
    # With the salt, on the other hand, the same search finds the one at once.
    salt = openings[0].salt
    assert [each for each in PEOPLE if commit(salt, each) == entry.who] == [PEOPLE[1234]]


def test_one_thing_of_many_is_opened_without_the_others() -> None:
    entry, openings = sealed(Event("read", "anna", [f"urn:{i}" for i in range(1000)]), 0, NOW)
    one = openings[501]
    assert one.value == "urn:500"
    assert one.opens(entry)
    assert len(one.path) == 10
    others = {commit(each.salt, each.value) for each in openings[1:] if each is not one}
    assert len(set(one.path) & others) == 1  # its sibling's commitment, which says nothing either


def test_an_act_without_things() -> None:
    entry, openings = sealed(Event("login", "anna"), 0, NOW)
    assert (entry.things, entry.what, len(openings)) == (0, EMPTY_ROOT, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "gossip"},
        {"kind": "read", "reason": "because Anna asked"},
        {"kind": "read", "rules": ("mail anna@example.org",)},
        {"kind": "read", "rules": ("",)},
        {"kind": "read", "rules": ("r",) * 51},
    ],
)
def test_only_codes_are_public(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"log|codes|many"):
        Event(who="anna", **wrong)  # type: ignore[arg-type]


@given(st.binary(max_size=100))
def test_whatever_comes_is_an_entry_or_named_a_fault(content: bytes) -> None:
    for raw in (content, b"{}", b"[]", b"null", b'{"time":1}'):
        with pytest.raises(ValueError):
            Entry.parse(raw)
