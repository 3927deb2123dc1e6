"""Spokes: how data come into the city.

Each spoke is a folder that knows one kind of source. Its ``manifest.toml`` says what it reads and
produces; ``read.py`` turns the source into records and knows nothing of the hub; ``map.py`` turns
records into entities in the terms of the city @context. All share one runner (:mod:`.runner`), which
adds provenance, writes in batches, compares with what is there, and marks what vanished.

Built-in spokes come in by the same road as anyone's own: an entry point of the group
``hansa.spokes`` whose object satisfies :class:`hansa.spokes.port.Spoke`.
"""
