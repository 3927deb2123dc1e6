"""Notes: whatever changes who may log in, and with what, is logged before it counts.

One object is shared by all that keeps accounts, links, tokens, sessions, clients and providers, so that none of them
can be forgotten when the node sets the log. A desk without a node behind it (in a test) has no log, and notes nothing.
"""

from __future__ import annotations

from hansa.trust.log.recorder import Recorder
from hansa.trust.principals import PUBLIC, Principal

__all__ = ["Notes"]


class Notes:
    """Has changes logged."""

    def __init__(self) -> None:
        self.log: Recorder | None = None
        """Set by the node."""

    def note(
        self, who: Principal, what: str, reason: str, *more: str, kind: str = "account"
    ) -> None:
        """Log that `who` changes `what`; durable when this returns.

        Args:
            who: who changes it.
            what: whom or what it concerns: ``account:…``, ``token:…``, ``client:…``, ``provider:…``.
            reason: a public code, such as ``account.disabled``.
            more: what else it concerns: the roles that are given, the account of a token.
            kind: "account", or "login".

        Raises:
            Unavailable: it could not be logged, so it must not happen.
        """
        if self.log is not None:
            self.log.changed(kind, who, (what, *more), reason)

    def refused(self, what: str, reason: str) -> None:
        """Log that somebody who did not prove who they are was refused, without waiting for it."""
        if self.log is not None:
            self.log.refused(PUBLIC, (what,), reason)
