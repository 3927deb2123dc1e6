"""Writes the reference pages from the code, so that they say what the code does.

``python -m scripts.reference`` writes them into ``docs/reference``; a test compares what is there with
what would be written.
"""
