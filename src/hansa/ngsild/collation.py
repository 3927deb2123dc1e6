"""Collations: the order of texts as people expect it (ETSI GS CIM 009, clause 4.23.3; RFC 6067).

A collation is named by a language tag: ``und`` is the root collation of Unicode, ``de-u-co-phonebk``
that of German telephone books. ICU knows them; it comes with the extra ``collation``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from hansa.kernel.errors import MissingExtra
from hansa.ngsild.order import check_collation

__all__ = ["collation_key"]


@lru_cache(maxsize=64)
def collation_key(tag: str) -> Callable[[str], bytes]:
    """A function that gives texts keys whose order as bytes is that of the collation `tag`.

    Raises:
        BadRequest: `tag` is not a well-formed language tag.
        MissingExtra: ICU is not installed.
    """
    check_collation(tag)
    try:
        import icu
    except ImportError:
        raise MissingExtra("the parameter 'collation'", "pyicu-wheels", "collation") from None
    collator = icu.Collator.createInstance(icu.Locale.forLanguageTag(tag))
    find: Callable[[str], bytes] = collator.getSortKey
    return find
