"""What all tests share: how generated examples are chosen.

The same examples every time, and no limit on how long one may take, so that a test fails only for what
it tests. ``HANSA_EXAMPLES=20000`` looks for new ones instead, that many for each property.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
settings.register_profile(
    "search",
    max_examples=int(os.environ.get("HANSA_EXAMPLES", "1000")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("search" if "HANSA_EXAMPLES" in os.environ else "fixed")
