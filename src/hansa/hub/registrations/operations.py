"""Names of operations that a context source may offer, and of groups of them (clause 4.20)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["AUXILIARY", "DEFAULT", "DEFAULT_AUXILIARY", "GROUPS", "NAMES", "expanded"]

_PROVISION: Final = frozenset(
    "createEntity updateEntity appendAttrs updateAttrs deleteAttrs deleteEntity createBatch upsertBatch "
    "updateBatch deleteBatch upsertTemporal appendAttrsTemporal deleteAttrsTemporal "
    "updateAttrInstanceTemporal deleteAttrInstanceTemporal deleteTemporal mergeEntity replaceEntity "
    "replaceAttrs mergeBatch purgeEntity".split()
)
_TYPES: Final = frozenset(
    "retrieveEntityTypes retrieveEntityTypeDetails retrieveEntityTypeInfo retrieveAttrTypes "
    "retrieveAttrTypeDetails retrieveAttrTypeInfo".split()
)
_CONSUMPTION: Final = _TYPES | frozenset(
    "retrieveEntity queryEntity queryBatch retrieveTemporal queryTemporal".split()
)
_SUBSCRIPTION: Final = frozenset(
    "createSubscription updateSubscription retrieveSubscription querySubscription "
    "deleteSubscription".split()
)
_MAPS: Final = frozenset(
    "retrieveEntityMap updateEntityMap deleteEntityMap createEntityMapQueryEntity".split()
)
_SUPPORT: Final = _MAPS | {"createEntityMapQueryTemporal", "retrieveContextSourceIdentity"}

NAMES: Final = _PROVISION | _CONSUMPTION | _SUBSCRIPTION | _SUPPORT
"""Every operation that has a name (Table 4.20-1)."""

_ASSOCIATION: Final = (
    _TYPES
    | _SUBSCRIPTION
    | {"retrieveEntity", "queryEntity", "queryBatch", "retrieveContextSourceIdentity"}
)
_UPDATE: Final = frozenset({"updateEntity", "updateAttrs", "replaceEntity", "replaceAttrs"})

GROUPS: Final[dict[str, frozenset[str]]] = {
    "federationOps": _ASSOCIATION | _MAPS,
    "associationOps": _ASSOCIATION,
    "updateOps": _UPDATE,
    "retrieveOps": frozenset({"retrieveEntity", "queryEntity"}),
    "redirectionOps": _UPDATE
    | _TYPES
    | _MAPS
    | frozenset(
        "createEntity appendAttrs deleteAttrs deleteEntity mergeEntity retrieveEntity queryEntity "
        "purgeEntity retrieveContextSourceIdentity".split()
    ),
}
"""The groups and what they stand for (Table 4.20-2)."""

DEFAULT: Final = ("federationOps",)
"""What a registration offers that does not say."""

DEFAULT_AUXILIARY: Final = ("retrieveOps",)
"""What an auxiliary one offers that does not say: all that it may."""

AUXILIARY: Final = frozenset({"retrieveOps", "retrieveEntity", "queryEntity"})
"""What an auxiliary registration may offer (clause 5.9.2)."""


def expanded(names: Iterable[str]) -> frozenset[str]:
    """The operations that names of operations and groups stand for."""
    found: set[str] = set()
    for name in names:
        found |= GROUPS.get(name, {name})
    return frozenset(found)
