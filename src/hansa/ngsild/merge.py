"""How a write changes an entity: create, append, update, merge-patch, replace, delete (clause 5.6).

Pure functions on the internal form. Each takes the entity as it stands and what came in, and returns
the entity as it will stand, sharing the parts that stay the same; the arguments are never changed. If
nothing changes, the very same object comes back. `now` is the instant of the write as text
(:func:`hansa.kernel.clock.iso`) and becomes createdAt or modifiedAt of what changed.

A patch may hold NGSI-LD Null, which asks for removal (clauses 5.5.8 and 5.5.12).
"""

from __future__ import annotations

from typing import Any

from hansa.kernel.errors import BadRequest, NotFound
from hansa.ngsild.expand import is_deletion
from hansa.ngsild.geojson import from_geojson
from hansa.ngsild.model import (
    ENTITY_MEMBERS,
    INSTANCE_MEMBERS,
    NULL,
    VALUE_MEMBER,
    Entity,
    Instance,
    attributes,
)
from hansa.ngsild.values import is_null_value

__all__ = [
    "append",
    "create",
    "delete_attribute",
    "merge_patch",
    "newborn",
    "partial_update",
    "replace",
    "replace_attribute",
    "update",
]

_VALUE_MEMBERS = frozenset(VALUE_MEMBER.values())


def create(entity: Entity, now: str) -> Entity:
    """`entity` as it is first stored, with its times of creation."""
    born = {"createdAt": now, "modifiedAt": now}
    made = {"id": entity["id"], "type": entity["type"], **born}
    for name, value in entity.items():
        if name not in ENTITY_MEMBERS:
            one = len(value) == 1
            made[name] = [value[0] | born] if one else [instance | born for instance in value]
        elif name not in made:
            made[name] = value
    return made


def newborn(entity: Entity, now: str) -> Entity:
    """As :func:`create`, of an entity whose attributes bear their times already (``Rules.born``)."""
    born = {"id": entity["id"], "type": entity["type"], "createdAt": now, "modifiedAt": now}
    return born | entity


def replace(current: Entity, entity: Entity, now: str) -> Entity:
    """The whole content becomes `entity`; the time of creation stays (clause 5.6.18)."""
    made = create(entity | {"id": current["id"]}, now)
    made["createdAt"] = current["createdAt"]
    return made


def append(
    current: Entity, fragment: Entity, now: str, *, overwrite: bool = True
) -> tuple[Entity, list[str]]:
    """Add the attributes of `fragment` (clause 5.6.3).

    Returns:
        The new entity and the names of the attributes that were left as they are because they exist
        and `overwrite` is off.
    """
    changed = _with_types(current, fragment)
    if "scope" in fragment:
        old = [] if overwrite else current.get("scope", [])
        changed["scope"] = list(dict.fromkeys([*old, *fragment["scope"]]))
    _patch_expiry(fragment, changed)
    kept: list[str] = []
    for name, incoming in attributes(fragment):
        present = current.get(name, [])
        fresh = incoming if overwrite else [i for i in incoming if _find(present, i) is None]
        if len(fresh) < len(incoming):
            kept.append(name)
        if fresh:
            changed[name] = _put(present, fresh, now)
    return _stamped(current, changed, now), kept


def update(current: Entity, fragment: Entity, now: str) -> Entity:
    """Replace the attribute instances that `fragment` names, add new ones, remove nulls (5.6.2).

    A scope is replaced, but not added to an entity without one.
    """
    changed = _with_types(current, fragment)
    if "scope" in current or fragment.get("scope") == [NULL]:
        _patch_scope(fragment, changed)
    _patch_expiry(fragment, changed)
    for name, incoming in attributes(fragment):
        _set(changed, name, _patched(current.get(name, []), incoming, now, merge=False))
    return _stamped(current, changed, now)


def merge_patch(current: Entity, fragment: Entity, now: str) -> Entity:
    """Merge `fragment` into the entity to any depth (clauses 5.6.17 and 5.5.12)."""
    changed = _with_types(current, fragment)
    _patch_scope(fragment, changed)
    _patch_expiry(fragment, changed)
    for name, incoming in attributes(fragment):
        _set(changed, name, _patched(current.get(name, []), incoming, now, merge=True))
    return _stamped(current, changed, now)


def partial_update(current: Entity, name: str, patch: Instance, now: str) -> Entity:
    """Change only the given members of one attribute instance (clauses 5.6.4 and 5.5.8).

    A patch without ``type`` means the kind of the stored attribute. NGSI-LD Null as the value removes
    the instance.

    Raises:
        NotFound: the attribute, or its instance with that datasetId, is not there.
        BadRequest: the patch would change the kind of the attribute.
    """
    present = _present(current, name)
    index = _find(present, patch)
    if index is None:
        raise _no_attribute(current, name, patch.get("datasetId"))
    old = present[index]
    own = VALUE_MEMBER[old["type"]]
    _check_same_kind(current, name, old, patch)
    changed = dict(current)
    if is_null_value(old["type"], patch.get(own)):
        _set(changed, name, [*present[:index], *present[index + 1 :]])
    else:
        new = _overlaid(old, patch, now)
        changed[name] = [*present[:index], new, *present[index + 1 :]]
    return _stamped(current, changed, now)


def _check_same_kind(current: Entity, name: str, old: Instance, patch: Instance) -> None:
    kind = old["type"]
    value = patch.get("value")
    not_a_place = kind == "GeoProperty" and "type" not in patch and value not in (None, NULL)
    if patch.get("type", kind) != kind or not _VALUE_MEMBERS & patch.keys() <= {VALUE_MEMBER[kind]}:
        raise BadRequest(
            f"attribute {name} of {current['id']}",
            f"it is a {kind}, which the patch would change",
            "replace the attribute (PUT) to change its kind",
        )
    if not_a_place:
        from_geojson(value, f"attribute {name} of {current['id']}")


def replace_attribute(current: Entity, name: str, instances: list[Instance], now: str) -> Entity:
    """Put `instances` in the place of the attribute's instances of the same datasets (5.6.19)."""
    present = _present(current, name)
    for instance in instances:
        if _find(present, instance) is None:
            raise _no_attribute(current, name, instance.get("datasetId"))
    return _stamped(current, {**current, name: _put(present, instances, now)}, now)


def delete_attribute(
    current: Entity, name: str, now: str, *, dataset_id: str | None = None, all: bool = False
) -> Entity:
    """Remove an attribute: the default instance, the one of `dataset_id`, or all (clause 5.6.5)."""
    present = _present(current, name)
    left = [] if all else [i for i in present if i.get("datasetId") != dataset_id]
    if len(left) == len(present):
        raise _no_attribute(current, name, dataset_id)
    changed = dict(current)
    _set(changed, name, left)
    return _stamped(current, changed, now)


def _with_types(current: Entity, fragment: Entity) -> Entity:
    """A shallow copy of `current` that also has the types of `fragment`."""
    changed = dict(current)
    if "type" in fragment:
        changed["type"] = list(dict.fromkeys([*current["type"], *fragment["type"]]))
    return changed


def _patch_scope(fragment: Entity, changed: Entity) -> None:
    if "scope" in fragment:
        _set(changed, "scope", None if fragment["scope"] == [NULL] else fragment["scope"])


def _patch_expiry(fragment: Entity, changed: Entity) -> None:
    if "expiresAt" in fragment:
        gone = fragment["expiresAt"] == NULL
        _set(changed, "expiresAt", None if gone else fragment["expiresAt"])


def _find(present: list[Instance], instance: Instance) -> int | None:
    wanted = instance.get("datasetId")
    for index, there in enumerate(present):
        if there.get("datasetId") == wanted:
            return index
    return None


def _put(present: list[Instance], incoming: list[Instance], now: str | None) -> list[Instance]:
    """`present` with the instances of `incoming` in their places; createdAt stays.

    Without `now` they are sub-attributes, which bear no times of their own.
    """
    result = list(present)
    for instance in incoming:
        index = _find(result, instance)
        new = dict(instance)
        if now is not None:
            new["createdAt"] = now if index is None else result[index]["createdAt"]
            new["modifiedAt"] = now
        if index is None:
            result.insert(len(result) if "datasetId" in instance else 0, new)
        else:
            result[index] = new
    return result


def _patched(
    present: list[Instance], incoming: list[Instance], now: str | None, *, merge: bool
) -> list[Instance]:
    result = list(present)
    for instance in incoming:
        index = _find(result, instance)
        if is_deletion(instance):
            if index is not None:
                del result[index]
        elif index is not None and merge and result[index]["type"] == instance["type"]:
            result[index] = _overlaid(result[index], instance, now, deep=True)
        else:
            result = _put(result, [_without_nulls(instance)], now)
    return [instance for instance in result if not _is_void(instance)]


def _is_void(instance: Instance) -> bool:
    """Whether the last text of a LanguageProperty was removed: such an instance has no value."""
    return instance.get("languageMap") == {}


def _overlaid(old: Instance, patch: Instance, now: str | None, *, deep: bool = False) -> Instance:
    """`old` with the members of `patch` laid over it; NGSI-LD Null removes a member."""
    new = dict(old)
    own = VALUE_MEMBER[old["type"]]
    for member, content in patch.items():
        if member == own and deep:
            new[own] = _merged_json(old.get(own), content)
        elif member in INSTANCE_MEMBERS:
            _set(new, member, None if content == NULL else content)
        else:
            _set(new, member, _patched(old.get(member, []), content, None, merge=deep))
    if now is not None:
        new["modifiedAt"] = now
    return new


def _merged_json(old: Any, new: Any) -> Any:
    """JSON Merge Patch (RFC 7396) with NGSI-LD Null in the place of null."""
    if not isinstance(new, dict):
        return new
    result = dict(old) if isinstance(old, dict) else {}
    for key, content in new.items():
        if content == NULL:
            result.pop(key, None)
        else:
            result[key] = _merged_json(result.get(key), content)
    return result


def _without_nulls(instance: Instance) -> Instance:
    """A patch's instance as a new one: what it only asked to remove is left out."""
    own = VALUE_MEMBER[instance["type"]]
    clean = {}
    for member, content in instance.items():
        if member == own:
            clean[member] = _merged_json(None, content)
        elif content == NULL:
            continue
        elif member in INSTANCE_MEMBERS:
            clean[member] = content
        else:
            kept = [_without_nulls(i) for i in content if not is_deletion(i)]
            _set(clean, member, [i for i in kept if not _is_void(i)])
    return clean


def _set(target: dict[str, Any], name: str, content: Any) -> None:
    """Put `content`, or drop the member when nothing is left of it."""
    if content is None or content == []:
        target.pop(name, None)
    else:
        target[name] = content


def _present(current: Entity, name: str) -> list[Instance]:
    found = current.get(name)
    if found is None or name in ENTITY_MEMBERS:
        raise _no_attribute(current, name, None)
    return list(found)


def _no_attribute(current: Entity, name: str, dataset_id: str | None) -> NotFound:
    which = f" with datasetId {dataset_id}" if dataset_id else ""
    return NotFound(f"entity {current['id']}", f"it has no attribute {name}{which}")


def _stamped(current: Entity, changed: Entity, now: str) -> Entity:
    """`changed` with its time of modification, or `current` itself if they are equal."""
    if changed == current:
        return current
    changed["modifiedAt"] = now
    return changed
