"""An entity as people read it: rows of label, value and unit, links, origin; nothing hidden.

Attributes keep the order in which they were written. Relationships, what tells the origin, and the
geometry stand apart. Texts of entities may be hostile: this module only sorts them, the templates
escape them, and only ``http`` and ``https`` addresses become links.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import orjson

from hansa.kernel.units import symbol
from hansa.ngsild.model import LOCATION, Entity, Instance, attributes, sub_attributes
from hansa.trust.sources.belonging import owners
from hansa.trust.sources.shown import named
from hansa.web.pages.codes import is_share, meaning
from hansa.web.pages.licences import licence
from hansa.web.pages.names import GEOMETRIES, attribute_label, heading, type_label
from hansa.web.pages.values import day_of, instant_of, text, unwrapped, value_of
from hansa.web.pages.vocabulary import word_for
from hansa.web.shell.language import Language
from hansa.web.shell.links import web_link

__all__ = ["Describer", "Row", "Sheet", "Value", "linked_ids"]

_ORIGIN: Final = "importedFrom"
_LONG: Final = 90
"""Texts longer than this take a whole row."""
_SHOWN: Final = 40
"""Most values of a list that are shown."""
_COLOUR: Final = re.compile(r"#?([0-9a-fA-F]{6})")
_RELATIONS: Final = frozenset({"Relationship", "ListRelationship"})
_MARKS: Final = frozenset({"scheduled", "modelled", "reported", "estimated"})
"""Words that say how a value was made."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value: what is read, and at most one thing it leads to.

    Attributes:
        text, unit: what is read.
        entity: identifier of an entity.
        web: an http(s) address.
        code: JSON that is shown when it is unfolded.
        colour: six hexadecimal digits of a colour that is shown beside.
        mark: whether the word says how the value was made.
        number: whether it is a number, which stands at the right of its column.
        aside: what is said beside it.
    """

    text: str
    unit: str = ""
    entity: str = ""
    web: str = ""
    code: str = ""
    colour: str = ""
    mark: bool = False
    number: bool = False
    aside: str = ""

    @property
    def parts(self) -> list[str]:
        """The pieces between which the text of an identifier may be broken."""
        pieces = self.text.split(":") if self.text.startswith("urn:") else [self.text]
        return [f"{piece}:" for piece in pieces[:-1]] + pieces[-1:]


@dataclass(frozen=True, slots=True)
class Row:
    """An attribute: its name on the page and in the API, its values, and what is said about them."""

    label: str
    term: str
    values: tuple[Value, ...]
    notes: tuple[str, ...] = ()
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that a page says about one entity itself."""

    id: str
    name: str
    kinds: tuple[str, ...]
    terms: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    links: list[Row] = field(default_factory=list)
    origin: list[Row] = field(default_factory=list)
    created: datetime | None = None
    modified: datetime | None = None
    source: str = ""
    """The name of the source that it came from, in the register of sources."""

    @property
    def tells_of_import(self) -> bool:
        """Whether this is the record that an import wrote of itself."""
        return "DataSource" in self.terms and any(row.term == "adapter" for row in self.rows)


def linked_ids(entity: Entity, limit: int = 100) -> list[str]:
    """Identifiers that the entity's relationships point to, at most `limit`."""
    found: list[str] = []
    for _, instances in attributes(entity):
        for instance in instances:
            if instance["type"] in _RELATIONS:
                found += _objects(instance)
    return found[:limit]


def _objects(instance: Instance) -> list[str]:
    if instance["type"] == "ListRelationship":
        return [str(_object(entry)) for entry in instance["objectList"]]
    target = instance["object"]
    return [str(t) for t in target] if isinstance(target, list) else [str(target)]


def _object(entry: Any) -> Any:
    return entry.get("object") if isinstance(entry, dict) else entry


class Describer:
    """Describes entities in one language.

    Args:
        tongue: the language.
        term: IRI to short name.
        iri: short name to IRI.
        local: ISO 8601 text to the city's time.
        services: the days on which timetable services run, by identifier.
    """

    def __init__(
        self,
        tongue: Language,
        term: Callable[[str], str],
        iri: Callable[[str], str],
        local: Callable[[str], datetime],
        services: Mapping[str, str] | None = None,
    ) -> None:
        self._ = tongue
        self._term = term
        self._iri = iri
        self._local = local
        self._services = services or {}

    def kinds(self, entity: Entity) -> tuple[str, ...]:
        """The names of the entity's types."""
        return tuple(self._(type_label(self._term(iri))) for iri in entity["type"])

    def name(self, entity: Entity) -> str:
        """What the entity is called: its name, else its kind and the end of its identifier.

        A trip is called by its departure and destination, a timetable service by its days.
        """
        found = self.own_name(entity)
        if days := self._services.get(entity["id"]):
            return f"{days} ({found})" if found else days
        departure = text(entity, self._iri("firstDeparture"))
        if departure:
            return f"{departure[:5]} → {found}" if found else departure[:5]
        return found or f"{self.kinds(entity)[0]} {entity['id'].rsplit(':', 1)[-1]}"

    def own_name(self, entity: Entity) -> str:
        """The name that the entity itself bears; "" when it has none."""
        names = (
            "name",
            "title",
            "shortName",
            "routeCode",
            "headSign",
            "agencyName",
            "alternateName",
        )
        for name in names:
            instances = entity.get(self._iri(name))
            if instances:
                return self._language_text(value_of(instances[0])) or text(entity, self._iri(name))
        return ""

    def sheet(self, entity: Entity, others: Mapping[str, Entity]) -> Sheet:
        """The entity, with the names of the entities in `others` for its links."""
        sheet = Sheet(
            id=entity["id"],
            name=self.name(entity),
            kinds=self.kinds(entity),
            terms=tuple(self._term(iri) for iri in entity["type"]),
            created=self._maybe(entity.get("createdAt")),
            modified=self._maybe(entity.get("modifiedAt")),
            source=next(filter(None, map(named, owners(entity))), ""),
        )
        asked = frozenset(linked_ids(entity))
        for iri, instances in attributes(entity):
            term = self._term(iri)
            if term == _ORIGIN:
                sheet.origin.extend(self._origin(instances[0], others))
            elif instances[0]["type"] in _RELATIONS:
                row = self._row(term, instances, others)
                sheet.links.append(self._marked(row, asked, others))
            elif iri != LOCATION:
                row = self._row(term, instances, others)
                sheet.rows.append(self._decoded(row, sheet.terms, instances))
        if sheet.tells_of_import:
            self._put_licence(entity, sheet)
        return sheet

    def _marked(self, row: Row, asked: frozenset[str], others: Mapping[str, Entity]) -> Row:
        """The row, which says of entities that were looked for in vain that they are not here."""
        absent = self._("not in this node")
        return replace(
            row,
            values=tuple(
                replace(v, aside=absent) if v.text in asked and v.text not in others else v
                for v in row.values
            ),
        )

    def _put_licence(self, entity: Entity, sheet: Sheet) -> None:
        """The licence on the record of an import, also when its source states none."""
        stated = text(entity, self._iri("license"))
        row = self._licence(stated, text(entity, self._iri("attribution")))
        place = next((n for n, r in enumerate(sheet.rows) if r.term == "license"), 1)
        sheet.rows[place : place + bool(stated)] = [row]

    def _maybe(self, instant: str | None) -> datetime | None:
        return self._local(instant) if instant else None

    def _row(self, term: str, instances: Iterable[Instance], others: Mapping[str, Entity]) -> Row:
        values: list[Value] = []
        notes: list[str] = []
        for instance in instances:
            values += self._values(term, instance, others)
            notes += self._notes(instance)
        wide = any(len(v.text) > _LONG or v.code for v in values) or len(values) > 6
        return Row(heading(self._(attribute_label(term))), term, tuple(values), tuple(notes), wide)

    def _decoded(self, row: Row, types: tuple[str, ...], instances: list[Instance]) -> Row:
        """The row with words beside a code number, and with a share of a whole as per cent."""
        if len(row.values) != 1:
            return row
        value = value_of(instances[0])
        if is_share(types, row.term, value):
            return replace(
                row, values=(Value(self._.number(round(value * 100)), "%", number=True),)
            )
        words = meaning(types, row.term, value)
        if not words:
            return row
        # The number of a code is worth knowing; a word of our own says the same twice.
        number = f" ({value})" if str(value).isdigit() else ""
        return replace(row, values=(Value(self._(words) + number),))

    def _values(self, term: str, instance: Instance, others: Mapping[str, Entity]) -> list[Value]:
        kind = instance["type"]
        if kind in _RELATIONS:
            return self._limited([self._link(id, others) for id in _objects(instance)])
        value = unwrapped(value_of(instance))
        unit = symbol(instance["unitCode"]) if "unitCode" in instance else ""
        if kind == "GeoProperty":
            return [Value(self._geometry(value))]
        if kind == "LanguageProperty":
            return [Value(self._language_text(value))]
        if kind == "VocabProperty":
            given = value if isinstance(value, list) else [value]
            return [Value(self._term(str(iri))) for iri in given]
        if kind == "JsonProperty" or isinstance(value, dict):
            return [self._json(value)]
        given = [unwrapped(item) for item in (value if isinstance(value, list) else [value])]
        if any(isinstance(item, dict | list) for item in given):
            return [self._json(value)]
        return self._limited([self._plain(term, item, unit) for item in given])

    def _limited(self, values: list[Value]) -> list[Value]:
        if len(values) <= _SHOWN:
            return values
        more = self._.plural("and one more", "and {n} more", len(values) - _SHOWN)
        return [*values[:_SHOWN], Value(more)]

    def _plain(self, term: str, value: Any, unit: str) -> Value:
        if isinstance(value, bool):
            return Value(self._("yes") if value else self._("no"))
        if isinstance(value, int | float) and not term.endswith("Id"):
            # Half a person is a model's, not a reader's.
            shown = round(value) if unit == symbol("IE") else value
            return Value(self._.number(shown), self._(unit), number=True)
        written = str(value)
        if day := day_of(written):
            return Value(self._.date(day))
        if instant_of(written):
            return Value(self._.instant(self._local(written)))
        link = web_link(written)
        if link:
            return Value(written, web=link)
        colour = _COLOUR.fullmatch(written) if term.lower().endswith("color") else None
        if colour:
            return Value(f"#{colour[1].lower()}", colour=colour[1].lower())
        if written in _MARKS:
            return Value(self._(written), mark=True)
        if words := word_for(term, value):
            return Value(self._(words))
        return Value(written, unit)

    def _json(self, value: Any) -> Value:
        size = len(value) if isinstance(value, dict | list) else 1
        written = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
        return Value(self._.plural("one entry", "{n} entries", size), code=written)

    def _link(self, id: str, others: Mapping[str, Entity]) -> Value:
        target = others.get(id)
        return Value(self.name(target), entity=id) if target else Value(id)

    def _language_text(self, value: Any) -> str:
        """The entry of a language map for the page's language, else the most general one."""
        if not isinstance(value, dict):
            return ""
        for code in (self._.code, "@none", "en", *value):
            if code in value:
                found = value[code]
                return ", ".join(map(str, found)) if isinstance(found, list) else str(found)
        return ""

    def _geometry(self, value: Any) -> str:
        kind = str(value.get("type", ""))
        if kind == "Point":
            longitude, latitude = value["coordinates"][:2]
            return f"{latitude:.5f}°, {longitude:.5f}°"
        return self._(GEOMETRIES.get(kind, kind))

    def _notes(self, instance: Instance) -> list[str]:
        notes: list[str] = []
        if "observedAt" in instance:
            when = self._.observed(self._local(instance["observedAt"]))
            notes.append(self._("observed {when}", when=when))
        if "datasetId" in instance:
            notes.append(self._("data set {id}", id=instance["datasetId"]))
        for iri, given in sub_attributes(instance):
            values = self._values(self._term(iri), given[0], {})
            said = ", ".join(f"{v.text} {v.unit}".strip() for v in values)
            notes.append(f"{self._(attribute_label(self._term(iri)))}: {said}")
        return notes

    def _origin(self, instance: Instance, others: Mapping[str, Entity]) -> list[Row]:
        """Source, credit, licence and date of an imported entity."""
        rows = [self._row(_ORIGIN, [instance], others)]
        rows[0] = Row(rows[0].label, _ORIGIN, rows[0].values)
        source = others.get(str(instance["object"]), {})
        for term in ("attribution", "license", "retrievedAt", "adapter"):
            # What was stated for the source later holds for what came from it before.
            given = instance.get(self._iri(term)) or source.get(self._iri(term))
            if term == "license":
                credit = text(instance, self._iri("attribution"))
                rows.append(self._licence(given[0]["value"] if given else "", credit))
            elif given:
                rows.append(self._row(term, given, others))
        return rows

    def _licence(self, stated: object, credit: str) -> Row:
        found = licence(self._, str(stated), credit)
        notes = (found.note,) if found.note else ()
        label = heading(self._(attribute_label("license")))
        return Row(label, "license", (Value(found.text, web=found.url),), notes)
