"""How a payload is read: what differs between creating, patching and merging."""

from __future__ import annotations

from dataclasses import dataclass

from hansa.ngsild.context import Context

__all__ = ["Rules"]


@dataclass(frozen=True, slots=True)
class Rules:
    """How to read a payload.

    Attributes:
        context: expands its names.
        nulls: NGSI-LD Null means "remove" (patches); otherwise it is refused.
        nested_nulls: NGSI-LD Null is also allowed inside JSON values (merge patch only).
        simplified: an object without a value member is a Property's value whatever it holds.
        partial: an attribute may lack its type and value (partial attribute update); one that names
            no type gets none, because only the stored attribute tells it.
        born: the instant that the attributes of new entities get as their times; none for others.
    """

    context: Context
    nulls: bool = False
    nested_nulls: bool = False
    simplified: bool = False
    partial: bool = False
    born: str | None = None
