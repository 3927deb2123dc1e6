"""JSON-LD @contexts: terms to IRIs and back (clauses 4.4 and 5.5.7).

A :class:`Context` is built from the @context objects a client names, in order, with the core @context
on top: core terms are protected and win wherever the client put them. NGSI-LD narrows JSON-LD (no
scoped contexts, none below the top of a document), which leaves term maps, prefixes and a vocabulary.

Expansion: a keyword or absolute IRI stays; a core term; a term of the client's, the last definition
winning; ``prefix:name`` with a known prefix; anything else goes under the default vocabulary.
Compaction picks the shortest term (then the first in the alphabet), else the name under the default
vocabulary, else ``prefix:name``, else the IRI itself, and only a result that expands back to the IRI:
so expand(compact(iri)) is always the identity.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hansa.kernel.errors import BadRequest
from hansa.ngsild.core import CORE_CONTEXT, CORE_URL
from hansa.ngsild.model import DEFAULT_VOCABULARY

__all__ = ["CORE", "Context", "Source"]

Source = str | dict[str, Any] | list[Any]
"""A @context as a client writes it: a URL, an object, or a list of these."""

_KEYWORDS: Final = frozenset({"@id", "@type", "@none", "@value", "@context", "@graph", "@language"})
_GEN_DELIMS: Final = (":", "/", "?", "#", "[", "]", "@")
_CACHE_LIMIT: Final = 10_000
_ALIAS_DEPTH: Final = 20


class Context:
    """An immutable, resolved @context.

    Args:
        parts: the client's @context objects in order, without the core one.
        source: what the client named (for the ``@context`` member and the Link header of answers).

    ``names`` remembers, for whoever reads payloads, the names of attributes found valid with their
    IRIs; see :meth:`remember`.
    """

    __slots__ = ("_compacted", "_expanded", "_prefixes", "_terms", "names", "source")

    def __init__(self, parts: Iterable[Mapping[str, Any]] = (), source: Source = CORE_URL) -> None:
        self.source = source
        definitions: dict[str, str | None] = {}
        for part in parts:
            definitions |= _definitions(part)
        definitions |= _CORE_DEFINITIONS
        self._terms = {
            term: iri
            for term in definitions
            if (iri := _resolve(term, definitions)) is not None and not iri.startswith("@")
        }
        self._prefixes = {t: i for t, i in self._terms.items() if i.endswith(_GEN_DELIMS)}
        self._expanded: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self._compacted: dict[str, str] = _shortest(self._terms)

    def expand(self, term: str) -> str:
        """The IRI that `term` stands for (clause 5.5.7); an absolute IRI stands for itself."""
        found = self._expanded.get(term)
        if found is None:
            found = self._expand(term)
            if len(self._expanded) < _CACHE_LIMIT:
                self._expanded[term] = found
        return found

    def compact(self, iri: str) -> str:
        """The shortest name for `iri` that expands to it again; `iri` itself when there is none."""
        found = self._compacted.get(iri)
        if found is None:
            found = self._compact(iri)
            if len(self._compacted) < _CACHE_LIMIT:
                self._compacted[iri] = found
        return found

    def remember(self, name: str, iri: str) -> None:
        """Note that `name` is a good name of an attribute, and stands for `iri`."""
        if len(self.names) < _CACHE_LIMIT:
            self.names[name] = iri

    def _expand(self, term: str) -> str:
        if term in self._terms:
            return self._terms[term]
        prefix, colon, rest = term.partition(":")
        if colon:
            base = self._terms.get(prefix)
            return base + rest if base is not None and not rest.startswith("//") else term
        return term if term.startswith("@") else DEFAULT_VOCABULARY + term

    def _compact(self, iri: str) -> str:
        if iri.startswith(DEFAULT_VOCABULARY):
            name = iri[len(DEFAULT_VOCABULARY) :]
            if name and self._expand(name) == iri:
                return name
        for prefix, base in self._prefixes.items():
            if len(iri) > len(base) and iri.startswith(base):
                name = f"{prefix}:{iri[len(base) :]}"
                if self._expand(name) == iri:
                    return name
        return iri

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Context) and self._terms == other._terms

    def __hash__(self) -> int:
        return hash(frozenset(self._terms.items()))


def _definitions(part: Mapping[str, Any]) -> dict[str, str | None]:
    """Term to unresolved IRI, from one @context object; keywords other than terms are left out."""
    found: dict[str, str | None] = {}
    for term, definition in part.items():
        if term.startswith("@"):
            continue
        if isinstance(definition, str) or definition is None:
            found[term] = definition
        elif isinstance(definition, Mapping):
            if "@context" in definition and term not in _CORE_SCOPED:
                raise BadRequest(
                    f"@context, term '{term}'",
                    "a scoped context is not allowed in NGSI-LD",
                    "define the terms at the top of the @context",
                )
            target = definition.get("@id", _implied(term, part))
            if target is not None and not isinstance(target, str):
                raise BadRequest(f"@context, term '{term}'", "@id is not a string", "give an IRI")
            found[term] = target
        else:
            raise BadRequest(
                f"@context, term '{term}'",
                f"the definition is a {type(definition).__name__}",
                "give an IRI or an object with @id",
            )
    return found


def _implied(term: str, part: Mapping[str, Any]) -> str:
    """The IRI of a term that is defined without @id: itself, or the name in the vocabulary."""
    vocabulary = part.get("@vocab", DEFAULT_VOCABULARY)
    return term if ":" in term or not isinstance(vocabulary, str) else vocabulary + term


def _resolve(term: str, definitions: Mapping[str, str | None]) -> str | None:
    """Follow aliases and prefixes until an IRI or keyword is reached."""
    value = definitions[term]
    for _ in range(_ALIAS_DEPTH):
        if value is None or value in _KEYWORDS:
            return value
        if value != term and value in definitions:
            term, value = value, definitions[value]
            continue
        prefix, colon, rest = value.partition(":")
        if not colon:
            return DEFAULT_VOCABULARY + value
        base = definitions.get(prefix)
        if base is None or rest.startswith("//"):
            return value
        value = base + rest
    raise BadRequest(
        f"@context, term '{term}'", "its definition goes round in a circle", "point it at an IRI"
    )


def _shortest(terms: Mapping[str, str]) -> dict[str, str]:
    best: dict[str, str] = {}
    for term in sorted(terms, key=lambda t: (len(t), t), reverse=True):
        best[terms[term]] = term
    return best


_CORE_SCOPED: Final = frozenset({"ngsildproof"})
_CORE_DEFINITIONS: Final = _definitions(CORE_CONTEXT["@context"])

CORE: Final = Context()
"""The core @context alone."""
