"""What proves something, changed: no cookie, token, link, form, signature or tile but the right one is taken.

Each format is tried in two ways: something right that was changed a little, and anything at all. The answer is
always "no", never a defect. ``make fuzz`` throws more at the same parsers, led by the code that they reach.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.clock import Clock
from hansa.kernel.errors import HansaError
from hansa.kernel.settings import Settings
from hansa.trust.identity.desk import Desk
from hansa.trust.identity.grants import client_of
from hansa.trust.identity.second import new_secret, step_of
from hansa.trust.identity.sessions import form_secret
from hansa.trust.log.commitments import Entry
from hansa.trust.log.hashing import Edge, leaf_hash
from hansa.trust.log.notes import (
    COSIGNATURE,
    ED25519,
    Checkpoint,
    Note,
    NoteFault,
    Signer,
    Verifier,
)
from hansa.trust.log.tiles import Tile, entries_of, hashes_of
from hansa.trust.log.witness import Witness, request_of
from hansa.trust.principals import SCOPES
from hansa.trust.vault import Vault
from tests.trust.identity.machines import ISSUER, assertion, jwks

LOG = Signer("city.example/log", ED25519, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OWN = Signer("w.example/witness", COSIGNATURE, Ed25519PrivateKey.from_private_bytes(bytes(32)))


@st.composite
def changes(draw: st.DrawFn) -> Callable[[str], str]:
    """A way to change a text a little."""
    kind = draw(st.sampled_from("swap cut add drop double case pad swap".split()))
    place, sign = draw(st.integers(0, 400)), draw(st.characters(codec="utf-8"))

    def changed(text: str) -> str:
        at = place % max(1, len(text))
        return {
            "swap": text[:at] + sign + text[at + 1 :],
            "cut": text[:at],
            "add": text[:at] + sign + text[at:],
            "drop": text[:at] + text[at + 1 :],
            "double": text + text,
            "case": text.swapcase(),
            "pad": text + "=",
        }[kind]

    return changed


@st.composite
def flips(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """A way to change bytes a little."""
    place, value = draw(st.integers(0, 10_000)), draw(st.integers(1, 255))
    kind = draw(st.sampled_from("flip flip cut add".split()))

    def changed(content: bytes) -> bytes:
        at = place % max(1, len(content))
        if kind == "flip":
            return content[:at] + bytes([content[at] ^ value]) + content[at + 1 :]
        return content[:at] + (bytes([value]) + content[at:] if kind == "add" else b"")

    return changed


class Right:
    """A desk with one of everything that opens it."""

    def __init__(self, folder: Path) -> None:
        clock = Clock()
        self.vault = Vault(folder / "trust" / "vault.sqlite", clock)
        self.desk = Desk(self.vault, Settings(), clock)
        self.desk.accounts.add("ada", roles=("administrator",))
        self.session = self.desk.sessions.begin("ada", "", "")
        self.token = self.desk.tokens.add("ada", "x", scopes=SCOPES)[1]
        self.link = self.desk.links.make("ada")
        client = self.desk.clients.add("parking", jwks=jwks(), scopes=["read"])
        self.jwt = self.desk.grants.grant(client, assertion(), {ISSUER}, ISSUER, "").token


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Right]:
    """All that is right, in one place; none of it is used up by a wrong try."""
    made = Right(tmp_path_factory.mktemp("forged"))
    yield made
    assert made.desk.session(made.session) is not None
    assert made.desk.bearer(made.token) is not None
    assert made.desk.bearer(made.jwt) is not None
    assert made.desk.links.account(made.link) == "ada"
    made.vault.close()


def _bytes_of(jwt: str) -> list[bytes]:
    """What the parts of a signed token say, however they are written."""
    return [base64.urlsafe_b64decode(part + "===") for part in jwt.split(".")]


@given(changes() | st.text(max_size=90).map(lambda text: lambda _: text))
def test_no_other_session_token_or_link_opens_anything(
    right: Right, change: Callable[[str], str]
) -> None:
    for text, opened in (
        (right.session, right.desk.session),
        (right.token, right.desk.bearer),
    ):
        wrong = change(text)
        if wrong != text:
            assert opened(wrong) is None, wrong
    wrong = change(right.link)
    if wrong != right.link:
        with pytest.raises(HansaError):
            right.desk.links.account(wrong)


@given(changes())
def test_no_other_form_belongs_to_a_session(right: Right, change: Callable[[str], str]) -> None:
    found = right.desk.session(right.session)
    assert found is not None
    form = form_secret(right.session)
    assert found[0].allows(form)
    wrong = change(form)
    assert wrong == form or not found[0].allows(wrong)
    assert not found[0].allows("")


@given(changes() | st.text(max_size=200).map(lambda text: lambda _: text))
def test_no_other_signed_token_is_taken(right: Right, change: Callable[[str], str]) -> None:
    wrong = change(right.jwt)
    who = right.desk.bearer(wrong)
    assert who is None or _bytes_of(wrong) == _bytes_of(right.jwt), wrong


@given(
    st.dictionaries(
        st.sampled_from("iss sub aud exp iat jti scope kid".split()),
        st.none() | st.text() | st.integers(-(2**53), 2**53) | st.lists(st.text(max_size=3)),
    ),
    st.sampled_from(["none", "HS256", "Ed25519", "EdDSA", "RS256", "", "None"]),
)
def test_no_claims_of_one_s_own_are_taken(right: Right, claims: dict[str, Any], alg: str) -> None:
    """Made from the right token: other claims, another algorithm, its signature or none."""
    head, body, signature = right.jwt.split(".")
    own_head = _part({**orjson.loads(_bytes_of(right.jwt)[0]), "alg": alg})
    own_body = _part({**orjson.loads(_bytes_of(right.jwt)[1]), **claims})
    for parts in (
        (own_head, own_body, signature),
        (own_head, own_body, ""),
        (head, own_body, signature) if claims else (own_head, body, ""),
        (own_head, body, _part({})),
    ):
        if _bytes_of(".".join(parts)) != _bytes_of(right.jwt):
            assert right.desk.bearer(".".join(parts)) is None, parts


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")


@given(st.text(max_size=20) | st.from_regex(r"[0-9]{6}", fullmatch=True))
def test_a_code_is_six_digits_of_its_moment(code: str) -> None:
    secret, now = new_secret(), Clock().now()
    step = step_of(secret, code, now)
    # One in a million guesses is right, three times over: then it names its step, and that one is used up.
    assert step is None or step_of(secret, code, now, step) is None


@given(
    st.text(max_size=300)
    | st.binary(max_size=300).map(lambda b: "." + base64.urlsafe_b64encode(b).decode() + ".")
)
def test_whatever_comes_as_an_assertion_names_a_client_or_none(text: str) -> None:
    assert isinstance(client_of(text), str)


# -- the log's formats -----------------------------------------------------------------------------


def _note(size: int) -> Note:
    edge = Edge()
    for number in range(size):
        edge.push(leaf_hash(bytes([number])))
    text = Checkpoint("city.example/log", size, edge.root()).text
    return Note(text, (LOG.sign(text),))


@given(flips(), st.integers(0, 9))
def test_no_other_checkpoint_bears_the_log_s_signature(
    change: Callable[[bytes], bytes], size: int
) -> None:
    note = _note(size)
    wrong = change(note.to_bytes())
    try:
        found = Note.parse(wrong)
        signed = LOG.verifier.verify(found)
    except NoteFault:
        return
    assert not signed or found.text == note.text


@given(flips(), st.integers(1, 2**60))
def test_no_other_cosignature_is_the_witness_s(change: Callable[[bytes], bytes], at: int) -> None:
    text = _note(3).text
    whole = Note(text, (OWN.cosign(text, at),))
    try:
        found = Note.parse(change(whole.to_bytes()))
        signed = OWN.verifier.verify(found)
    except NoteFault:
        return
    assert not signed or (found.text == text and signed == list(whole.signatures))


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Witness:
    """A witness that has seen three entries of the log."""
    made = Witness(tmp_path_factory.mktemp("witness"), OWN, [LOG.verifier], Clock())
    assert made.add_checkpoint(request_of(0, [], _note(3))).status == 200
    return made


@given(flips() | st.binary(max_size=300).map(lambda content: lambda _: content))
def test_a_witness_cosigns_nothing_but_what_the_log_signed(
    witness: Witness, change: Callable[[bytes], bytes]
) -> None:
    body = change(request_of(3, [], _note(3)))
    reply = witness.add_checkpoint(body)
    assert reply.status in (200, 400, 403, 404, 409, 422)
    if reply.status == 200:
        cosigned = Note.parse(_note(3).to_bytes() + reply.body.encode())
        assert OWN.verifier.verify(cosigned), "it cosigned another text"
    assert [each.size for each in witness.logs()] == [3]


@given(st.binary(max_size=400))
def test_whatever_comes_as_a_tile_bundle_or_entry_is_one_or_none(content: bytes) -> None:
    for parse, kind in (
        (hashes_of, list),
        (lambda found: list(entries_of(found)), list),
        (Entry.parse, Entry),
    ):
        try:
            found = parse(content)
        except ValueError:
            continue
        assert isinstance(found, kind)


@given(
    st.dictionaries(
        st.sampled_from("time kind who what things rules reason".split()),
        st.none() | st.text(max_size=9) | st.floats() | st.lists(st.none() | st.text(max_size=3)),
    )
)
def test_whatever_is_written_into_an_entry_it_is_one_or_none(raw: dict[str, Any]) -> None:
    try:
        found = Entry.parse(orjson.dumps(raw))
    except ValueError:
        return
    assert Entry.parse(found.to_bytes()) == found


@given(
    st.text(max_size=60)
    | st.from_regex(r"(entries|[0-9]{1,3})(/x?[0-9]{1,4}){1,4}(\.p/[0-9]{1,4})?")
)
def test_a_tile_s_path_is_the_one_that_it_says(path: str) -> None:
    found = Tile.parse(path)
    assert found is None or found.path.endswith(path)


@given(changes())
def test_no_other_key_is_the_log_s(change: Callable[[str], str]) -> None:
    key = LOG.verifier.vkey
    wrong = change(key)
    if wrong != key:
        try:
            other = Verifier.parse(wrong)
        except NoteFault:
            return
        assert not other.verify(_note(2)) or other.vkey == key
