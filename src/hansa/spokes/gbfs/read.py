"""A GBFS system: its list of feeds, and each feed, asked no more often than it allows.

``gbfs.json`` names the feeds: in 2.x by language, in 3.0 in one list. Each answer carries ``ttl``, the
seconds for which it stays as it is; until then it is not asked for again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hansa.kernel.errors import BadRequest
from hansa.spokes.members import numeric, objects, text
from hansa.spokes.quality import moment_of
from hansa.spokes.service import Service

__all__ = ["Feed", "System"]

_LONGEST: Final = timedelta(days=1)
"""No feed is left alone for longer, whatever it says."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One answer: its data, when it was made, and until when it need not be asked for again."""

    data: Mapping[str, Any]
    updated: datetime | None
    until: datetime


class System:
    """One system.

    Raises:
        BadRequest: the address does not lead to a list of GBFS feeds, or not in that language.
    """

    def __init__(self, service: Service, language: str, now: datetime) -> None:
        self._service = service
        self._language = language
        self._feeds: dict[str, Feed] = {}
        document = self._service.get()
        self.version = self._version(document)
        self.addresses = self._addresses(document)
        self._list = _feed(document, now, self._service.address)

    def feed(self, name: str, now: datetime) -> Feed | None:
        """The feed of that name, asked for again once its time is up; ``None`` if there is none.

        Raises:
            HansaError: it cannot be had, or is no GBFS feed.
        """
        if name != "" and now >= self._list.until:
            document = self._service.get()
            self.addresses = self._addresses(document)
            self._list = _feed(document, now, self._service.address)
        if name not in self.addresses:
            return None
        kept = self._feeds.get(name)
        if kept is None or now >= kept.until:
            kept = _feed(self._service.get(self.addresses[name]), now, f"the feed '{name}'")
            self._feeds[name] = kept
        return kept

    def first(self, *names: str, now: datetime) -> tuple[str, Feed] | None:
        """The first of several feeds that the system has, with its name."""
        for name in names:
            if (feed := self.feed(name, now)) is not None:
                return name, feed
        return None

    def _version(self, document: Any) -> str:
        version = document.get("version") if isinstance(document, dict) else None
        if version is not None and str(version)[:2] not in {"1.", "2.", "3."}:
            raise BadRequest(
                self._service.address[:200],
                f"speaks version {str(version)[:20]} of GBFS",
                "versions 1.1 to 3.0 are understood",
            )
        return str(version or "1.0")

    def _addresses(self, document: Any) -> dict[str, str]:
        """Feeds by name."""
        subject = self._service.address[:200]
        data = document.get("data") if isinstance(document, dict) else None
        if not isinstance(data, dict):
            raise BadRequest(
                subject, "is not the list of a system's GBFS feeds", "give the address of gbfs.json"
            )
        if "feeds" not in data:
            data = self._in_language(data, subject)
        try:
            listed = objects(data, "feeds")
            found = {text(item, "name"): text(item, "url") for item in listed}
        except (ValueError, AttributeError) as fault:
            raise BadRequest(subject, f"is not a list of GBFS feeds ({fault})") from None
        return {name: url for name, url in found.items() if name and url}

    def _in_language(self, data: dict[str, Any], subject: str) -> dict[str, Any]:
        languages = [tag for tag, value in data.items() if isinstance(value, dict)]
        wanted = self._language or next(iter(languages), "")
        if wanted not in languages:
            raise BadRequest(
                subject,
                f"has no feeds in the language '{wanted}'",
                f"it has: {', '.join(languages)[:200] or 'none'}",
            )
        found: dict[str, Any] = data[wanted]
        return found


def _feed(document: Any, now: datetime, subject: str) -> Feed:
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, dict):
        raise BadRequest(subject, "is not a GBFS feed (it has no 'data')")
    try:
        seconds = float(numeric(document, "ttl") or 0)
    except ValueError:
        seconds = 0.0
    try:
        updated = moment_of(document["last_updated"])
    except (KeyError, ValueError):
        updated = None
    ttl = min(timedelta(seconds=min(max(seconds, 0.0), 86_400.0)), _LONGEST)
    return Feed(data, updated, now + ttl)
