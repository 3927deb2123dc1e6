"""From rows to entities, as a mapping says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hansa.spokes.plain import geo, start
from hansa.spokes.port import Item, Plain, Refusal
from hansa.spokes.table.cells import Places, filled, instant, is_blank, value_of
from hansa.spokes.table.mapping import Attribute, Mapping
from hansa.spokes.table.read import Row

__all__ = ["RowMap"]


class _CellFault(ValueError):
    """A cell that does not hold what it should: the column, the reason, and what it should hold."""

    def __init__(self, column: str, reason: object, wanted: str) -> None:
        super().__init__(str(reason))
        self.column = column
        self.kind = f"column '{column}' {wanted}"


class RowMap:
    """Makes entities of rows.

    Raises:
        BadRequest: the mapping names an unknown reference system.
    """

    def __init__(self, mapping: Mapping, namespace: str) -> None:
        self._mapping = mapping
        self._namespace = namespace
        self._places = Places(mapping.location, mapping) if mapping.location else None
        self._types = mapping.terms.get(mapping.type, mapping.type)

    def item(self, row: Row) -> Item:
        """The entity of a row, or why there is none."""
        try:
            return self._entity(row)
        except _CellFault as fault:
            element = f"column '{fault.column}'"
            if row.place.element:
                element = f"{row.place.element}, {element}"
            return Refusal(replace(row.place, element=element), str(fault), fault.kind)

    def _entity(self, row: Row) -> Plain:
        local = filled(self._mapping.id, row.values, self._mapping)
        if local is None:
            raise _CellFault(self._mapping.id, "the identifier is blank", "is blank")
        entity = start(self._mapping.type, self._namespace, local)
        entity["type"] = self._types
        for attribute in self._mapping.attributes:
            instance = self._instance(attribute, row)
            if instance is not None:
                entity[self._mapping.terms.get(attribute.name, attribute.name)] = instance
        if self._places is not None:
            try:
                geometry = self._places.of(row.values)
            except ValueError as fault:
                raise _CellFault(self._places.columns, fault, "holds no place") from None
            if geometry is not None:
                entity["location"] = geo(geometry)
        return entity

    def _instance(self, attribute: Attribute, row: Row) -> Plain | None:
        """The attribute in normalized form, or ``None`` if the row has no value for it."""
        if attribute.target:
            target = filled(attribute.target, row.values, self._mapping)
            instance = None if target is None else {"type": "Relationship", "object": target}
        else:
            value = self._value(attribute, row)
            instance = None if value is None else _wrapped(attribute, value)
        if instance is None:
            if attribute.required:
                column = attribute.column or attribute.target
                raise _CellFault(column, "it is blank, but required", "is blank, but required")
            return None
        if attribute.unit and instance["type"] == "Property":
            instance["unitCode"] = attribute.unit
        seen = row.values.get(attribute.observed_at)
        if attribute.observed_at and not is_blank(seen, self._mapping):
            try:
                instance["observedAt"] = instant(seen, attribute.format, self._mapping)
            except ValueError as fault:
                raise _CellFault(attribute.observed_at, fault, "holds no moment") from None
        return instance

    def _value(self, attribute: Attribute, row: Row) -> Any:
        if not attribute.column:
            return attribute.value
        try:
            return value_of(attribute, row.values.get(attribute.column), self._mapping)
        except ValueError as fault:
            wanted = f"holds no {attribute.kind}"
            raise _CellFault(attribute.column, fault, wanted) from None


def _wrapped(attribute: Attribute, value: Any) -> Plain:
    """A value in the kind of attribute that holds it."""
    if attribute.kind == "language" or attribute.language:
        return {"type": "LanguageProperty", "languageMap": {attribute.language or "@none": value}}
    if attribute.kind == "json" and isinstance(value, dict):
        return {"type": "JsonProperty", "json": value}
    return {"type": "Property", "value": value}
