"""What proves or declares something as a document, changed: seals, assertions, key sets, lists of contents, backups.

As in :mod:`.test_forged`: something right that was changed a little, and anything of the right shape with anything in it. The
answer is the right one or "no" in words, never a defect, and nothing is left of what was refused.
"""

from __future__ import annotations

import base64
import gzip
import io
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hansa.kernel.clock import Clock
from hansa.kernel.errors import BadRequest, HansaError, Unauthorized
from hansa.kernel.folder import Folder
from hansa.kernel.settings import Settings
from hansa.kernel.settings_file import template
from hansa.trust.identity.desk import Desk
from hansa.trust.identity.keysets import public_keys, verified
from hansa.trust.identity.seals import Seals
from hansa.trust.sources.record import checked
from hansa.trust.vault import Vault
from hansa.upkeep.archive import backup, restore
from hansa.upkeep.manifest import Item, Manifest
from tests.trust.identity.machines import ISSUER, KEYS, assertion, claims, jwks
from tests.trust.sources.test_record import WHOLE

from .test_forged import changes, flips

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3)
    ),
    max_leaves=8,
)


# -- seals -----------------------------------------------------------------------------------------


@given(changes(), st.dictionaries(st.text(max_size=8), SCALARS, max_size=4))
def test_no_other_seal_opens(change: Callable[[str], str], what: dict[str, Any]) -> None:
    seals = Seals(Clock())
    text = seals.sealed("login", what)
    assert seals.opened("login", text) == what
    changed = change(text)
    if changed != text:  # also what says the same: it would be opened once more
        with pytest.raises(BadRequest):
            seals.opened("login", changed)
    for other in (Seals(Clock()), seals):
        with pytest.raises(BadRequest):
            other.opened("passkey", text)
    assert seals.opened_once("login", text) == what
    with pytest.raises(BadRequest):
        seals.opened_once("login", text)


# -- assertions and key sets -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    vault = Vault(tmp_path_factory.mktemp("documents") / "trust" / "vault.sqlite", Clock())
    made = Desk(vault, Settings(), Clock())
    made.clients.add("parking", jwks=jwks("Ed25519", "ES256", "RS256"), scopes=["read"])
    made.clients.add("other", jwks=jwks("ES256"), scopes=["read", "write", "admin"])
    yield made
    vault.close()


ALGORITHMS = st.sampled_from(["Ed25519", "ES256", "RS256", "PS256"])


@given(changes(), ALGORITHMS)
@settings(max_examples=60, deadline=None)
def test_no_other_assertion_is_taken(desk: Desk, change: Callable[[str], str], alg: str) -> None:
    right = assertion(alg=alg)
    changed = change(right)
    if [part.rstrip("=") for part in changed.split(".")] != right.split("."):
        with pytest.raises(HansaError):
            client = desk.grants.holder(changed)
            granted = desk.grants.grant(client, changed, {ISSUER}, ISSUER, "")
            assert desk.bearer(granted.token) is None, "another assertion was taken"
    client = desk.grants.holder(right)
    assert desk.grants.grant(client, right, {ISSUER}, ISSUER, "").token


@given(st.sampled_from(sorted(claims())), JSON)
@example("aud", [ISSUER, 5, None])
@example("exp", True)
@example("exp", 1e300)
@example("jti", "")
@settings(deadline=None)
def test_whatever_an_assertion_claims_it_is_right_or_refused(
    desk: Desk, name: str, value: Any
) -> None:
    proof = assertion(**{name: value})
    try:
        granted = desk.grants.grant(desk.grants.holder(proof), proof, {ISSUER}, ISSUER, "")
    except HansaError as refusal:
        assert refusal.status in (400, 401)
        return
    ours = name == "aud" and (value == ISSUER or (isinstance(value, list) and ISSUER in value))
    assert name in ("iat", "jti", "exp") or ours or value == claims()[name], (name, value)
    who = desk.bearer(granted.token)
    assert who is not None and who.name == "client:parking"


@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "jku"]), JSON))
@example({"alg": "none"})
@example({"alg": "HS256", "kid": "rsa"})
@example({"crit": ["b64"], "b64": False})
@example({"jwk": KEYS["ES256"].as_dict(private=False)})
@settings(deadline=None)
def test_no_other_header_makes_a_signature_good(desk: Desk, head: dict[str, Any]) -> None:
    """Neither another algorithm nor a key that comes along: the registered one alone."""
    right = assertion("parking")
    first, body, signature = right.split(".")
    raw = orjson.loads(base64.urlsafe_b64decode(first + "=="))
    forged = base64.urlsafe_b64encode(orjson.dumps(raw | head)).rstrip(b"=").decode()
    if forged == first:
        return
    for text in (f"{forged}.{body}.{signature}", f"{forged}.{body}."):
        with pytest.raises(Unauthorized):
            verified(text, jwks("Ed25519"))


@given(JSON | st.fixed_dictionaries({"keys": st.lists(JSON, max_size=3)}), st.booleans())
def test_whatever_comes_as_a_key_set_is_one_or_refused(raw: Any, lenient: bool) -> None:
    try:
        found = public_keys(raw, lenient=lenient)
    except BadRequest:
        return
    assert all("d" not in key for key in found["keys"])


@given(
    st.sampled_from(["Ed25519", "ES256", "RS256"]),
    st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "use", "alg"]), JSON),
)
def test_a_key_with_anything_in_it_is_one_or_refused(name: str, change: dict[str, Any]) -> None:
    try:
        found = public_keys({"keys": [{**jwks(name)["keys"][0], **change}]})
    except BadRequest:
        return
    assert all("d" not in key for key in found["keys"])


# -- declarations (DTPR) ---------------------------------------------------------------------------


@given(st.sampled_from(sorted(WHOLE)), JSON)
@settings(deadline=None)
def test_a_declaration_with_anything_in_it_is_whole_or_refused(name: str, value: Any) -> None:
    try:
        found = checked({**WHOLE, "name": "air", name: value})
    except HansaError as refusal:
        assert refusal.status in (400, 403)
        return
    orjson.dumps(found)


# -- backups ---------------------------------------------------------------------------------------

RIGHT = Manifest("Town", "2026-01-01T00:00:00Z", "1", (Item("store/a.sqlite", 1, "00"),))


@given(
    st.sampled_from(["city", "made_at", "version", "items", "format", "more"]),
    JSON
    | st.lists(st.dictionaries(st.sampled_from(["path", "bytes", "sha256"]), JSON), max_size=3),
)
@example("format", "3")
@example("format", None)
@example("made_at", 5)
def test_whatever_stands_in_a_list_of_contents_it_is_one_or_refused(name: str, value: Any) -> None:
    raw = {**orjson.loads(RIGHT.to_json()), name: value}
    try:
        found = Manifest.from_json(orjson.dumps(raw), "archive x")
    except BadRequest:
        return
    assert Manifest.from_json(found.to_json(), "archive x") == found
    for item in found.items:
        assert not item.path.startswith("/") and ".." not in item.path.split("/")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small backup, whole."""
    place = tmp_path_factory.mktemp("saved")
    folder = Folder.create(place / "node", template({"city": "Town"}))
    vault = Vault(folder.vault, Clock())
    vault.put("account", "ada", {"name": "ada"})
    vault.close()
    backup(folder, place / "b.tgz", lambda *_: None)
    return (place / "b.tgz").read_bytes()


def _restored(archive: bytes) -> list[tuple[str, bytes]] | None:
    """What comes of a backup, or ``None`` if it is refused; then nothing is left of it."""
    with tempfile.TemporaryDirectory() as place:
        path, root = Path(place) / "b.tgz", Path(place) / "node"
        path.write_bytes(archive)
        try:
            restore(path, root, lambda *_: None)
        except HansaError:
            assert sorted(Path(place).iterdir()) == [path]
            return None
        found = [(str(p.relative_to(root)), p.read_bytes()) for p in root.rglob("*") if p.is_file()]
        return sorted(found)


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_other_backup_is_restored_as_if_it_were_the_right_one(saved: bytes, data: Any) -> None:
    """Bytes of the compressed file, and of the archive in it; what comes back is the same, or nothing."""
    right = _restored(saved)
    assert right is not None
    change = data.draw(flips())
    if data.draw(st.booleans()):
        changed = change(saved)
    else:
        changed = gzip.compress(change(gzip.decompress(saved)), 1)
    found = _restored(changed)
    assert found is None or _without_moment(found) == _without_moment(right)


def _without_moment(found: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """All but the log's note of when the backup was restored."""
    return [(name, content) for name, content in found if not name.endswith("/held")]


@given(st.binary(max_size=400), st.text(max_size=30))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_comes_as_a_backup_is_refused(content: bytes, name: str) -> None:
    assert _restored(content) is None
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    assert _restored(packed.getvalue()) is None
