"""The store measured through its port, without HTTP.

    python -m benchmarks.store            # everything
    python -m benchmarks.store read       # one group

Each line gives the rate or the median on the wall clock, and the CPU time of the whole process for
one operation; on a busy machine trust the latter. Every write changes values: a database that is
sent what it already holds looks faster than it is.
"""
