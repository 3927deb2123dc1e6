"""The OpenAPI document: it says all there is, and schemathesis finds no answer that contradicts it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.web.api.openapi import openapi
from hansa.web.api.routes import OPERATIONS, Operation

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = int(os.environ.get("HANSA_EXAMPLES", "4"))
DOCUMENT = openapi()


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    node = Node.open(tmp_path_factory.mktemp("node"), Settings(dev=True, context="core"))
    yield schemathesis.openapi.from_asgi("/openapi.json", node.app)
    node.close()


def test_every_operation_is_in_it_once() -> None:
    found = {(verb, path) for path, verbs in DOCUMENT["paths"].items() for verb in verbs}
    assert found == {(operation.verb.lower(), operation.path) for operation in OPERATIONS}
    names = Counter(
        v["operationId"] for verbs in DOCUMENT["paths"].values() for v in verbs.values()
    )
    assert [name for name, number in names.items() if number > 1] == []


def test_everything_is_described() -> None:
    for path, verbs in DOCUMENT["paths"].items():
        for verb, operation in verbs.items():
            where = f"{verb} {path}"
            assert operation["summary"], where
            assert ("requestBody" in operation) == (verb in ("post", "put", "patch")), where
            assert any(status.startswith("2") for status in operation["responses"]), where
            for parameter in operation["parameters"]:
                assert parameter["in"] == "path" or parameter.get("description"), (where, parameter)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: f"{o.verb} {o.path}")
def test_no_answer_contradicts_it(operation: Operation, schema: Any) -> None:
    @given(case=schema[operation.path][operation.verb].as_strategy())
    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    def check(case: Any) -> None:
        case.call_and_validate(checks=CHECKS)

    check()
