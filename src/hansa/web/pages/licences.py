"""Under which licence data may be used: what a source states, and where that can be read.

A source names its licence by an SPDX identifier, by an address, or in words of its own; only what is
known, or is an address, becomes a link. A source that states none is said to state none: nothing is
guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hansa.web.shell.language import Language
from hansa.web.shell.links import web_link

__all__ = ["Licence", "is_known", "licence"]

_CREATIVE: Final = "https://creativecommons.org/licenses/"
_KNOWN: Final = {
    "odbl-1.0": "https://opendatacommons.org/licenses/odbl/1-0/",
    "odc-by-1.0": "https://opendatacommons.org/licenses/by/1-0/",
    "pddl-1.0": "https://opendatacommons.org/licenses/pddl/1-0/",
    "cc0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "cc-by-3.0": _CREATIVE + "by/3.0/",
    "cc-by-4.0": _CREATIVE + "by/4.0/",
    "cc-by-sa-3.0": _CREATIVE + "by-sa/3.0/",
    "cc-by-sa-4.0": _CREATIVE + "by-sa/4.0/",
    "cc-by-nc-4.0": _CREATIVE + "by-nc/4.0/",
    "cc-by-nd-4.0": _CREATIVE + "by-nd/4.0/",
    "etalab-2.0": "https://www.etalab.gouv.fr/licence-ouverte-open-licence/",
    "ogl-uk-3.0": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
    "dl-de-by-2.0": "https://www.govdata.de/dl-de/by-2-0",
    "dl-de-zero-2.0": "https://www.govdata.de/dl-de/zero-2-0",
}
"""Where the licences that cities meet can be read, by SPDX identifier in lower case."""


@dataclass(frozen=True, slots=True)
class Licence:
    """What a page says of a licence: its name, where it stands in full ("" if unknown), a note."""

    text: str
    url: str = ""
    note: str = ""


def is_known(stated: str) -> bool:
    """Whether the licence can be looked up: an address, or an identifier of one that cities meet."""
    return bool(web_link(stated)) or stated.lower() in _KNOWN


def licence(tongue: Language, stated: str, credit: str = "") -> Licence:
    """The licence that a source states.

    Args:
        stated: as the source states it; "" when it states none.
        credit: whom to ask then.
    """
    if stated:
        return Licence(stated, web_link(stated) or _KNOWN.get(stated.lower(), ""))
    if credit:
        note = tongue("Ask {who} before you pass it on.", who=credit)
    else:
        note = tongue("Ask who publishes it before you pass it on.")
    return Licence(tongue("not stated"), note=note)
