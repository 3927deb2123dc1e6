"""The names and private keys of a log and of its witness: made at the first start, kept in the folder.

``log.key`` and ``witness.key`` are Ed25519 keys (PKCS #8, PEM), readable by the node's user alone. The
origin, under which the log is known, stands in ``origin`` and never changes, because the keys' identifiers
contain it. The two keys differ: a cosignature does not say in whose name it was made.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from hansa.kernel.errors import Unavailable
from hansa.kernel.folder import sync
from hansa.trust.log.notes import COSIGNATURE, ED25519, Signer

__all__ = ["KEY_FILES", "Keys", "put", "suggested_origin"]

_LOG: Final = "log.key"
_WITNESS: Final = "witness.key"
_ORIGIN: Final = "origin"
KEY_FILES: Final = (_LOG, _WITNESS)
"""The files that nobody but the node's user may read."""


class Keys:
    """The two signers of a node."""

    def __init__(self, origin: str, log: Ed25519PrivateKey, witness: Ed25519PrivateKey) -> None:
        self.origin = origin
        self.log = Signer(origin, ED25519, log)
        self.witness = Signer(_witness_name(origin), COSIGNATURE, witness)

    @classmethod
    def of(cls, root: Path, suggested: str) -> Keys:
        """The keys in `root`, made now if nothing was ever signed there.

        Raises:
            Unavailable: they cannot be read or written, or one is lost.
        """
        try:
            if not (root / _ORIGIN).exists():
                put(root / _ORIGIN, f"{suggested}\n".encode())
            origin = (root / _ORIGIN).read_text(encoding="utf-8").strip()
            used = (root / "checkpoint").exists()
            return cls(origin, *(_key(root / name, used) for name in (_LOG, _WITNESS)))
        except (OSError, ValueError) as error:
            raise Unavailable(
                "the keys of the log",
                f"cannot be used ({error})",
                "restore them from a backup (hansa restore), or give the node the right to read them",
            ) from error


def _key(path: Path, used: bool) -> Ed25519PrivateKey:
    if not path.exists():
        if used:
            raise ValueError(f"{path.name} is lost, and with it was signed already")
        made = Ed25519PrivateKey.generate()
        put(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    found = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(found, Ed25519PrivateKey):
        raise ValueError(f"{path.name} is no Ed25519 key")
    return found


def suggested_origin(base_url: str, chance: bytes) -> str:
    """The name of a new log: its address without scheme, or, where none is set, a chance one."""
    parts = urlsplit(base_url)
    name = re.sub(r"[^\w.:/-]", "", parts.netloc + parts.path).strip("/")
    return f"{name or f'hansa-{chance.hex()[:12]}'}/log"


def _witness_name(origin: str) -> str:
    return f"{origin.removesuffix('/log')}/witness" if "/log" in origin else f"{origin}/witness"


def put(path: Path, content: bytes) -> None:
    """Write a small file whole or not at all, for the node's user alone, and for good.

    Raises:
        OSError: the disk refused; what was there is there still.
    """
    draft = path.with_name(path.name + ".new")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync(path.parent)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
