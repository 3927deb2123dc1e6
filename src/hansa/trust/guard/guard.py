"""Makes readers of views: the store itself where everything may be seen and read by all, else a guarded one.

What a view needs worked out is worked out once, and kept as long as the view is asked for.
"""

from __future__ import annotations

import re
from typing import Final

from hansa.ngsild.query import Seen
from hansa.store.port import Reader
from hansa.trust.guard.group_past import Layer
from hansa.trust.guard.groups import GroupReader
from hansa.trust.guard.reader import GuardedReader
from hansa.trust.guard.sieve import Sieve
from hansa.trust.guard.witness import Log, Notes
from hansa.trust.policy.duties import codes, header
from hansa.trust.policy.view import View
from hansa.trust.principals import Principal

__all__ = ["grouped", "guarded", "guarded_always", "guarded_to_count", "sieve_of"]


_MOST: Final = 512
_MOST_NAMED: Final = 50
"""As many rules, obligations and purposes as an entry of the log may name."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9._:/#~+-]{1,150}")
_sieves: dict[int, tuple[Seen, Sieve]] = {}
"""By the identity of what may be seen, which they keep alive."""


def sieve_of(seen: Seen) -> Sieve:
    """What cuts entities to `seen`: the same one each time, for a view is the same for all under the same rules."""
    found = _sieves.get(id(seen))
    if found is None or found[0] is not seen:
        if len(_sieves) >= _MOST:
            _sieves.clear()
        found = _sieves[id(seen)] = (seen, Sieve(seen))
    return found[1]


def guarded(store: Reader, who: Principal, view: View, public: View, log: Log | None) -> Reader:
    """What `view` leaves of `store`.

    Args:
        who: who reads.
        public: what everybody may see; reading it is not logged.
        log: where readings of anything else are put down; ``None``: nowhere.
    """
    if view.whole and (view.public or public.whole or log is None):
        return store
    return guarded_always(store, who, view, public, log)


def guarded_always(
    store: Reader, who: Principal, view: View, public: View, log: Log | None
) -> GuardedReader:
    """The same as a reader that shows and puts down, whatever the view leaves."""
    return GuardedReader(
        store, sieve_of(view.seen), _notes(who, view, public, log), header(view.obligations)
    )


def guarded_to_count(
    store: Reader, who: Principal, view: View, public: View, log: Log | None, type: str
) -> Reader:
    """The same for somebody who is told numbers of entities of a type, and of no single one.

    So it is the question that is put down, and not each entity.
    """
    notes = _notes(who, view, public, log)
    if notes.hides_some((), (type,)):
        notes.kinds((type,))
    return guarded(store, who, view, public, None)


def grouped(
    store: Reader, who: Principal, view: View, public: View, log: Log | None
) -> GroupReader:
    """What `view`, which is one of *aggregate*, leaves of `store`: groups that are large enough."""
    layers: list[Layer] = []
    layer: View | None = view
    while layer is not None:
        layers.append(Layer(sieve_of(layer.seen), layer.smallest_group))
        layer = layer.wider
    return GroupReader(store, layers, _notes(who, view, public, log), view.reason)


def _notes(who: Principal, view: View, public: View, log: Log | None) -> Notes:
    """Puts down what is read, under which rules, with which obligations and for which purpose."""
    more = codes(view.obligations)
    if who.purpose is not None and _PLAIN.fullmatch(who.purpose):
        more = (*more, f"purpose:{who.purpose}")
    rules = (*view.rules[: _MOST_NAMED - len(more)], *more)
    return Notes(None if view.public else log, who, rules, sieve_of(public.seen))
