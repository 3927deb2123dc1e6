"""The Prefer header: clauses 4.3.6.8 and 6.3.6, RFC 7240."""

from __future__ import annotations

import pytest

from tests.web.api.client import ApiClient

CAR = "/entities/urn:ngsi-ld:Car:1"


@pytest.mark.parametrize(
    ("wish", "status", "applied"),
    [
        ("ngsi-ld=1.5", 203, "ngsi-ld=1.5"),
        ("ngsi-ld=1.9", 200, "ngsi-ld=1.9"),
        ("ngsi-ld=2.0", 200, "ngsi-ld=1.9"),
        ('NGSI-LD="1.5"', 203, "ngsi-ld=1.5"),
        ("respond-async, ngsi-ld=1.5;q=0.1", 203, "ngsi-ld=1.5"),
        ("respond-async", 200, None),
        ("ngsi-ld=soon", 200, None),
        ("ngsi-ld=1.5.1", 200, None),
    ],
)
def test_an_earlier_version_is_honoured_and_said(
    api: ApiClient, wish: str, status: int, applied: str | None
) -> None:
    api.create(kind={"vocab": "Small"})
    for path in (CAR, "/entities?type=Car", CAR + "?join=flat"):
        response = api.get(path, headers={"Prefer": wish})
        assert response.status_code == status
        assert response.headers.get("preference-applied") == applied
        kind = "Property" if status == 203 else "VocabProperty"
        assert f'"type":"{kind}"' in response.text


def test_what_an_earlier_version_knows_is_no_altered_answer(api: ApiClient) -> None:
    api.create(speed=1)
    response = api.get(CAR, headers={"Prefer": "ngsi-ld=1.0"})
    assert response.status_code == 200
    assert response.headers["preference-applied"] == "ngsi-ld=1.0"


def test_geojson_with_its_context_beside_it(api: ApiClient) -> None:
    api.create(location={"type": "Point", "coordinates": [0, 0]})
    accept = {"Accept": "application/geo+json"}
    assert "@context" in api.get(CAR, headers=accept).json()
    beside = api.get(CAR, headers={**accept, "Prefer": "ngsi-ld=1.9, body=json"})
    assert "@context" not in beside.json()
    assert "json-ld#context" in beside.headers["link"]
