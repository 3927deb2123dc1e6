"""The register of policies: each change checked, logged, then kept; and the question what somebody may see.

Whom no rule concerns (the operator, administrators), and how far a token reaches, the gate knows; for all others the
rules decide. A change counts from the moment at which it is in the vault, in every process that has the vault open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final

from hansa.kernel.clock import Clock
from hansa.kernel.errors import (
    BadRequest,
    Conflict,
    HansaError,
    NotFound,
    Unavailable,
)
from hansa.trust.keeping import check_keeper
from hansa.trust.log.recorder import Recorder
from hansa.trust.policy.model import Policy
from hansa.trust.policy.operands import LIMITS
from hansa.trust.policy.parse import CITY, CONTEXT, POLICY_URN, PROFILE, parse_policy
from hansa.trust.policy.rules import RuleBook
from hansa.trust.policy.shelf import Kept, PolicyShelf
from hansa.trust.policy.view import Action, View
from hansa.trust.principals import LOCAL, Principal
from hansa.trust.vault import Vault

__all__ = ["FIRST", "PUBLISHED", "Policies"]

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_RESERVED: Final = frozenset({"explain", "form"})

FIRST: Final = "published"
"""The name of the policy that every node begins with."""

PUBLISHED: Final[Mapping[str, Any]] = {
    "@context": CONTEXT,
    "@type": "Set",
    "uid": POLICY_URN + FIRST,
    "profile": PROFILE,
    "title": {
        "en": "The city's own data are published",
        "es": "Los datos propios de la ciudad son públicos",
        "fr": "Les données propres de la ville sont publiées",
        "ko": "도시 자체의 데이터는 공개됩니다",
    },
    "target": CITY,
    "permission": [{"action": ["read", "subscribe", "republish"], "assignee": "everyone"}],
}
"""What that policy says."""


class Policies:
    """The policies of a node.

    Args:
        vault: where they are kept.
        recorder: what logs their changes.
        clock: the node's time.
        expand: a short name to its IRI, in the city's words.
    """

    def __init__(
        self, vault: Vault, recorder: Recorder, clock: Clock, expand: Callable[[str], str]
    ) -> None:
        self._shelf = PolicyShelf(vault, clock, (FIRST, PUBLISHED))
        self._recorder = recorder
        self._clock = clock
        self._expand = expand
        self._writing = Lock()
        self._reading = Lock()
        self._book = RuleBook((), -1)
        self._moment: int | None = None

    def begin(self) -> None:
        """Write the first policy, if no policy was ever written.

        Raises:
            Unavailable: it could not be logged or kept.
        """
        with self._writing:
            self._begin()

    def _begin(self) -> None:
        self._shelf.begin(
            lambda name: self._recorder.changed("policy", LOCAL, (_what(name),), "policy.first")
        )

    # -- asking -------------------------------------------------------------------------------------

    @property
    def counter(self) -> int:
        """A number that grows with every change of the rules, for good and for every process."""
        return self.book().count

    def view(
        self, who: Principal, action: Action, tenant: str | None = None, *, counts: bool = True
    ) -> View:
        """What the rules leave `who` to see by `action` in a tenant (``None`` is the city's own).

        The same object as long as nothing changes. If it `counts`, it is one use of a rule that has a rate, once in a request.

        Raises:
            Unavailable: the rules cannot be read.
        """
        return self.book().view(who, action, tenant, self._clock.now(), counts=counts)

    def book(self) -> RuleBook:
        """The rules as they stand.

        Raises:
            Unavailable: they cannot be read.
        """
        # The order matters: a change that comes in between is seen at the next question.
        moment = self._shelf.moment()
        if moment != self._moment:
            with self._reading:
                count = self._shelf.count()
                if count != self._book.count:
                    book = RuleBook(self._read(), count)
                    book.keep_paces(self._book)
                    self._book = book
                self._moment = moment
        return self._book

    def all(self) -> list[Kept]:
        """The policies that are in force, in order of name."""
        return [each for each in self._shelf.all() if each.document is not None]

    def get(self, name: str) -> Kept:
        """The newest version of a policy, withdrawn or not.

        Raises:
            NotFound: there never was one of that name.
        """
        found = self._shelf.newest(name)
        if found is None:
            raise NotFound(f"policy {name[:64]}", "does not exist", "look at the list of policies")
        return found

    def versions(self, name: str) -> list[Kept]:
        """All versions of a policy, the newest first.

        Raises:
            NotFound: there never was one of that name.
        """
        newest = self.get(name)
        numbers = range(newest.version, 0, -1)
        return [kept for n in numbers if (kept := self._shelf.version(name, n)) is not None]

    def parsed(self, name: str, document: object) -> Policy:
        """The policy that `document` says, if it may be declared under that name; nothing is changed.

        Raises:
            BadRequest: it may not.
        """
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise BadRequest(
                "the name of the policy",
                f"'{name[:64]}' is none",
                "use small letters, digits and hyphens",
            )
        old = self._shelf.newest(name)
        version = 1 if old is None else old.version + 1
        return parse_policy(name, document, self._expand, version=version)

    # -- changing -----------------------------------------------------------------------------------

    def declare(self, who: Principal, name: str, document: object) -> Kept:
        """Put a policy in force, or in the place of the one of that name.

        Raises:
            Forbidden, Unauthorized: `who` may not.
            BadRequest: it is not of the profile; says where.
            Conflict: there are too many.
            Unavailable: it could not be logged or kept; the rules are as they were.
        """
        self.check(who, name)
        with self._writing:
            self._begin()
            policy = self.parsed(name, document)
            old = self._shelf.newest(name)
            if old is None and len(self._shelf.all()) >= LIMITS["policies of a node"]:
                raise Conflict("the policies", "are too many", "make one of several")
            reason = "policy.added" if old is None or old.document is None else "policy.changed"
            self._recorder.changed("policy", who, (_what(name),), reason, (_code(policy),))
            return self._shelf.write(name, policy.document)

    def withdraw(self, who: Principal, name: str) -> Kept:
        """Take a policy out of force; its versions stay.

        Raises:
            Forbidden, Unauthorized: `who` may not.
            NotFound: there is none in force.
            Unavailable: it could not be logged or kept; the rules are as they were.
        """
        self.check(who, name)
        with self._writing:
            self._begin()
            if self.get(name).document is None:
                raise NotFound(f"policy {name}", "is withdrawn already", "nothing is left to do")
            self._recorder.changed("policy", who, (_what(name),), "policy.withdrawn")
            return self._shelf.write(name, None)

    def restore(self, who: Principal, name: str, version: int) -> Kept:
        """Put an earlier version of a policy in force again, as a new version.

        Raises:
            Forbidden, Unauthorized: `who` may not.
            NotFound: there is no such version.
            BadRequest: it says what the profile no longer does.
            Unavailable: it could not be logged or kept; the rules are as they were.
        """
        self.check(who, name)
        with self._writing:
            self._begin()
            self.get(name)
            earlier = self._shelf.version(name, version)
            if earlier is None or earlier.document is None:
                fact = "does not exist" if earlier is None else "says that it was withdrawn"
                raise NotFound(f"version {version} of policy {name}", fact, "look at its versions")
            policy = self.parsed(name, earlier.document)
            code = _code(policy)
            self._recorder.changed("policy", who, (_what(name),), "policy.restored", (code,))
            return self._shelf.write(name, policy.document, restores=version)

    def check(self, who: Principal, name: str) -> None:
        """See that `who` may change the rules.

        Raises:
            Forbidden, Unauthorized: `who` may not; that is logged.
        """
        check_keeper(who, self._recorder, "policy", name, "the register of policies")

    def _read(self) -> list[Policy]:
        """Every policy in force. One that cannot be read shuts the gate: it might prohibit."""
        found = []
        for kept in self.all():
            try:
                found.append(
                    parse_policy(kept.name, kept.document, self._expand, version=kept.version)
                )
            except HansaError as error:
                raise Unavailable(
                    f"policy {kept.name}",
                    "cannot be read, and might prohibit something",
                    "it may be of a newer Hansa: use that, or withdraw it",
                ) from error
        return found


def _what(name: str) -> str:
    return f"policy:{name}"


def _code(policy: Policy) -> str:
    """How the log names this version of it, as the identifiers of its rules begin."""
    return policy.rules[0].id.partition("/")[0]
