"""The language of a page: which one, its texts, its numbers and dates.

Texts are written in English where they are used; a catalogue (``web/i18n/<code>.json``) maps each to
its translation, or to two forms where a count decides. A text without a translation stays English.

The language is chosen in this order: ``?lang=``, the ``lang`` cookie, ``Accept-Language``, English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from functools import cache
from importlib import resources
from typing import Any, Final

import orjson
from starlette.requests import Request

__all__ = ["LANGUAGES", "Language", "choose", "cookie_name", "language"]

LANGUAGES: Final = {"en": "English", "es": "Español", "fr": "Français", "ko": "한국어"}
"""The languages that pages can be read in, by code, each in its own name."""

_SEPARATORS: Final = {"en": (",", "."), "es": (".", ","), "fr": ("\u202f", ","), "ko": (",", ".")}
_MONTHS: Final = (
    "January February March April May June July August September October November December"
).split()
_WEEKDAYS: Final = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


class Language:
    """One language: call it with an English text to get the text in that language."""

    def __init__(self, code: str, messages: Mapping[str, str | list[str]]) -> None:
        self.code = code
        self.messages = messages

    def __call__(self, text: str, /, **values: Any) -> str:
        """`text` translated, its ``{names}`` filled in."""
        found = self.messages.get(text, text)
        chosen = found if isinstance(found, str) else found[-1]
        return chosen.format_map(values) if values else chosen

    def plural(self, one: str, many: str, count: float, /, **values: Any) -> str:
        """The form of a text for `count`; ``{n}`` in it is the count, formatted."""
        found = self.messages.get(many, [one, many])
        forms = [found] if isinstance(found, str) else found
        # French counts zero with the singular; the others only one itself.
        single = abs(count) < 2 if self.code == "fr" else count == 1
        return forms[0 if single else -1].format_map({"n": self.number(count), **values})

    def number(self, value: float, digits: int = 3) -> str:
        """`value` with separators; up to `digits` decimals, without trailing zeros."""
        if isinstance(value, float) and not value.is_integer():
            text = f"{value:,.{digits}f}".rstrip("0").rstrip(".")
        else:
            text = f"{int(value):,}"
        thousands, point = _SEPARATORS[self.code]
        return text.translate({ord(","): thousands, ord("."): point})

    def weekday(self, number: int) -> str:
        """The name of a day of the week, 0 being Monday."""
        return self(_WEEKDAYS[number])

    def date(self, moment: date) -> str:
        """A day, or the day of an instant, for example ``23 November 2026``."""
        pattern = self("{day} {month} {year}")
        month = self(_MONTHS[moment.month - 1])
        return pattern.format(day=moment.day, month=month, year=moment.year)

    def instant(self, moment: datetime) -> str:
        """Day and minute of `moment`."""
        return f"{self.date(moment)}, {moment:%H:%M}"

    def observed(self, moment: datetime) -> str:
        """When something was observed; midnight to the microsecond stands for a whole day."""
        whole_day = moment.timetz().replace(tzinfo=None) == time.min
        return self.date(moment) if whole_day else self.instant(moment)


@cache
def language(code: str) -> Language:
    """The language of that code (one of :data:`LANGUAGES`)."""
    if code == "en":
        return Language(code, {})
    text = resources.files("hansa.web").joinpath("i18n", f"{code}.json").read_bytes()
    return Language(code, orjson.loads(text))


def choose(request: Request) -> Language:
    """The language in which to answer `request`."""
    for wanted in (request.query_params.get("lang"), _remembered(request)):
        if wanted in LANGUAGES:
            return language(wanted)
    return language(_accepted(request.headers.get("accept-language", "")))


def cookie_name(*, secure: bool) -> str:
    """The cookie that remembers the language; over https one that no other host can set."""
    return "__Host-lang" if secure else "lang"


def _remembered(request: Request) -> str | None:
    found = (request.cookies.get(cookie_name(secure=secure)) for secure in (True, False))
    return next(filter(None, found), None)


def _accepted(header: str) -> str:
    """The best known language of an Accept-Language header."""
    best, weight = "en", 0.0
    for part in header.split(","):
        found = re.fullmatch(
            r"\s*([a-zA-Z]{2,3})[^;]*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*", part
        )
        if found and found[1].lower() in LANGUAGES:
            quality = float(found[2] or 1)
            if quality > weight:
                best, weight = found[1].lower(), quality
    return best
