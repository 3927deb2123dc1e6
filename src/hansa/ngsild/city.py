"""The city @context: the words in which a city node speaks about streets, stops, buildings and sources.

A type or attribute that the Smart Data Models define keeps their IRI; where they have none the word
stands in Hansa's own :data:`VOCABULARY`. The terms are in ``city.jsonld`` beside this module, one IRI
a term, without scoped contexts (NGSI-LD has none): where two data models use one word for two things
(``category`` of a building and of a point of interest) the rarer one has a longer term here
(``buildingCategory``) for the same published IRI.

The node serves the document at :data:`CITY_PATH` and uses it for requests that bring no @context.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson

from hansa.ngsild.context import Context

__all__ = ["CITY_PATH", "VOCABULARY", "city_context", "city_document", "city_iri"]

VOCABULARY: Final = "https://hansa.city/ns#"
"""Namespace of the terms that no published data model has."""

CITY_PATH: Final = "/contexts/city.jsonld"
"""Where a node serves the document, relative to its own address."""


@cache
def city_document() -> dict[str, Any]:
    """The JSON-LD document: an object with the one member ``@context``. Not to be changed."""
    text = files("hansa.ngsild").joinpath("city.jsonld").read_bytes()
    document: dict[str, Any] = orjson.loads(text)
    return document


@cache
def city_context(source: str = CITY_PATH) -> Context:
    """The city terms on top of the core ones; `source` is the address that answers name it by."""
    return Context([city_document()["@context"]], source)


def city_iri(term: str) -> str:
    """The IRI of a city term, for example ``city_iri("RoadSegment")``."""
    return city_context().expand(term)
