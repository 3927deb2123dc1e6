"""Notifications measured: the cost of matching, what is due against what arrives, and kill -9."""
