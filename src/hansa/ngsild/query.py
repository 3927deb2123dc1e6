"""The trees that the NGSI-LD query languages are parsed into, and the query that carries them.

Each language is parsed once, at the edge, to one of these immutable trees (q in :mod:`.q`, type
selection in :mod:`.selection`, scopes in :mod:`.scope`, geometry in :mod:`.geo`); a store compiles
the trees to its own query language, so that filtering, counting, ordering and paging happen in the
database. In a tree that a parser returns, names are terms as the client wrote them; in a
:class:`Query` they are expanded to IRIs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Generic, Literal, TypeVar

from shapely.geometry.base import BaseGeometry

__all__ = [
    "And",
    "AttributePath",
    "Compare",
    "Either",
    "Every",
    "Exists",
    "Filter",
    "GeoFilter",
    "GeoRelation",
    "Operator",
    "Or",
    "Order",
    "Outside",
    "Portion",
    "Query",
    "Range",
    "Scalar",
    "ScopeFilter",
    "ScopePattern",
    "Seen",
    "Selector",
    "TypeFilter",
    "TypeName",
    "Uri",
    "Within",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class And(Generic[T]):
    """Every part must hold."""

    parts: tuple[T | And[T] | Or[T], ...]


@dataclass(frozen=True, slots=True)
class Or(Generic[T]):
    """At least one part must hold."""

    parts: tuple[T | And[T] | Or[T], ...]


# -- q, clause 4.9 ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Uri:
    """A URI written bare in q; it is compared with a Relationship's object or a URI value."""

    value: str


Scalar = str | int | float | bool | datetime | date | time | Uri


@dataclass(frozen=True, slots=True)
class Range:
    """``low..high``, both ends included."""

    low: Scalar
    high: Scalar


@dataclass(frozen=True, slots=True)
class AttributePath:
    """What a q term looks at.

    ``speed`` is names ("speed",); ``speed.accuracy`` adds a sub-attribute; ``address[city.name]``
    has the trail ("city", "name"), which descends into the value. A last name that is a core member
    of an attribute (observedAt, unitCode, datasetId, createdAt, modifiedAt, ...) stays unexpanded.
    The first name may itself be a core member of the entity (createdAt, modifiedAt).
    ``sensor{Device:humidity}`` has names ("sensor",), linked_types ("Device",) and the path
    ``humidity`` as linked: it is looked up on the entities that the Relationship points to.
    """

    names: tuple[str, ...]
    trail: tuple[str, ...] = ()
    linked: AttributePath | None = None
    linked_types: tuple[str, ...] = ()


Operator = Literal["==", "!=", ">", ">=", "<", "<=", "~=", "!~="]


@dataclass(frozen=True, slots=True)
class Compare:
    """``path operator value``.

    ``values`` holds one scalar or range, or several for a value list (== and != only). ``~=`` and
    ``!~=`` carry one string, a regular expression in RE2 syntax.
    """

    path: AttributePath
    operator: Operator
    values: tuple[Scalar | Range, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """``path`` alone: the attribute, sub-attribute or value member is there."""

    path: AttributePath


Filter = Compare | Exists | And[Compare | Exists] | Or[Compare | Exists]

# -- type selection (4.17) and scopes (4.19) -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TypeName:
    """The entity has this type among its types."""

    name: str


TypeFilter = TypeName | And[TypeName] | Or[TypeName]


@dataclass(frozen=True, slots=True)
class ScopePattern:
    """A scope with wildcards: ``+`` stands for one level, a last ``#`` for it and all below.

    ``levels`` of ``/Madrid/+/Gardens/#`` is ("Madrid", "+", "Gardens", "#"). ``/#`` means any scope.
    """

    levels: tuple[str, ...]


ScopeFilter = ScopePattern | And[ScopePattern] | Or[ScopePattern]

# -- geometry (4.10) -------------------------------------------------------------------------------

GeoRelation = Literal["near", "within", "contains", "intersects", "equals", "disjoint", "overlaps"]


@dataclass(frozen=True, slots=True)
class GeoFilter:
    """A GeoProperty in a spatial relation to a geometry.

    Attributes:
        relation: as in clause 4.10.
        geometry: in longitude and latitude (WGS 84), valid and not empty.
        attribute: the GeoProperty looked at (an IRI in a :class:`Query`).
        min_distance, max_distance: metres, for ``near`` only; at least one is set.
    """

    relation: GeoRelation
    geometry: BaseGeometry
    attribute: str
    min_distance: float | None = None
    max_distance: float | None = None


# -- portions --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Portion:
    """Entities by what and where they are; everything that is given must hold.

    Attributes:
        types: type selection.
        ids: any of these identifiers.
        id_pattern: a regular expression in RE2 syntax that the identifier must contain a match of.
        having: at least one of these attributes is there.
        scope, geo: as in a query.
    """

    types: TypeFilter | None = None
    ids: tuple[str, ...] = ()
    id_pattern: str | None = None
    having: tuple[str, ...] = ()
    scope: ScopeFilter | None = None
    geo: GeoFilter | None = None


@dataclass(frozen=True, slots=True)
class Outside:
    """Entities that are not in the portion."""

    part: Within


@dataclass(frozen=True, slots=True)
class Every:
    """Entities that are in all of these; without any, all are."""

    parts: tuple[Within, ...] = ()


@dataclass(frozen=True, slots=True)
class Either:
    """Entities that are in at least one of these; without any, none is."""

    parts: tuple[Within, ...] = ()


Within = Portion | Outside | Every | Either
"""A part of all entities, put together from portions."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is for somebody: which entities, and on which of these which attributes.

    What is not seen is as if it were not there: no condition, order, count or answer knows of it.

    Attributes:
        entities: the entities that are there.
        attributes: by IRI, the entities on which this attribute is there.
        otherwise: the entities on which all other attributes are there.
    """

    entities: Within = Every()
    attributes: Mapping[str, Within] = field(default_factory=dict, hash=False)
    otherwise: Within = Every()

    def attribute(self, name: str) -> Within:
        """The entities on which the attribute (an IRI) is there."""
        return self.attributes.get(name, self.otherwise)

    @property
    def all_attributes(self) -> bool:
        """Whether all attributes of what is there are there."""
        return self.otherwise == Every() and not self.attributes


# -- the whole -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key; entities that lack it come last.

    ``path.names`` may be ("id",), ("type",) or ("scope",). With ``origin`` (a geometry) the key is
    the distance of that GeoProperty from it. ``collation`` is a language tag (RFC 6067) that says how
    texts are ordered; without one it is by code point.
    """

    path: AttributePath
    descending: bool = False
    origin: BaseGeometry | None = None
    collation: str | None = None


@dataclass(frozen=True, slots=True)
class Selector:
    """Entities by type, and by identifier or its pattern (EntitySelector, clause 5.2.33)."""

    types: TypeFilter | None = None
    id: str | None = None
    id_pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """Which entities, in which order, how many. All names are IRIs.

    Attributes:
        ids: any of these identifiers (empty: all).
        id_pattern: a regular expression in RE2 syntax that the identifier must contain a match of.
        types: type selection.
        selectors: entities that at least one of these selects (empty: no condition).
        attributes: at least one of these attributes must be there (empty: no condition).
        without: none of these attributes may be there; no query language says this, pages do.
        q, scope, geo: the three filters.
        dataset_ids: only entities with an attribute instance of one of these datasets; ``@none``
            stands for instances without one (empty: no condition).
        seen: what there is at all for whoever asks; ``None``: everything. No query language says this,
            the gate does.
        order: sort keys; the order of creation breaks ties and is the default.
        limit: largest number of entities returned; 0 is allowed with ``count``.
        offset: how many to leave out at the start.
        count: whether the total number of matches is wanted.
    """

    ids: tuple[str, ...] = ()
    id_pattern: str | None = None
    types: TypeFilter | None = None
    selectors: tuple[Selector, ...] = ()
    attributes: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    q: Filter | None = None
    scope: ScopeFilter | None = None
    geo: GeoFilter | None = None
    dataset_ids: tuple[str, ...] = ()
    seen: Seen | None = None
    order: tuple[Order, ...] = ()
    limit: int = 20
    offset: int = 0
    count: bool = False
