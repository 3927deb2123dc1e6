"""A running node measured from outside, over HTTP, by an external generator (wrk).

In this order: start the broker as a process of its own, load entities of 1 KB, measure what they weigh
in memory, read, query, write, start again. Beside each rate stand the CPU seconds that the broker's own
processes took per request: the figure that a busy machine disturbs least. Other brokers are measured by
the same code in the same run (see :mod:`.brokers`), so that the report can give ratios.

    python -m benchmarks.http --help
"""
