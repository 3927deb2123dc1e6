"""A payload for every Smart Data Model, made from the list of attributes that pysmartdatamodels holds.

The list says of each attribute its name, IRI, JSON type, kind (Property, Relationship, GeoProperty)
and parent. It holds no values, so each gets one of its type, from a few that are awkward: signs beyond
ASCII, long and tiny numbers, moments, empty texts. Nested attributes become the members of a value.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

__all__ = ["Model", "models"]

_TEXTS: Final = (
    "Plaça de la Vila 1, 3r 2a",
    "",
    "서울 🚲 \u0000\u2028 \\ \" ' </script>",
    "2026-11-24T08:30:00Z",
    "urn:ngsi-ld:Thing:1",
    " a  b ",
    "POINT (1 2)",
    "null",
)
_NUMBERS: Final = (0, 21.5, -1, 1e-7, 123456789012345, 1e21, 0.1, -273.15)
_GEOMETRIES: Final[tuple[dict[str, Any], ...]] = (
    {"type": "Point", "coordinates": [-71.343, -29.95]},
    {"type": "Point", "coordinates": [4.8, 52.3, 12.5]},
    {"type": "LineString", "coordinates": [[0, 0], [1, 1.5]]},
    {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
    {"type": "MultiPoint", "coordinates": [[0, 0], [1, 1]]},
    {"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [1, 1], [0, 0]]]]},
)
_DEEPEST: Final = 6
_RESERVED: Final = frozenset({"observedAt", "expiresAt", "createdAt", "modifiedAt", "deletedAt"})


@dataclass
class Model:
    """A data model: its @context, and an entity of it in normalized form.

    ``left_out`` are attributes whose names NGSI-LD does not allow: they begin with no letter
    (clause 4.6.2), or are members of the information model. A model whose name is no term has its IRI as type.
    """

    subject: str
    name: str
    context: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"urn:ngsi-ld:{self.name}:{self.subject}"

    @property
    def normalized(self) -> dict[str, Any]:
        return {"id": self.id, "type": self.type, **self.attributes}

    @property
    def type(self) -> str:
        iri = f"https://smartdatamodels.org/{self.subject}/{self.name}"
        return self.name if self.name[0].isalpha() else iri

    @property
    def simplified(self) -> dict[str, Any]:
        shown = {n: a.get("value", a.get("object")) for n, a in self.attributes.items()}
        return {"id": self.id, "type": self.type, **shown}


def models(package: Path) -> Iterator[Model]:
    """The models that the list in `package` describes, in order of subject and name."""
    file = package / "model-assets" / "smartdatamodels.json.gz"
    rows: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    with gzip.open(file) as content:
        for row in json.load(content):
            rows[row["repoName"], row["dataModel"]].append(row)
    for (subject, name), attributes in sorted(rows.items()):
        yield _model(Model(subject, name), attributes)


def _model(model: Model, rows: list[dict[str, Any]]) -> Model:
    children: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        children[row.get("parentId", "")].append(row)
    numbers = count(len(model.name))
    for row in children[""]:
        name = row["property"]
        if name in ("id", "type", "@context"):
            continue
        if not name[:1].isalpha() or name in _RESERVED:
            model.left_out.append(name)
            continue
        if row["context"].startswith("http"):
            model.context[name] = row["context"]
        model.attributes[name] = _attribute(row, children, numbers)
    return model


def _attribute(row: dict[str, Any], children: Any, numbers: Iterator[int]) -> dict[str, Any]:
    kind = row.get("typeNGSI", "Property")
    turn = next(numbers)
    if kind == "GeoProperty" or row["property"] == "location":
        return {"type": "GeoProperty", "value": _GEOMETRIES[turn % len(_GEOMETRIES)]}
    if kind == "Relationship":
        return {"type": "Relationship", "object": f"urn:ngsi-ld:Thing:{turn}"}
    made: dict[str, Any] = {"type": "Property", "value": _value(row, children, numbers, 0)}
    if turn % 3 == 0:
        made["observedAt"] = "2026-11-24T08:30:00Z"
    if isinstance(made["value"], int | float) and turn % 2 == 0:
        made["unitCode"] = "CEL"
    return made


def _value(row: dict[str, Any], children: Any, numbers: Iterator[int], depth: int) -> Any:
    turn = next(numbers)
    type = row.get("type")
    inner = children.get(row["id"], []) if depth < _DEEPEST else []
    if inner and type in ("object", "array", None):
        members = {each["property"]: _value(each, children, numbers, depth + 1) for each in inner}
        return [members, {"n": turn}] if type == "array" else members
    if row.get("enum"):
        return row["enum"][turn % len(row["enum"])]
    if type in ("number", "integer"):
        return turn if type == "integer" else _NUMBERS[turn % len(_NUMBERS)]
    if type == "boolean":
        return turn % 2 == 0
    text = _TEXTS[turn % len(_TEXTS)]
    return {"array": [text, f"{turn}"], "object": {"note": text, "n": turn}}.get(str(type), text)
