"""What the mapping of a table tells about the record of its source: places, moments, and what is personal by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hansa.spokes.table.mapping import Mapping as TableMapping

__all__ = ["learned"]


def learned(known: Mapping[str, Any], mapping: Path) -> dict[str, Any]:
    """What is known of a source of tables, and what its mapping adds: kinds of data, and steps for what is personal.

    Raises:
        NotFound, BadRequest, MissingExtra: the mapping is not there, or cannot be understood.
    """
    from hansa.spokes.table.mapping import load_mapping
    from hansa.trust.anonymise.remedy import steps_for
    from hansa.trust.sources.register import filled

    found = load_mapping(str(mapping))
    data = [*known.get("data", ())]
    if found.location is not None:
        data.append("spatial")
    if any(attribute.observed_at for attribute in found.attributes):
        data.append("values_time")
    steps = steps_for(dict(_personal(found)))
    if not steps:
        return {**known, "data": list(dict.fromkeys(data))}
    record = {"adapter": known.get("adapter", ""), "data": [*dict.fromkeys(data), "personal"]}
    made: dict[str, Any] = filled({**record, "anonymise": steps}, lambda adapter: known)
    return {name: value for name, value in made.items() if value not in ("", [])}


def _personal(mapping: TableMapping) -> Iterator[tuple[str, str]]:
    """What is personal by its name, as the record would call it, with the name of the rule."""
    from hansa.ngsild.city import city_iri
    from hansa.trust.anonymise.personal import PLACE, local_name, rules_for

    type = mapping.terms.get(mapping.type) or city_iri(mapping.type)
    rules = rules_for((type,))
    if "id" in rules:
        yield "id", "id"
    for attribute in mapping.attributes:
        iri = mapping.terms.get(attribute.name) or city_iri(attribute.name)
        if rule := rules.get(local_name(iri)):
            yield (mapping.terms.get(attribute.name) or attribute.name), rule.name
    if mapping.location is not None and PLACE in rules:
        yield "location", PLACE
