"""A row of the change feed as the instances of history that it stands for.

Every row can be unfolded on its own (see :mod:`.aside`). Its instances are numbered through in the
order of the row: those of the attributes, then the deletions, then the scope; number and row make the
``instanceId``, so that it need not be stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import orjson

from hansa.kernel.clock import from_micros, iso
from hansa.ngsild.model import VALUE_MEMBER, Instance
from hansa.ngsild.values import null_value
from hansa.store.history import SCOPE

__all__ = ["FeedRow", "id_of", "row_of", "tombstone", "unfold"]

PREFIX: Final = "urn:ngsi-ld:instance:c"


class FeedRow(NamedTuple):
    """What of a row of the feed is needed to unfold it."""

    seq: int
    at: int
    attributes: str
    aside: str | None


def id_of(seq: int, number: int) -> str:
    """The instanceId of an instance in the feed."""
    return f"{PREFIX}{seq}.{number}"


def row_of(instance_id: str) -> int | None:
    """The row of the feed that an instanceId points to, if it points to one."""
    if not instance_id.startswith(PREFIX):
        return None
    seq, _, number = instance_id.removeprefix(PREFIX).partition(".")
    well_formed = seq.isascii() and seq.isdigit() and number.isascii() and number.isdigit()
    return int(seq) if well_formed and len(seq) < 19 else None


def tombstone(kind: str, dataset: str | None, at: str) -> Instance:
    """The instance that tells of a deletion (clauses 4.5.7 and 4.5.8)."""
    found: Instance = {"type": kind, VALUE_MEMBER[kind]: null_value(kind), "deletedAt": at}
    return found if dataset is None else found | {"datasetId": dataset}


def unfold(row: FeedRow) -> Iterator[tuple[str, Instance]]:
    """The instances of a row, each with its attribute and instanceId."""
    number = -1
    note: dict[str, Any] = {} if row.aside is None else orjson.loads(row.aside)
    kept = {(name, dataset) for name, dataset in note.get("kept", ())}
    gone: list[list[Any]] = list(note.get("gone", ()))
    told = {name for name, _, _ in gone}
    for name, instances in orjson.loads(row.attributes).items():
        for instance in instances:
            number += 1
            if not kept or (name, instance.get("datasetId")) not in kept:
                instance["instanceId"] = id_of(row.seq, number)
                yield name, instance
        if not instances and name not in told:
            gone.append([name, None, "Property"])  # from before such things were noted
    at = iso(from_micros(row.at))
    for name, dataset, kind in gone:
        number += 1
        yield name, tombstone(kind, dataset, at) | {"instanceId": id_of(row.seq, number)}
    if SCOPE in note:
        yield SCOPE, _scope(note[SCOPE], at) | {"instanceId": id_of(row.seq, number + 1)}


def _scope(scopes: list[str], at: str) -> Instance:
    """Scopes as an instance; a change from the core API counts as observed (clause 4.5.6)."""
    if not scopes:
        return {"type": "Property", "value": [], "deletedAt": at}
    times = {"createdAt": at, "modifiedAt": at, "observedAt": at}
    return {"type": "Property", "value": scopes if len(scopes) > 1 else scopes[0], **times}
