"""Sums of numbers so large that they overflow (4.5.19)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.api.client import ApiClient

ALL = "/temporal/entities"
ID = "urn:ngsi-ld:Star:1"
WINDOW = "timerel=after&timeAt=2026-01-01T00:00:00Z"


def fill(api: ApiClient, values: list[Any]) -> None:
    series = [
        {"type": "Property", "value": value, "observedAt": f"2026-01-01T00:{n:02}:00Z"}
        for n, value in enumerate(values)
    ]
    assert api.post(ALL, {"id": ID, "type": "Star", "mass": series}).status_code == 201


def asked(api: ApiClient, methods: str, more: str = "") -> tuple[dict[str, Any], str]:
    answer = api.get(f"{ALL}/{ID}?{WINDOW}&aggrMethods={methods}{more}")
    assert answer.status_code == 200, answer.text
    body = {name: found[0][0] for name, found in answer.json()["mass"].items() if name != "type"}
    return body, answer.headers.get("ngsild-warning", "")


@pytest.mark.parametrize(
    "more", ["", "&aggrPeriodDuration=PT1H", "&aggrPeriodDuration=P1M", "&lastN=9"]
)
def test_the_deviation_of_large_numbers_is_worked_out(api: ApiClient, more: str) -> None:
    fill(api, [1e200, 3e200])
    body, warning = asked(api, "stddev,avg,sum,max", more)
    assert body["stddev"] == pytest.approx(1e200)
    assert body["avg"] == pytest.approx(2e200)
    assert body["sum"] == pytest.approx(4e200)
    assert warning == ""


def test_what_no_number_can_hold_is_said(api: ApiClient) -> None:
    fill(api, [1e308, 1.5e308, -1e300])
    body, warning = asked(api, "sumsq,sum,avg,stddev")
    assert body["sumsq"] is None
    assert body["sum"] is None
    assert body["avg"] == pytest.approx(1e308 / 3 + 0.5e308)
    assert 0 < body["stddev"] < 1e308
    assert "sum of mass is too large" in warning
    assert "sumsq of mass is too large" in warning
    answer = api.get(f"{ALL}?type=Star&{WINDOW}&aggrMethods=sumsq")
    assert "too large" in answer.headers["ngsild-warning"]


def test_ordinary_numbers_bring_no_warning(api: ApiClient) -> None:
    fill(api, [1, 2.5, True, 10**18])
    assert asked(api, "sumsq,sum,avg,stddev")[1] == ""
