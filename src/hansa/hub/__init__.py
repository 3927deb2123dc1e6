"""The broker's operations, one module per group (ETSI GS CIM 009, clause 5).

An operation that writes is built here as a :class:`~hansa.store.port.Write`: an identifier and a pure
function of the entity as it stands. Whoever holds a store commits it, alone or in a batch; nothing in
this room knows HTTP, principals or which database is below.
"""
