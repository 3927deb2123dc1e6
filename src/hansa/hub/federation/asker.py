"""On whose behalf sources are asked: what of a request goes on to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hansa.ngsild.context import Context

__all__ = ["Asker"]


@dataclass(frozen=True, slots=True)
class Asker:
    """A request that is distributed.

    Attributes:
        tenant: the tenant here.
        context: the @context of its names.
        via: the brokers that it has passed (see :mod:`.trail`).
        headers: its header fields by lower-case name; only those that a registration asks for
            (``urn:ngsi-ld:request``) go on.
        now: its instant.
    """

    tenant: str | None
    context: Context
    via: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    now: str = ""
