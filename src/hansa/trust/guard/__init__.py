"""The guard: readers that show only what the rules leave somebody, on every path.

Floor 3, part of the gate. What can be executed by the store (filter, order, count, page, discovery, drawing) is; what
comes out of it whole is cut here. Nobody but the gate makes such a reader.
"""
