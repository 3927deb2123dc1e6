"""Hansa: an open, self-hosted city node."""

__version__ = "0.1.0"
