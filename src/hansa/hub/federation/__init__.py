"""Distributed operations: one request, answered by this node and the sources registered with it (4.3.6).

The way of a request: which registrations it concerns and what each may be asked is decided by
:mod:`hansa.hub.registrations.matching`; :mod:`.plan` says what of a write goes where; :mod:`.speech`
and :mod:`.outgoing` put it into the words of a source; :mod:`.sources` sends it, with the limits of
the registration; :mod:`.incoming` checks what comes back, which is not trusted; :mod:`.merging` makes
one entity of what several know; :mod:`.reads` and :mod:`.writes` lead through all of that.

A source that fails costs a warning, never the answer.
"""
