"""What it takes to speak to sources: the words, the name of this node, and the way out."""

from __future__ import annotations

from collections.abc import Mapping

from hansa.hub.contexts import ContextRegistry
from hansa.hub.federation.asker import Asker
from hansa.hub.federation.asks import Question
from hansa.hub.federation.outgoing import outgoing
from hansa.hub.federation.sources import Answer, Failure, Sources
from hansa.hub.federation.speech import Speech, speech_of
from hansa.hub.federation.trail import alias_of
from hansa.hub.registrations.model import Registration
from hansa.kernel.egress import Response
from hansa.kernel.errors import HansaError
from hansa.ngsild.context import Context, Source

__all__ = ["Dispatch"]


class Dispatch:
    """Speaks to sources in the name of a node.

    Args:
        name: the node's own, in Via headers.
    """

    def __init__(self, name: str, sources: Sources, registry: ContextRegistry) -> None:
        self.name = name
        self._sources = sources
        self._registry = registry

    @property
    def depth(self) -> int:
        """The deepest nesting that an answer may have."""
        return self._sources.limits.depth

    def patience(self, answer: Response) -> float | None:
        """How long reading an answer may take: the @contexts that it names may lead anywhere."""
        return self._sources.limits.seconds if b"@context" in answer.content else None

    def seconds(self, registration: Registration, asker: Asker) -> float:
        """How long a request to the source of `registration` may take."""
        return self._sources.seconds(registration, len(asker.via))

    def alias(self, tenant: str | None) -> str:
        """The name of a tenant of this node."""
        return alias_of(self.name, tenant)

    async def contexts(self, source: Source) -> Context:
        """The @context that an answer carries itself."""
        return await self._registry.get(source)

    async def speech(self, registration: Registration, asker: Asker) -> Speech | Failure:
        """The words for the source of a registration."""
        wanted = registration.source.context
        if wanted is None:
            return speech_of(asker.context)
        try:
            return Speech(await self._registry.get(wanted), wanted)
        except HansaError:
            return Failure(199, 502, "the @context that it wants to be spoken to in cannot be had")

    async def send(
        self,
        registration: Registration,
        asker: Asker,
        speech: Speech,
        question: Question,
        *,
        asks: bool,
        more: Mapping[str, str] | None = None,
    ) -> Answer | Failure:
        """Put a question, or pass on a change; never raises what the source causes."""
        request = outgoing(
            registration.source,
            asker,
            speech,
            self.alias(asker.tenant),
            question.method,
            question.path,
            question.parameters,
            question.payload,
            more,
        )
        return await self._sources.send(
            asker.tenant, registration, request, asker.now, asks=asks, hops=len(asker.via)
        )

    def spoilt(self, registration: Registration) -> None:
        """Note that an answer could not be used (it is not given again)."""
        self._sources.forget(registration.id)
