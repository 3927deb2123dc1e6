"""Signed notes, checkpoints and cosignatures (C2SP signed-note, tlog-checkpoint, tlog-cosignature). Pure.

A *note* is text with signature lines below. A *checkpoint* is a note that names a log, the size of its
tree and its root. A *cosignature* is a witness's signature on a checkpoint, with the time. A *vkey* is a
key to verify with, as text. Only Ed25519 is spoken; signatures by unknown keys are ignored, as the
specification asks.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = [
    "COSIGNATURE",
    "ED25519",
    "Checkpoint",
    "Note",
    "NoteFault",
    "Signature",
    "Signer",
    "Verifier",
    "cosigned_at",
    "decoded",
    "encoded",
    "known",
]

ED25519: Final = 0x01
COSIGNATURE: Final = 0x04
_LONGEST: Final = 1_000_000
_MOST_SIGNATURES: Final = 100
_LINE: Final = re.compile(r"— ([^ +\s]+) ([A-Za-z0-9+/]+={0,2})")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class NoteFault(ValueError):
    """A note, key or signature that is not as the specification has it; the text says what is wrong."""


def encoded(content: bytes) -> str:
    """Standard Base64."""
    return base64.b64encode(content).decode()


def decoded(text: str, what: str) -> bytes:
    """From standard Base64, with nothing tolerated.

    Raises:
        NoteFault: it is none; `what` names it.
    """
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise NoteFault(f"{what} is not Base64") from fault
    if encoded(content) != text:
        raise NoteFault(f"{what} is not Base64 in its only form")
    return content


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who, the key's identifier, and what the key made."""

    name: str
    key_id: bytes
    content: bytes

    @property
    def line(self) -> str:
        """As it stands below a note."""
        return f"— {self.name} {encoded(self.key_id + self.content)}\n"

    @classmethod
    def parse(cls, line: str) -> Signature:
        """From a line without its end.

        Raises:
            NoteFault: it is no signature line.
        """
        found = _LINE.fullmatch(line)
        content = decoded(found[2], "a signature") if found else b""
        if found is None or len(content) < 5:
            raise NoteFault("a line below the note is no signature")
        return cls(found[1], content[:4], content[4:])


@dataclass(frozen=True, slots=True)
class Note:
    """Text that ends with a line's end, and the signatures on it."""

    text: str
    signatures: tuple[Signature, ...] = ()

    @classmethod
    def parse(cls, content: bytes) -> Note:
        """A note from its bytes. Nothing is verified.

        Raises:
            NoteFault: it is no note.
        """
        if len(content) > _LONGEST:
            raise NoteFault("the note is too long")
        try:
            whole = content.decode()
        except UnicodeDecodeError as fault:
            raise NoteFault("the note is not UTF-8") from fault
        if any(char < " " and char != "\n" for char in whole):
            raise NoteFault("the note holds control characters")
        text, gap, below = whole.rpartition("\n\n")
        if not gap or not below.endswith("\n"):
            raise NoteFault("the note has no signatures below an empty line")
        lines = below[:-1].split("\n")
        if len(lines) > _MOST_SIGNATURES:
            raise NoteFault("the note has too many signatures")
        return cls(text + "\n", tuple(Signature.parse(line) for line in lines))

    def to_bytes(self) -> bytes:
        """The note as it is sent and kept."""
        return (self.text + "\n" + "".join(each.line for each in self.signatures)).encode()

    def signed(self, *signatures: Signature) -> Note:
        """The note with further signatures; one by the same key is replaced."""
        keys = {(each.name, each.key_id) for each in signatures}
        kept = [each for each in self.signatures if (each.name, each.key_id) not in keys]
        return Note(self.text, (*kept, *signatures))


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key by its name: that of a log, or of a witness."""

    name: str
    type: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """What tells the key's signatures apart."""
        return hashlib.sha256(self.name.encode() + b"\n" + self._encoding).digest()[:4]

    @property
    def _encoding(self) -> bytes:
        return bytes([self.type]) + self.public

    @property
    def vkey(self) -> str:
        """The key as text: name, identifier, and the key in Base64."""
        return f"{self.name}+{self.key_id.hex()}+{encoded(self._encoding)}"

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        """A key from its text.

        Raises:
            NoteFault: it is none, or of a kind that is not spoken here.
        """
        name, _, rest = vkey.strip().partition("+")
        id, _, content = rest.partition("+")
        raw = decoded(content, "the key")
        if not name or any(char.isspace() for char in name) or len(raw) != 33:
            raise NoteFault("the key is not of the form name+id+key")
        if raw[0] not in (ED25519, COSIGNATURE):
            raise NoteFault("the key is of a kind other than Ed25519")
        key = cls(name, raw[0], raw[1:])
        if key.key_id.hex() != id:
            raise NoteFault("the key's identifier does not fit the key")
        return key

    def matches(self, signature: Signature) -> bool:
        """Whether a signature claims to be by this key."""
        return signature.name == self.name and signature.key_id == self.key_id

    def verify(self, note: Note) -> list[Signature]:
        """The signatures by this key, all of them good; none if there is none.

        Raises:
            NoteFault: one claims to be by this key and is not.
        """
        found = [each for each in note.signatures if self.matches(each)]
        for signature in found:
            if not self._is_good(note, signature):
                raise NoteFault(f"the signature of {self.name} does not verify")
        return found

    def _is_good(self, note: Note, signature: Signature) -> bool:
        message, content = note.text.encode(), signature.content
        if self.type == COSIGNATURE:
            if len(content) != 72:
                return False
            message = _cosigned(note.text, int.from_bytes(content[:8], "big"))
            content = content[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(content, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def cosigned_at(signature: Signature) -> int:
    """When a witness cosigned, in seconds since 1970."""
    return int.from_bytes(signature.content[:8], "big")


def _cosigned(text: str, moment: int) -> bytes:
    return f"cosignature/v1\ntime {moment}\n{text}".encode()


class Signer:
    """A private key by its name."""

    def __init__(self, name: str, type: int, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.verifier = Verifier(name, type, private.public_key().public_bytes_raw())

    def sign(self, text: str) -> Signature:
        """A signature on a note's text."""
        return Signature(
            self.verifier.name, self.verifier.key_id, self._private.sign(text.encode())
        )

    def cosign(self, text: str, moment: int) -> Signature:
        """A witness's signature on a checkpoint's text, made at `moment` (seconds since 1970)."""
        content = moment.to_bytes(8, "big") + self._private.sign(_cosigned(text, moment))
        return Signature(self.verifier.name, self.verifier.key_id, content)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log's tree."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text that is signed."""
        lines = (self.origin, str(self.size), encoded(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """From a note's text.

        Raises:
            NoteFault: it is no checkpoint.
        """
        lines = text.split("\n")[:-1]
        if len(lines) < 3 or not all(lines):
            raise NoteFault("a checkpoint has an origin, a size and a root, and no empty line")
        if not _SIZE.fullmatch(lines[1]):
            raise NoteFault("the checkpoint's size is no number")
        root = decoded(lines[2], "the checkpoint's root")
        if len(root) != 32:
            raise NoteFault("the checkpoint's root is no SHA-256")
        return cls(lines[0], int(lines[1]), root, tuple(lines[3:]))


def known(keys: Iterable[str]) -> list[Verifier]:
    """Keys from their texts.

    Raises:
        NoteFault: one is none.
    """
    return [Verifier.parse(key) for key in keys]
