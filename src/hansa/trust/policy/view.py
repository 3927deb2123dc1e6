"""What one principal may see by one action in one tenant: the answer of the rules, in a form that a store executes.

A :class:`View` is all that a reader needs to know of the rules. It is read like this:

1. ``seen`` says which entities are there, and on which of them which attributes. Whatever else the tenant holds does not
   exist for this principal: give it to the store with each query.
2. Without a permission ``nothing`` is seen, and ``reason`` says why.
3. With the action *aggregate*, single entities are never shown: an answer may go out if it was made of at least
   ``smallest_group`` of the entities that are seen, and else not. ``wider`` shows more, to larger groups: try it
   when this view is not enough. What the view of *read* shows may be aggregated without any group, so ask for
   that one first.
4. ``obligations`` go with the answer: say them to whoever gets it.
5. Unless ``public``, the answer may hold what not everybody may see: log it, under ``rules``.
6. From ``until`` on the rules may say something else: ask again. They also do when the counter of the
   rules has changed.

Views are compared by value, and are made once for all who are under the same rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

from hansa.ngsild.query import Either, Every, Seen

__all__ = ["ACTIONS", "ALL", "NONE", "Action", "Obligation", "View"]

Action = Literal["read", "aggregate", "subscribe", "republish"]

ACTIONS: Final[tuple[Action, ...]] = get_args(Action)

ALL: Final = Every()
"""The portion that all entities are in."""

NONE: Final = Either()
"""The portion that no entity is in."""


_WHOLE: Final = Seen()
"""One object for all, so that what is worked out from it is worked out once."""


@dataclass(frozen=True, slots=True)
class Obligation:
    """What whoever gets an answer must do.

    Attributes:
        kind: "attribution" (name the source as `text` says), "log" (the reading is logged, whatever was read),
            "delete" (delete what was read after `text`, an ISO 8601 duration), "no-transfer" (do not pass it on).
        text: what the kind needs said; "" if nothing.
    """

    kind: Literal["attribution", "log", "delete", "no-transfer"]
    text: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """What one principal may see by one action in one tenant; see the module for how it is read.

    Attributes:
        action: what the view is for.
        seen: the entities that are there, and their attributes that are there.
        smallest_group: for *aggregate*, of how many entities an answer must at least be made; else 1.
        wider: for *aggregate*, what is there for larger groups; ``None`` if nothing more is.
        obligations: what goes with the answer.
        reason: in one sentence, why this may be seen, or why nothing may.
        rules: identifiers of the rules that concern the principal, permissions first.
        public: whether everybody may see all of this, so that reading it need not be logged.
        until: when to ask again; ``None``: when the rules change.
    """

    action: Action
    seen: Seen
    smallest_group: int = 1
    wider: View | None = None
    obligations: tuple[Obligation, ...] = ()
    reason: str = ""
    rules: tuple[str, ...] = ()
    public: bool = False
    until: datetime | None = None

    @property
    def whole(self) -> bool:
        """Whether everything is there: nothing needs to be filtered."""
        return self.seen.entities == ALL and self.seen.all_attributes

    @property
    def nothing(self) -> bool:
        """Whether nothing is there, whatever the tenant holds."""
        return self.seen.entities == NONE and (self.wider is None or self.wider.nothing)

    @classmethod
    def everything(cls, action: Action, reason: str) -> View:
        """The view of those whom no rule concerns, such as the operator."""
        return cls(action, _WHOLE, reason=reason)
