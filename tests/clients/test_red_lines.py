"""The red lines against every Smart Data Model: what is refused is what should be, and nothing else."""

from __future__ import annotations

import pytest

from hansa.kernel.errors import RedLine
from hansa.ngsild.context import Context
from hansa.ngsild.expand import Rules, expand_entity
from hansa.trust.redlines import check
from tests.clients.corpus import models
from tests.clients.places import package
from tests.clients.test_smart_data_models import RED


@pytest.mark.slow
def test_only_plates_in_clear_are_refused_among_the_models() -> None:
    refused = set()
    for model in models(package("pysmartdatamodels")):
        found = expand_entity(model.normalized, Rules(Context([model.context], "urn:x")))
        try:
            check(found)
        except RedLine as line:
            assert line.extra["rule"] == "plates"
            refused.add(f"{model.subject}/{model.name}")
    assert refused == RED
