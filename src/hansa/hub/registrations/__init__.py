"""Context source registrations: which other brokers have what, and how they may be asked (5.9, 5.10).

A registration is kept as a record of its tenant: the client's document with its names expanded
(:mod:`.reading`). From it comes a :class:`~.model.Registration`, parsed once, which is what everything
else works with. :mod:`.book` holds those of a tenant in memory, indexed by type and identifier.
"""
