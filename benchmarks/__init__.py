"""Measurements: how fast Hansa is, on which machine, and what the time is spent on.

Nothing here runs in the tests, and no test is timed. ``make bench`` runs :mod:`benchmarks.http`.
"""
