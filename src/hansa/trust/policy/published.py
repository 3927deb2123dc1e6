"""Policies as they are shown: whole to those who keep or check them, without the names of people to everybody else. Pure.

That somebody has a rule of their own is public; who it is, is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hansa.trust.policy.shelf import Kept

__all__ = ["SOMEBODY", "published", "shown"]

SOMEBODY: Final = "name:(somebody)"
"""What stands for a person's name."""

_NO_PERSON: Final = ("name:algorithm:", "name:client:")


def published(kept: Kept, *, whole: bool) -> dict[str, Any]:
    """One version of a policy, with what is to be known of it."""
    found: dict[str, Any] = {
        "name": kept.name,
        "version": kept.version,
        "since": kept.since,
        "policy": None if kept.document is None else shown(kept.document, whole=whole),
    }
    return found | ({"restores": kept.restores} if kept.restores else {})


def shown(document: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
    """The document of a policy, with or without the names of people."""
    found = dict(document)
    for kind in ("permission", "prohibition"):
        if kind in found and not whole:
            found[kind] = [
                {**rule, "assignee": _without_names(rule["assignee"])} for rule in found[kind]
            ]
    return found


def _without_names(assignee: Any) -> Any:
    if isinstance(assignee, list):
        return [_without_names(each) for each in assignee]
    person = assignee.startswith("name:") and not assignee.startswith(_NO_PERSON)
    return SOMEBODY if person else assignee
