"""Hostile requests against a node in this process: none may end in a crash or a status 500."""
