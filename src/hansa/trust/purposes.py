"""What somebody says that they ask for: by their token, or in the header ``Hansa-Purpose``. Pure.

The purposes of a client stand in its record, and its token names one of them: the header may repeat it, and says nothing
new. An account says it for each request; that it did is in the log, with what was read. Who does not say who they
are cannot be held to anything, so nothing of the kind is taken from them.
"""

from __future__ import annotations

from dataclasses import replace

from hansa.kernel.errors import BadRequest, Forbidden
from hansa.trust.principals import Principal

__all__ = ["with_purpose"]


def with_purpose(who: Principal, purpose: str) -> Principal:
    """Somebody who asks for a purpose.

    Raises:
        BadRequest: it is none, or they do not say who they are.
        Forbidden: their token is for another one.
    """
    what = "the header Hansa-Purpose"
    if not purpose or len(purpose) > 200 or not purpose.isprintable() or set(purpose) & set(' "\\'):
        raise BadRequest(what, "names no purpose", "write a word or an IRI, without spaces")
    if who.kind == "operator":
        return who
    if who.kind == "public":
        raise BadRequest(
            what,
            "is sent by somebody who does not say who they are",
            "send a token too, or no purpose",
        )
    if who.kind in ("service", "city") and who.purpose != purpose:
        raise Forbidden(
            f"the purpose '{purpose[:80]}'",
            "is not the one of the token",
            "ask for a token with 'purpose:…' in its scope",
        )
    return replace(who, purpose=purpose)
