"""The page of the entity types, read from the city's vocabulary and the spokes' manifests."""

from __future__ import annotations

from hansa.ngsild.city import city_document, city_iri
from hansa.spokes.registry import all_spokes
from scripts.reference.markdown import code, page, table


def make() -> str:
    """The text of ``entity-types.md``."""
    terms = [t for t in city_document()["@context"] if city_iri(t) != t and not _is_prefix(t)]
    makers: dict[str, list[str]] = {}
    for spoke in all_spokes():
        for name in (*spoke.manifest.produces, *spoke.manifest.live):
            makers.setdefault(name, []).append(code(spoke.manifest.name))
    types = sorted(term for term in terms if term[0].isupper())
    attributes = sorted(term for term in terms if not term[0].isupper())
    return page(
        "Entity types",
        "The words in which a city node speaks. A type or attribute that the "
        "[Smart Data Models](https://smartdatamodels.org) define keeps their IRI; the others are in "
        "Hansa's own vocabulary. The same list as a JSON-LD @context is at `/contexts/city.jsonld` on "
        "every node. Entities with other types, from tables or over the API, are as welcome.",
        "## Types",
        table(
            ("type", "made by the spoke", "IRI"),
            ((code(t), ", ".join(makers.get(t, [])), code(city_iri(t))) for t in types),
        ),
        "## Attributes",
        table(("attribute", "IRI"), ((code(a), code(city_iri(a))) for a in attributes)),
    )


def _is_prefix(term: str) -> bool:
    """Whether a term only shortens other IRIs."""
    return city_iri(term).endswith(("#", "/", ":"))
