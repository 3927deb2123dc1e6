"""With whose eyes a subscription looks: its owner's, who may not be allowed to see everything.

Whoever makes a subscription is kept with it as the floor above describes them; what they may see is asked there
each time that changes are matched. The hub only knows that there is such a thing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from hansa.ngsild.model import Entity
from hansa.ngsild.query import Seen
from hansa.store.port import Reader

__all__ = ["Eyes", "Sighted", "everything"]


class Sighted(Reader, Protocol):
    """A reader that shows what somebody may see, also of entities at hand."""

    obligations: str
    """What whoever is told must do, in words for machines; "" if nothing."""

    @property
    def seen(self) -> Seen:
        """What that is."""

    def allowed(self, id: str, entity: Entity, names: Collection[str]) -> Collection[str] | None:
        """Those of these attributes that may be told of an entity; ``None``: it is not there for them."""

    def shown(self, entity: Entity) -> Entity | None:
        """What is left of an entity; ``None`` if it is not there for them."""

    def told(self, entity: Entity) -> None:
        """Put down that they are told of an entity, of which this is all that there is."""


Eyes = Callable[[Mapping[str, Any], Reader], Sighted | None]
"""What an owner sees of a store; ``None``: everything."""


def everything(owner: Mapping[str, Any], store: Reader) -> None:
    """Everybody sees everything: where nobody says otherwise."""
