"""Where data came from, as a DataSource entity says it, and how that source stands, in plain words."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hansa.ngsild.model import Entity
from hansa.web.pages.values import first, text
from hansa.web.shell.language import Language

__all__ = ["Source", "Standing", "source_from", "standings"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where data came from, as a DataSource entity says it.

    Attributes:
        status: how the last import went (``importing``, ``current``, ``incomplete``).
        live_status: how a source that is followed is now (``current``, ``silent``, ``failing``).
        file: name of the file, or the address, that was imported.
        live_notes: what there is to say of a source that is followed.
    """

    id: str
    title: str
    license: str = ""
    attribution: str = ""
    url: str = ""
    retrieved: datetime | None = None
    adapter: str = ""
    types: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    status: str = ""
    live_status: str = ""
    file: str = ""
    live_notes: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The words of ``hansa import`` that repeat the import; "" when it did not come that way."""
        spoke = self.adapter.partition(" ")[0]
        name = self.id.rpartition(":")[2]
        if not (spoke and self.file):
            return ""
        return f"import {shlex.quote(spoke)} {shlex.quote(self.file)} --name {shlex.quote(name)}"


@dataclass(frozen=True, slots=True)
class Standing:
    """Something that a reader must know of a source: what, what it means, and the mark beside it."""

    word: str
    meaning: str
    mark: str


_IMPORTS: Final = {
    "importing": (
        "is being imported now",
        "Until that is done some of what is here is from before.",
        "grey",
    ),
    "incomplete": (
        "import broke off",
        "What had been read is here, the rest is as it was before. The same import again mends it.",
        "red",
    ),
}
_LIVES: Final = {
    "silent": (
        "says nothing new",
        "What is here is what it said last; the node goes on listening.",
        "grey",
    ),
    "failing": (
        "does not answer",
        "What is here is what it said last; the node goes on asking.",
        "red",
    ),
}


def standings(tongue: Language, source: Source) -> list[Standing]:
    """What is not as it should be with a source; nothing when all is well."""
    found = []
    for words, state in ((_IMPORTS, source.status), (_LIVES, source.live_status)):
        if state in words:
            word, meaning, mark = words[state]
            found.append(Standing(tongue(word), tongue(meaning), mark))
    return found


def source_from(
    entity: Entity, iri: Callable[[str], str], local: Callable[[str], datetime]
) -> Source:
    """The source that a DataSource entity tells of."""

    def said(*terms: str) -> str:
        return text(entity, *map(iri, terms))

    retrieved = said("retrievedAt")
    counts = first(entity, iri("counts"))
    return Source(
        id=entity["id"],
        title=said("title", "name") or entity["id"],
        license=said("license"),
        attribution=said("attribution"),
        url=said("url"),
        retrieved=local(retrieved) if retrieved else None,
        adapter=" ".join(part for part in (said("adapter"), said("adapterVersion")) if part),
        types=tuple(counts) if isinstance(counts, dict) else (),
        notes=_several(first(entity, iri("notes"))),
        status=said("status"),
        live_status=said("liveStatus"),
        file=said("fileName") or said("endpointURL"),
        live_notes=_several(first(entity, iri("liveNotes"))),
    )


def _several(value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(map(str, value))
    return (str(value),) if value else ()
