"""Signed notes, checkpoints and cosignatures: the specification's examples, and what is no note."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from hansa.trust.log.notes import (
    COSIGNATURE,
    ED25519,
    Checkpoint,
    Note,
    NoteFault,
    Signature,
    Signer,
    Verifier,
    cosigned_at,
)

EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = """This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
""".encode()
TREE = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
""".encode()
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LOG = Signer("city.example/log", ED25519, PRIVATE)
WITNESS = Signer("other.example/witness", COSIGNATURE, PRIVATE)


def test_the_example_of_signed_note_verifies() -> None:
    key = Verifier.parse(EXAMPLE_KEY)
    note = Note.parse(EXAMPLE)
    assert key.vkey == EXAMPLE_KEY
    assert note.text == "This is an example message.\n"
    assert [each.name for each in key.verify(note)] == ["example.com/foo"]
    assert note.to_bytes() == EXAMPLE


def test_the_example_of_tlog_cosignature_reads() -> None:
    note = Note.parse(TREE)
    head = Checkpoint.parse(note.text)
    assert (head.origin, head.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert head.text == note.text
    assert cosigned_at(note.signatures[1]) == 1_679_315_147
    assert note.to_bytes() == TREE


def test_a_note_may_hold_empty_lines() -> None:
    text = "Ognuno sta solo\ntrafitto:\n\ned è subito sera.\n"
    note = Note(text, (LOG.sign(text),))
    assert Note.parse(note.to_bytes()) == note
    assert LOG.verifier.verify(note)


def test_a_cosignature_binds_text_and_time() -> None:
    text = Checkpoint("city.example/log", 3, bytes(32)).text
    note = Note(text, (LOG.sign(text), WITNESS.cosign(text, 1_700_000_000)))
    (found,) = WITNESS.verifier.verify(note)
    assert cosigned_at(found) == 1_700_000_000
    later = Signature(found.name, found.key_id, bytes(7) + b"\x01" + found.content[8:])
    with pytest.raises(NoteFault, match=r"other\.example/witness does not verify"):
        WITNESS.verifier.verify(Note(text, (later,)))
    with pytest.raises(NoteFault):
        WITNESS.verifier.verify(Note(text, (Signature(found.name, found.key_id, b"short"),)))


def test_signatures_by_others_are_ignored_and_false_ones_are_not() -> None:
    other = Signer("city.example/log", ED25519, Ed25519PrivateKey.generate())
    note = Note("text\n", (other.sign("text\n"), LOG.sign("text\n")))
    assert len(LOG.verifier.verify(note)) == 1
    forged = Signature(LOG.verifier.name, LOG.verifier.key_id, note.signatures[0].content)
    with pytest.raises(NoteFault, match="does not verify"):
        LOG.verifier.verify(note.signed(forged))
    assert LOG.verifier.verify(Note("text\n", note.signatures[:1])) == []


def test_a_newer_signature_by_a_key_replaces_the_older() -> None:
    note = Note("text\n", (LOG.sign("text\n"), WITNESS.cosign("text\n", 1)))
    newer = note.signed(WITNESS.cosign("text\n", 2))
    assert [cosigned_at(each) for each in newer.signatures[1:]] == [2]


@given(st.integers(0, len(EXAMPLE) * 8 - 1))
def test_a_flipped_bit_is_found(place: int) -> None:
    copy = bytearray(EXAMPLE)
    copy[place // 8] ^= 1 << place % 8
    try:
        found = Verifier.parse(EXAMPLE_KEY).verify(Note.parse(bytes(copy)))
    except NoteFault:
        return
    assert not found


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_note_or_named_a_fault(content: bytes) -> None:
    for whole in (content, EXAMPLE + content, content + EXAMPLE):
        try:
            assert Note.parse(whole).to_bytes() == whole
        except NoteFault:
            continue


@given(st.text(max_size=100))
def test_whatever_comes_is_a_checkpoint_or_named_a_fault(text: str) -> None:
    for whole in (text, text + TREE.decode(), f"{text}\n5\n{text}\n"):
        try:
            assert Checkpoint.parse(whole).origin
        except NoteFault:
            continue


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a\n1\n", "origin"),
        ("a\n\n1\nAA==\n", "empty line"),
        ("a\n01\nAA==\n", "no number"),
        ("a\n-1\nAA==\n", "no number"),
        ("a\n1\nAA==\n", "no SHA-256"),
        ("a\n1\nAA=\n", "not Base64"),
        ("a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n", "only form"),
    ],
)
def test_what_is_no_checkpoint(text: str, fault: str) -> None:
    with pytest.raises(NoteFault, match=fault):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "key",
    ["", "name", "name+00000000", "name+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
     EXAMPLE_KEY.replace("foo", "f o"), EXAMPLE_KEY[:-4],
     "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"],
)  # fmt: skip
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(NoteFault):
        Verifier.parse(key)
