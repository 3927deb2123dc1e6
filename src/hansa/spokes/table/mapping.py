"""The mapping file: which column becomes the identifier, the place, and which attribute.

It is checked as a whole before any row is read: every key must be known, every kind and unit sound, and
afterwards (:meth:`Mapping.check_columns`) every column must be in the table. Nothing is guessed.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Mapping_
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from hansa.kernel.errors import BadRequest, MissingExtra, NotFound
from hansa.kernel.toml import TOMLDecodeError, parsed
from hansa.spokes.unit_codes import unit_code

__all__ = [
    "KINDS",
    "Attribute",
    "Location",
    "Mapping",
    "load_document",
    "load_mapping",
    "make_mapping",
    "names_in",
    "refuse_unknown",
]

KINDS: Final = (
    "text",
    "number",
    "boolean",
    "date",
    "datetime",
    "json",
    "list",
    "relationship",
    "language",
)

_UNIT: Final = re.compile("[A-Z0-9]{1,3}")
_TOP: Final = frozenset(
    {"type", "id", "location", "attributes", "terms", "delimiter", "decimal", "missing", "timezone"}
)
_LOCATION: Final = frozenset({"longitude", "latitude", "wkt", "geometry", "crs"})
_ATTRIBUTE: Final = frozenset(
    {
        "column", "value", "kind", "unit", "observed_at", "format", "target", "required", "language",
        "separator",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of the entities to be.

    Attributes:
        column: where its value stands; empty when `value` is the same for all rows.
        kind: one of :data:`KINDS`.
        unit: UN/CEFACT code.
        observed_at: the column that says when it was measured.
        format: of dates, as for ``datetime.strptime``.
        target: for a relationship, the identifier with ``{column}`` in it.
        required: whether a row without a value is refused.
        language: for a text in one language, its tag.
        separator: for a list, what stands between its items.
    """

    name: str
    column: str = ""
    value: Any = None
    kind: str = "text"
    unit: str | None = None
    observed_at: str = ""
    format: str = ""
    target: str = ""
    required: bool = False
    language: str = ""
    separator: str = ";"


@dataclass(frozen=True, slots=True)
class Location:
    """Where the place of a row stands: in two columns, as WKT, or as a geometry; and its system."""

    longitude: str = ""
    latitude: str = ""
    wkt: str = ""
    geometry: str = ""
    crs: str = "EPSG:4326"


@dataclass(frozen=True, slots=True)
class Mapping:
    """A whole mapping file. `id` is a template with ``{column}``; `terms` gives names their IRIs."""

    label: str
    type: str
    id: str
    attributes: tuple[Attribute, ...]
    location: Location | None = None
    terms: Mapping_[str, str] = field(default_factory=dict)
    delimiter: str = ","
    decimal: str = "."
    missing: frozenset[str] = frozenset({""})
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    def columns(self) -> Iterator[tuple[str, str]]:
        """Every column that is spoken of, and where."""
        yield from ((name, "id") for name in names_in(self.id))
        if self.location is not None:
            for member in ("longitude", "latitude", "wkt", "geometry"):
                if column := getattr(self.location, member):
                    yield column, f"location.{member}"
        for attribute in self.attributes:
            for member in ("column", "observed_at"):
                if column := getattr(attribute, member):
                    yield column, f"attributes.{attribute.name}.{member}"
            yield from (
                (name, f"attributes.{attribute.name}.target") for name in names_in(attribute.target)
            )

    def check_columns(self, present: Sequence[str], table: str) -> None:
        """Make sure that the table has every column.

        Raises:
            BadRequest: one is missing; says which, and which there are.
        """
        for column, where in self.columns():
            if column not in present:
                raise BadRequest(
                    f"{self.label}, {where}",
                    f"{table} has no column '{column}'",
                    _other_delimiter(present) or f"it has: {', '.join(present)}",
                )


def _other_delimiter(present: Sequence[str]) -> str:
    """What to do about a table that seems to have a single column because another sign divides it."""
    if len(present) != 1:
        return ""
    sign = next((each for each in (";", "\\t", "|", ",") if _sign(each) in present[0]), "")
    return f'its columns seem to be divided otherwise: write delimiter = "{sign}" first' * bool(
        sign
    )


def _sign(written: str) -> str:
    return "\t" if written == "\\t" else written


def names_in(template: str) -> list[str]:
    """The columns that a template names in braces."""
    return [name for _, name, _, _ in string.Formatter().parse(template) if name]


def load_mapping(path: str) -> Mapping:
    """Read and check a mapping file. Errors as :func:`load_document` and :func:`make_mapping`."""
    return make_mapping(*load_document(path))


def load_document(path: str) -> tuple[dict[str, Any], str]:
    """What a mapping file holds, unchecked, and the file's name.

    Raises:
        NotFound: there is no such file.
        BadRequest: none is named, or it is neither TOML nor YAML.
        MissingExtra: it is YAML and the package to read that is not installed.
    """
    if not path:
        raise BadRequest("a mapping file", "is missing", "give one with --mapping FILE.toml")
    file = Path(path).expanduser()
    label = file.name
    if not file.is_file():
        raise NotFound(f"mapping file '{path}'", "does not exist", "give it with --mapping")
    data = _data(file, label)
    if not isinstance(data, dict):
        raise BadRequest(label, "is not a table of settings", "see the guide 'Import a table'")
    return data, label


def make_mapping(data: dict[str, Any], label: str) -> Mapping:
    """The mapping that `data` describes, checked; `label` is what messages call it.

    Raises:
        BadRequest: it is not understood; says where.
    """
    refuse_unknown(data, _TOP, label, "")
    for name in ("type", "id"):
        if name not in data or data[name] == "":
            raise BadRequest(label, f"'{name}' is missing", _EXAMPLES[name])
        if not isinstance(data[name], str):
            raise BadRequest(label, f"'{name}' is not a text", _EXAMPLES[name])
    attributes = _table(data, "attributes", label)
    terms = {str(name): str(iri) for name, iri in _table(data, "terms", label).items()}
    for name in attributes:
        if name in _RESERVED and name not in terms:
            raise BadRequest(
                f"{label}, attributes.{name}",
                f"'{name}' is a word of every entity, and cannot be an attribute",
                _RESERVED[name],
            )
    return Mapping(
        label=label,
        type=data["type"],
        id=_template(data["id"], label, "id"),
        attributes=tuple(_attribute(name, value, label) for name, value in attributes.items()),
        location=_location(data, label),
        terms=terms,
        delimiter=_delimiter(data.get("delimiter", ","), label),
        decimal=str(data.get("decimal", ".")),
        missing=_missing(data.get("missing", []), label),
        zone=_zone(str(data.get("timezone", "UTC")), label),
    )


_ANOTHER: Final = "choose another name for it"
_RESERVED: Final = {
    "id": 'the identifier stands above: id = "{tree_number}"',
    "type": 'the type stands above: type = "Tree"',
    **dict.fromkeys(("@id", "@type", "@context", "scope"), _ANOTHER),
    **dict.fromkeys(("createdAt", "modifiedAt", "deletedAt"), _ANOTHER),
}
"""What an entity has beside attributes, and where that is said."""

_EXAMPLES: Final = {
    "type": 'for example: type = "Tree"',
    "id": 'for example: id = "{tree_number}"',
}


def _data(file: Path, label: str) -> Any:
    text = file.read_bytes().decode("utf-8-sig", "replace")
    if file.suffix.lower() in {".yaml", ".yml"}:
        try:
            import yaml
        except ImportError:
            raise MissingExtra(label, "pyyaml", "table") from None
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as fault:
            raise BadRequest(label, f"is not valid YAML ({fault})", "mend it there") from None
        except (RecursionError, ValueError):
            fact = "is nested too deeply, or holds a value that is none"
            raise BadRequest(label, fact, "mend it there") from None
    try:
        return parsed(text)
    except TOMLDecodeError as fault:
        raise BadRequest(label, f"is not valid TOML ({fault})", _no_toml(file)) from None


def _no_toml(file: Path) -> str:
    if file.suffix.lower() == ".toml":
        return "mend the mapping at that place"
    return (
        "a mapping is a TOML file that says which column is what; write one as in the guide "
        "'Import a table'"
    )


def refuse_unknown(data: dict[str, Any], allowed: frozenset[str], label: str, where: str) -> None:
    """Raise BadRequest for a setting that is not one of `allowed`."""
    for name in data:
        if name not in allowed:
            raise BadRequest(
                f"{label}{where}",
                f"the setting '{name}' is unknown",
                f"there are: {', '.join(sorted(allowed))}",
            )


def _table(data: dict[str, Any], name: str, label: str) -> dict[str, Any]:
    found = data.get(name, {})
    if not isinstance(found, dict):
        raise BadRequest(f"{label}, {name}", "is not a table", f"write [{name}] above its settings")
    return found


def _attribute(name: str, data: Any, label: str) -> Attribute:
    where = f", attributes.{name}"
    if isinstance(data, str):
        data = {"column": data}
    if not isinstance(data, dict):
        raise BadRequest(f"{label}{where}", "is neither a column nor a table", 'write "column"')
    refuse_unknown(data, _ATTRIBUTE, label, where)
    for setting, value in data.items():
        kind = bool if setting == "required" else str
        if setting != "value" and not isinstance(value, kind):
            wanted = "true or false" if kind is bool else "a text"
            raise BadRequest(f"{label}{where}.{setting}", f"is not {wanted}", f"give {wanted}")
    attribute = Attribute(str(name), **data)
    if attribute.kind not in KINDS:
        raise BadRequest(
            f"{label}{where}", f"'{attribute.kind}' is no kind", f"use one of {', '.join(KINDS)}"
        )
    given = [bool(attribute.column), attribute.value is not None, bool(attribute.target)]
    if sum(given) != 1:
        raise BadRequest(
            f"{label}{where}",
            "needs exactly one of 'column', 'value' and 'target'",
            'for example: column = "height"',
        )
    if (attribute.kind == "relationship") != bool(attribute.target):
        raise BadRequest(
            f"{label}{where}",
            "a relationship, and nothing else, has a 'target'",
            'for example: target = "urn:ngsi-ld:Zone:city:{zone}"',
        )
    _template(attribute.target, label, where[2:])
    _check_unit(attribute.unit, f"{label}{where}.unit")
    return attribute


def _check_unit(unit: str | None, subject: str) -> None:
    """Of the form of a UN/CEFACT common code; more codes than this program knows are in use."""
    if not unit or _UNIT.fullmatch(unit):
        return
    code = unit_code(unit, unit.removesuffix("s"))
    known = f"write {code}" if code else "for example MTR for metre, KMH for km/h"
    raise BadRequest(subject, f"'{unit}' is not a UN/CEFACT code", known)


def _template(template: str, label: str, where: str) -> str:
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError as fault:
        raise BadRequest(f"{label}, {where}", f"is no template ({fault})", "as {column}") from None
    if any(specification or conversion for _, _, specification, conversion in fields):
        raise BadRequest(f"{label}, {where}", "only plain {column} is understood", "simplify it")
    return template


def _location(data: dict[str, Any], label: str) -> Location | None:
    found = _table(data, "location", label)
    if not found:
        return None
    refuse_unknown(found, _LOCATION, label, ", location")
    location = Location(**{name: str(value) for name, value in found.items()})
    ways = [bool(location.longitude and location.latitude), location.wkt, location.geometry]
    if sum(map(bool, ways)) != 1 or bool(location.longitude) != bool(location.latitude):
        raise BadRequest(
            f"{label}, location",
            "needs one of: 'longitude' and 'latitude', 'wkt', 'geometry'",
            'for example: longitude = "lon", latitude = "lat"',
        )
    return location


def _delimiter(value: Any, label: str) -> str:
    if isinstance(value, str) and len(value) == 1:
        return value
    raise BadRequest(f"{label}, delimiter", "is not one character", 'for example: delimiter = ";"')


def _missing(value: Any, label: str) -> frozenset[str]:
    if not isinstance(value, list):
        raise BadRequest(f"{label}, missing", "is not a list", 'for example: missing = ["NA", "-"]')
    return frozenset({"", *map(str, value)})


def _zone(name: str, label: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise BadRequest(
            f"{label}, timezone", f"'{name}' is unknown", "for example: America/Santiago"
        ) from None
