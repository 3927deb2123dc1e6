"""What programs write through the API goes through the steps of their source, too: a store that does them on the way.

Steps that change values run on what a write makes anew of its entity, in memory, before the store sees it. What cannot be
done to one write alone is refused: groups and counts look at many, an identifier's pseudonym would not be the one that the
request names, and one old value cannot be put in the place of another without its entity.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Final, cast

from hansa.kernel.errors import Forbidden, HansaError
from hansa.ngsild.model import ENTITY_MEMBERS, Entity, Instance
from hansa.store.history import Added, Recording, Replaced
from hansa.store.port import Edited, Outcome, Store, Write
from hansa.trust.anonymise.account import Account
from hansa.trust.anonymise.kinds import Count, Keep, Pseudonymise, Suppress
from hansa.trust.anonymise.personal import local_name
from hansa.trust.anonymise.pseudonyms import Key
from hansa.trust.anonymise.steps import Steps

__all__ = ["through_steps"]


def through_steps(
    store: Store, steps: Steps, key: Callable[[], Key | None], note: Callable[[Account], None]
) -> Store:
    """The store, with what is written to it led through the steps.

    Args:
        key: what pseudonyms are made with, now.
        note: is told the sums of each write; from the store's thread.
    """
    return cast(Store, _Doorway(store, steps, key, note))


class _Doorway:
    """Passes everything on but writes of entities and of history."""

    def __init__(
        self,
        store: Store,
        steps: Steps,
        key: Callable[[], Key | None],
        note: Callable[[Account], None],
    ) -> None:
        self._store, self._steps, self._key, self._note = store, steps, key, note
        self._named = {
            local_name(name): name
            for step in steps.steps
            if not isinstance(step, Count | Suppress | Keep)
            for name in step.attributes
        }

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, writes: Sequence[Write]) -> Future[list[Outcome]]:
        """Apply the edits, each followed by the steps."""
        key = self._key()
        return self._store.write([self._led(write, key) for write in writes])

    def record_history(self, recordings: Sequence[Recording]) -> Future[list[Outcome]]:
        """Write history that went through the steps; if one of it may not, none is written."""
        key = self._key()
        try:
            return self._store.record_history([self._recorded(each, key) for each in recordings])
        except HansaError as refusal:
            done: Future[list[Outcome]] = Future()
            done.set_result([refusal for _ in recordings])
            return done

    def _led(self, write: Write, key: Key | None) -> Write:
        def edit(old: Entity | None) -> Edited:
            edited = write.edit(old)
            new = edited.entity
            if new is None or new is old:
                return edited
            return edited._replace(entity=self._revised(new, old, key))

        return Write(write.id, edit, write.keep_history, passed=True)

    def _revised(self, new: Entity, old: Entity | None, key: Key | None) -> Entity:
        """What a write makes of an entity, after the steps: what stood there before is not led through them again."""
        anew = old is None or old["type"] != new["type"]
        before = {} if old is None else old
        fresh: Entity = {}
        for name, value in new.items():
            if name in ENTITY_MEMBERS:
                fresh[name] = value
            elif before.get(name) is not value:
                there = before.get(name, ())
                fresh[name] = [each for each in value if not _is_among(each, there)]
        made = self._through(fresh, key, anew=anew)
        if made is fresh:
            return new
        revised: Entity = {}
        for name, value in new.items():
            if name in ENTITY_MEMBERS or name not in fresh:
                revised[name] = value
            elif instances := _joined(value, fresh[name], made.get(name, [])):
                revised[name] = instances
        return revised

    def _recorded(self, recording: Recording, key: Key | None) -> Recording:
        if isinstance(recording, Replaced):
            return self._replaced(recording)
        if not isinstance(recording, Added):
            return recording
        types = list(recording.types)
        entity = {"id": recording.entity, "type": types, **recording.attributes}
        made = self._through(entity, key)
        left = {name: value for name, value in made.items() if name not in ENTITY_MEMBERS}
        return replace(recording, attributes=left, passed=True)

    def _replaced(self, recording: Replaced) -> Replaced:
        """One old value: of which types its entity is, is not known here."""
        name = recording.attribute
        if local_name(name) in self._named:
            raise _refused("one value of its past", "delete it, and add the new one")
        part: Entity = {"id": recording.entity, "type": [], name: [recording.instance]}
        kept = any(isinstance(s, Keep) and name in s.attributes for s in self._steps.steps)
        return replace(recording, passed=kept and not self._steps.lacking(part, anew=False))

    def _through(self, entity: Entity, key: Key | None, *, anew: bool = True) -> Entity:
        """An entity, or what is new of it, after the steps."""
        self._check(entity)
        account = Account()
        made = self._steps.change(entity, key, account, anew=anew)
        account.passed += made is not None
        self._note(account)
        if made is None:
            what = ", ".join(account.why) or "a value that is hidden stands elsewhere in it"
            raise _refused(f"something personal that no step fits ({what})", "leave it out")
        return made

    def _check(self, entity: Entity) -> None:
        for step in self._steps.steps:
            if not step.is_for(entity):
                continue
            if isinstance(step, Suppress | Count):
                raise _refused("groups of many", "bring them by an import, or as a live source")
            if isinstance(step, Pseudonymise) and "id" in step.attributes:
                raise _refused(
                    "its identifier, which a request names",
                    "bring it by an import, or as a live source",
                )
        for name in entity:
            declared = self._named.get(local_name(name))
            if declared not in {None, name, "observedAt"}:
                raise _refused(
                    f"{name[:200]}, under another name in full", f"send it as {declared}"
                )


def _is_among(instance: Instance, instances: Sequence[Instance]) -> bool:
    return any(each is instance for each in instances)


def _joined(value: list[Instance], fresh: list[Instance], made: list[Instance]) -> list[Instance]:
    """Instances with what steps made of the fresh ones in their places; with the times that the store gave them."""
    givers = [fresh[min(at, len(fresh) - 1)] for at in range(len(made))]
    stamped = [
        {**new, **{name: giver[name] for name in _STAMPS if name in giver}}
        for new, giver in zip(made, givers, strict=True)
    ]
    if len(made) != len(fresh):  # some had no value that fits
        return [each for each in value if not _is_among(each, fresh)] + stamped
    ready = iter(stamped)
    return [next(ready) if _is_among(each, fresh) else each for each in value]


_STAMPS: Final = ("createdAt", "modifiedAt")


def _refused(what: str, remedy: str) -> Forbidden:
    return Forbidden(
        "the entity",
        f"is of a source whose steps are about {what}; nothing of it is stored",
        remedy,
    )
