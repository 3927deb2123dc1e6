"""``ngsildproof`` (clause 4.5.2.2): a seal is kept as it was written, or it seals nothing."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.ngsild.context import CORE
from hansa.ngsild.expand import Rules, expand_entity
from hansa.ngsild.represent import View, represent
from tests.web.api.client import ApiClient

PROOF: dict[str, Any] = {
    "type": "DataIntegrityProof",
    "verificationMethod": "did:key:z6Mk#z6Mk",
    "cryptosuite": "eddsa-jcs-2022",
    "created": "2026-11-24T00:00:00Z",
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "proofPurpose": "assertionMethod",
    "proofValue": 'z3FXQ\u2028 \\ / \u00e9 \U0001f6b2 " ',
    "extra": {"zeta": 1, "alpha": [None, True, 2.5, -0.0, {"type": "Property", "value": 1}]},
}
SEALED = {
    "type": "Property",
    "value": PROOF,
    "entityIdSealed": "urn:ngsi-ld:Car:1",
    "entityTypeSealed": "Car",
}
CAR = "/entities/urn:ngsi-ld:Car:1"


def seal(shown: Any) -> bytes:
    """The proof on an attribute, as bytes."""
    return orjson.dumps(shown["speed"]["ngsildproof"])


@pytest.fixture
def car(api: ApiClient) -> ApiClient:
    place = {"type": "Point", "coordinates": [1, 2]}
    speed = {"type": "Property", "value": 5, "ngsildproof": SEALED}
    api.create(speed=speed, colour="red", location=place)
    return api


@pytest.mark.parametrize("query", ["", "?format=concise", "?attrs=speed", "?pick=id,speed"])
def test_it_comes_back_as_it_was(car: ApiClient, query: str) -> None:
    sealed = car.get(CAR + query).json()["speed"]["ngsildproof"]
    assert orjson.dumps(sealed["value"]) == orjson.dumps(PROOF)
    assert sealed["entityIdSealed"] == SEALED["entityIdSealed"]
    assert sealed["entityTypeSealed"] == "Car"


def test_it_comes_back_in_geojson_and_in_lists(car: ApiClient) -> None:
    feature = car.get(CAR, headers={"accept": "application/geo+json"}).json()
    assert seal(feature["properties"]) == orjson.dumps(SEALED)
    (listed,) = car.get("/entities?type=Car").json()
    assert seal(listed) == orjson.dumps(SEALED)


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("PATCH", CAR, {"colour": "blue"}),
        ("PATCH", CAR + "/attrs", {"colour": "blue"}),
        ("POST", CAR + "/attrs", {"colour": "blue", "wheels": 4}),
        ("PATCH", CAR + "/attrs/colour", {"value": "blue"}),
        ("PATCH", CAR + "/attrs/speed", {"observedAt": "2026-11-24T00:00:00Z"}),
        ("PATCH", CAR, {"speed": {"observedAt": "2026-11-24T00:00:00Z"}}),
        ("DELETE", CAR + "/attrs/colour", None),
        ("POST", "/entityOperations/merge", [{"id": CAR.split("/")[2], "colour": "blue"}]),
        ("POST", "/entityOperations/update", [{"id": CAR.split("/")[2], "colour": "blue"}]),
    ],
)
def test_what_does_not_touch_it_leaves_it(car: ApiClient, verb: str, path: str, body: Any) -> None:
    assert car.request(verb, path, body).status_code == 204
    assert seal(car.get(CAR).json()) == orjson.dumps(SEALED)


def test_it_stands_in_its_own_terms_whatever_the_reader_s(car: ApiClient) -> None:
    context = {"Auto": "https://uri.etsi.org/ngsi-ld/default-context/Car"}
    body = {"type": "Query", "entities": [{"type": "Auto"}], "@context": context}
    (found,) = car.post("/entityOperations/query", body, type="application/ld+json").json()
    sealed = found["speed"]["ngsildproof"]
    assert orjson.dumps(sealed["value"]) == orjson.dumps(PROOF)
    assert sealed["entityTypeSealed"] == "Auto"


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(_JSON, st.text(st.characters(exclude_categories=["Cs"])))
def test_any_proof_passes_through_the_model_unchanged(extra: Any, value: str) -> None:
    proof = {"type": "DataIntegrityProof", "proofValue": value, "more": extra}
    sealed = {**SEALED, "value": proof}
    entity = {"id": "urn:a:b", "type": "Car", "speed": {"type": "Property", "value": 1}}
    entity["speed"] = {"type": "Property", "value": 1, "ngsildproof": sealed}
    shown = represent(expand_entity(entity, Rules(CORE)), View())
    assert seal(shown) == orjson.dumps(sealed)
