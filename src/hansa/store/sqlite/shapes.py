"""Shapes: what the entities of a store look like, in few words.

A shape is the types of an entity and, for each of its attributes, a *profile*: the kinds of its
instances with the JSON types of their values (``Property/number``), and ``many`` when there is more
than one instance. A city has a few dozen shapes and a hundred thousand entities, so conditions on
types and on the presence of attributes are decided here, in Python, and become
``shape IN (...)``; and from the profiles the compiler knows where a comparison can be plain SQL.

Shapes are immutable and never removed, so knowing too many does no harm: a reader's catalogue needs
only to reach as far as its snapshot.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from threading import Lock
from typing import Any, Final

import apsw
import orjson

from hansa.ngsild.model import ENTITY_MEMBERS, VALUE_MEMBER, Entity, Instance
from hansa.store.port import Shape

__all__ = [
    "MANY",
    "PLACE",
    "Catalogue",
    "Profile",
    "Signature",
    "kinds_of",
    "profile",
    "shape_of",
    "shapes_in",
    "signature",
]

Profile = str
Signature = tuple[tuple[str, ...], tuple[tuple[str, Profile], ...]]
"""Types (as ordered in the entity) and sorted (attribute, profile) pairs."""

MANY: Final = "many"

PLACE: Final = "GeoProperty"
"""What the profile of a place holds."""

_FORMS: Final[dict[type, str]] = {
    int: "number",
    float: "number",
    str: "text",
    bool: "boolean",
    dict: "object",
    list: "array",
    type(None): "null",
}
_FACETS: Final[dict[str, tuple[str, dict[type, Profile]]]] = {
    kind: (member, {python: f"{kind}/{form}" for python, form in _FORMS.items()})
    for kind, member in VALUE_MEMBER.items()
}
"""By kind: the member that holds the value, and the profile by the value's type."""


def profile(instances: Sequence[Instance]) -> Profile:
    """The profile of an attribute; nothing looks like one without instances."""
    if len(instances) == 1:
        (instance,) = instances  # the common case, so without a call
        member, profiles = _FACETS[instance["type"]]
        return profiles[type(instance.get(member))]
    facets = sorted({_facet(instance) for instance in instances})
    return " ".join([*facets, MANY])


def _facet(instance: Instance) -> Profile:
    member, profiles = _FACETS[instance["type"]]
    return profiles[type(instance.get(member))]


def signature(entity: Entity) -> Signature:
    """The signature of an entity's shape, with attributes in the order of the entity."""
    return tuple(entity["type"]), tuple(
        [(name, profile(found)) for name, found in entity.items() if name not in ENTITY_MEMBERS]
    )


def shape_of(types_and_profiles: Signature) -> Signature:
    """The shape that a signature stands for: the order of attributes plays no part."""
    types, profiles = types_and_profiles
    return types, tuple(sorted(profiles))


def dump(shape: Signature) -> str:
    """A shape as the text that is stored, unique to it."""
    return orjson.dumps([shape[0], dict(shape[1])]).decode()


def kinds_of(profile: Profile) -> frozenset[str]:
    """The kinds of attribute in a profile."""
    return frozenset(facet.partition("/")[0] for facet in profile.split() if facet != MANY)


def shapes_in(connection: apsw.Connection) -> list[Shape]:
    """The shapes that entities have now; those that differ in forms of values only are one."""
    together: dict[tuple[Any, ...], int] = defaultdict(int)
    for text, count in connection.execute(
        "SELECT signature, count FROM population JOIN shape ON id = shape WHERE count > 0 ORDER BY id"
    ):
        types, profiles = orjson.loads(text)
        kinds = tuple((name, kinds_of(profile)) for name, profile in profiles.items())
        together[tuple(types), kinds] += count
    return [Shape(types, dict(kinds), count) for (types, kinds), count in together.items()]


class Catalogue:
    """The shapes known so far, looked up by type and by attribute."""

    def __init__(self) -> None:
        self.last = 0
        self.by_type: dict[str, set[int]] = {}
        self.by_attribute: dict[str, dict[int, Profile]] = {}
        self._every: frozenset[int] = frozenset()
        self._lock = Lock()

    def reach(self, connection: apsw.Connection) -> Catalogue:
        """Learn the shapes of the snapshot that `connection` sees, if there are new ones."""
        newest = connection.execute("SELECT max(id) FROM shape").get or 0
        if newest > self.last:
            with self._lock:
                self._learn(connection)
        return self

    def _learn(self, connection: apsw.Connection) -> None:
        by_type = {name: set(shapes) for name, shapes in self.by_type.items()}
        by_attribute = {name: dict(shapes) for name, shapes in self.by_attribute.items()}
        last = self.last
        for last, text in connection.execute(
            "SELECT id, signature FROM shape WHERE id > ? ORDER BY id", (self.last,)
        ):
            types, profiles = orjson.loads(text)
            for name in types:
                by_type.setdefault(name, set()).add(last)
            for name, profile in profiles.items():
                by_attribute.setdefault(name, {})[last] = profile
        # Readers take no lock: they see the old tables or the new ones, each complete.
        self.by_type, self.by_attribute, self.last = by_type, by_attribute, last

    @property
    def every(self) -> frozenset[int]:
        """All shapes."""
        found, last = self._every, self.last
        if len(found) != last:
            found = self._every = frozenset(range(1, last + 1))
        return found
