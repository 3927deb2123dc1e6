"""Other people's programs against a served node: client libraries, payload corpora, IoT agents.

What they need stands in environments of their own (``make clients``), because they pin old versions of
what Hansa needs in new ones. Without those a test is skipped, and says which one is missing.
"""
