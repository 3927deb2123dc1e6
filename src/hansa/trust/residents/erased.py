"""What was erased at somebody's wish, and does not come again: not by the next import of its source either.

Kept are digests of identifiers under a key of the node's own, not the identifiers: whoever reads a copy of them without that
key learns nothing, and whoever has the node can try only what they know already.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

from hansa.kernel.errors import Forbidden, InternalError, NotFound
from hansa.ngsild.model import Entity
from hansa.trust.vault import Record, Vault

__all__ = ["Erased"]

_KIND: Final = "erased"
_KEY: Final = "key"


class Erased:
    """The identifiers that are not taken in any more. It knows none until :meth:`open` is called."""

    def __init__(self) -> None:
        self._vault: Vault | None = None
        self._key = b""
        self._digests: set[str] = set()

    def open(self, vault: Vault) -> None:
        """Read what was erased so far, and keep there what will be."""

        def kept(old: Record | None) -> tuple[Record, Record]:
            found = old or {"id": _KEY, "key": secrets.token_hex(32)}
            return found, found

        self._vault = vault
        self._key = bytes.fromhex(str(vault.edit(_KIND, _KEY, kept)["key"]))
        self._digests = {each["id"] for each in vault.all(_KIND) if each["id"] != _KEY}

    def add(self, id: str) -> None:
        """Take an identifier in no more; durable when this returns."""
        digest = self._digest(id)
        self._kept().put(_KIND, digest, {"id": digest})
        self._digests.add(digest)

    def remove(self, id: str) -> None:
        """Take an identifier in again.

        Raises:
            NotFound: it was not erased.
        """
        digest = self._digest(id)
        if digest not in self._digests:
            raise NotFound(f"entity {id[:200]}", "was not erased here", "check its identifier")
        self._kept().drop(_KIND, digest)
        self._digests.discard(digest)

    def check(self, entity: Entity) -> None:
        """Refuse an entity that was erased; asked of every one that is new.

        Raises:
            Forbidden: it was.
        """
        if self._digests and self._digest(entity["id"]) in self._digests:
            raise Forbidden(
                f"entity {entity['id']}",
                "was erased at the wish of whom it concerns",
                "take it out of the source; if they agree to it again: hansa resident readmit",
            )

    def _kept(self) -> Vault:
        if self._vault is None:
            raise InternalError("what was erased", "cannot be kept: it was not opened")
        return self._vault

    def _digest(self, id: str) -> str:
        return hmac.new(self._key, id.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
