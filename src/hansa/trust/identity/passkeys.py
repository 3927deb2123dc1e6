"""Passkeys (WebAuthn): a key in somebody's device or password manager that opens an account, and this node's pages alone.

The device asks for a finger, a face or a PIN before it signs (user verification is required), so a passkey is two factors in
one: the password and the app are not asked. What is signed is a challenge of this node, good once and for ten minutes,
together with the page's origin, so that a page elsewhere that looks the same gets nothing of use.

A passkey belongs to a name in the address bar; a node that is reached by an IP address has none.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from hansa.kernel.clock import Clock, iso
from hansa.kernel.errors import BadRequest, Conflict, NotFound, Unauthorized
from hansa.trust.identity.accounts import Account, Accounts
from hansa.trust.identity.seals import Seals
from hansa.trust.vault import Vault

__all__ = ["Passkeys", "Place", "place_of"]

_ADD: Final = "passkey-add"
_ENTER: Final = "passkey-enter"
_PASSKEY: Final = "passkey"
_MOST: Final = 20
_LONGEST: Final = 16_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pages of a node are: the name that passkeys belong to, and the origin."""

    name: str
    origin: str


def place_of(address: str) -> Place | None:
    """Where passkeys are good for pages at `address`; ``None`` if they cannot be used there."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if host and (parts.scheme == "https" or host == "localhost"):
            return Place(host, f"{parts.scheme}://{parts.netloc}")
    return None


class Passkeys:
    """The passkeys of a node's accounts."""

    def __init__(self, vault: Vault, accounts: Accounts, clock: Clock, city: str) -> None:
        self._vault, self._accounts, self._clock, self._city = vault, accounts, clock, city
        self._seals = Seals(clock)

    # -- adding ------------------------------------------------------------------------------------

    def to_add(self, account: Account, place: Place) -> dict[str, Any]:
        """What a browser needs to make a passkey: ``options`` for it, and ``sealed`` to send back.

        Raises:
            Conflict: the account has too many.
        """
        from webauthn import generate_registration_options
        from webauthn.helpers import options_to_json_dict
        from webauthn.helpers.structs import (
            AuthenticatorSelectionCriteria,
            ResidentKeyRequirement,
            UserVerificationRequirement,
        )

        if len(account.passkeys) >= _MOST:
            fact = f"has {_MOST} passkeys already"
            raise Conflict(f"account {account.name}", fact, "remove one first")
        challenge = secrets.token_bytes(32)
        options = generate_registration_options(
            rp_id=place.name,
            rp_name=self._city,
            user_id=hashlib.sha256(f"{account.name} {account.created}".encode()).digest(),
            user_name=account.name,
            user_display_name=account.full_name or account.name,
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[_descriptor(each["id"]) for each in account.passkeys],
        )
        kept = {"challenge": challenge.hex(), "account": account.name}
        return {"options": options_to_json_dict(options), "sealed": self._seals.sealed(_ADD, kept)}

    def add(self, account: Account, place: Place, sealed: str, answer: str, name: str) -> None:
        """Keep the passkey that a browser made.

        Raises:
            BadRequest: it is not what was asked for, or is there already.
        """
        from webauthn import verify_registration_response

        kept = self._seals.opened_once(_ADD, sealed)
        if kept["account"] != account.name:
            raise BadRequest("the passkey", "was asked for by another account", "begin again")
        try:
            made = verify_registration_response(
                credential=_read(answer),
                expected_challenge=bytes.fromhex(kept["challenge"]),
                expected_rp_id=place.name,
                expected_origin=place.origin,
                require_user_verification=True,
            )
        except Exception as fault:  # what it reads is hostile, and it raises many things
            raise BadRequest("the passkey", "is not one that was asked for", "try again") from fault
        key: dict[str, Any] = {
            "id": made.credential_id.hex(),
            "key": made.credential_public_key.hex(),
            "count": made.sign_count,
            "name": name.strip()[:80] or "passkey",
            "made": iso(self._clock.now()),
            "used": "",
        }
        with suppress(LookupError):
            self._found(key["id"])
            raise BadRequest("the passkey", "is in use already", "log in with it")
        self._vault.put(_PASSKEY, _index(key["id"]), {"account": account.name})
        self._accounts.change(account.name, lambda old: replace(old, passkeys=(*old.passkeys, key)))

    def remove(self, account: Account, id: str) -> None:
        """Take a passkey away.

        Raises:
            NotFound: the account has none of that identifier.
        """
        if all(each["id"] != id for each in account.passkeys):
            raise NotFound("the passkey", "is not one of this account", "load the page again")
        self._accounts.change(
            account.name,
            lambda old: replace(
                old, passkeys=tuple(each for each in old.passkeys if each["id"] != id)
            ),
        )
        self._vault.drop(_PASSKEY, _index(id))

    def forget(self, account: Account) -> None:
        """Take away what leads from the passkeys that an account had to it."""
        self._vault.drop(_PASSKEY, *[_index(each["id"]) for each in account.passkeys])

    # -- entering ----------------------------------------------------------------------------------

    def to_enter(self, place: Place) -> dict[str, Any]:
        """What a browser needs to use a passkey: ``options`` for it, and ``sealed`` to send back."""
        from webauthn import generate_authentication_options
        from webauthn.helpers import options_to_json_dict
        from webauthn.helpers.structs import UserVerificationRequirement

        challenge = secrets.token_bytes(32)
        options = generate_authentication_options(
            rp_id=place.name,
            challenge=challenge,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        sealed = self._seals.sealed(_ENTER, {"challenge": challenge.hex()})
        return {"options": options_to_json_dict(options), "sealed": sealed}

    def owner(self, place: Place, sealed: str, answer: str) -> Account:
        """The account whose passkey answered.

        Raises:
            BadRequest: the challenge was not ours, was used, or is too old.
            Unauthorized: no passkey of an open account did.
        """
        from webauthn import verify_authentication_response

        kept = self._seals.opened_once(_ENTER, sealed)
        try:
            given = _read(answer)
            account, key = self._found(_hex(given["id"]))
            done = verify_authentication_response(
                credential=given,
                expected_challenge=bytes.fromhex(kept["challenge"]),
                expected_rp_id=place.name,
                expected_origin=place.origin,
                credential_public_key=bytes.fromhex(key["key"]),
                credential_current_sign_count=key["count"],
                require_user_verification=True,
            )
        except Exception as fault:  # as above
            raise Unauthorized("the passkey", "opens no account here", "try another") from fault
        used = {**key, "count": done.new_sign_count, "used": iso(self._clock.now())}
        return self._accounts.change(account.name, _with(used))

    def _found(self, id: str) -> tuple[Account, dict[str, Any]]:
        index = self._vault.get(_PASSKEY, _index(id))
        account = self._accounts.get(str(index["account"])) if index else None
        if account is None or account.disabled:
            raise LookupError
        held = [each for each in account.passkeys if each["id"] == id]
        return account, held[0]


def _with(used: dict[str, Any]) -> Any:
    def change(old: Account) -> Account:
        kept = tuple(used if each["id"] == used["id"] else each for each in old.passkeys)
        return replace(old, passkeys=kept)

    return change


def _read(answer: str) -> dict[str, Any]:
    if len(answer) > _LONGEST:
        raise ValueError("too long")
    found = orjson.loads(answer)
    if not isinstance(found, dict):
        raise TypeError("no object")
    return found


def _hex(id: str) -> str:
    from webauthn import base64url_to_bytes

    return base64url_to_bytes(id).hex()


def _descriptor(id: str) -> Any:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    return PublicKeyCredentialDescriptor(id=bytes.fromhex(id))


def _index(id: str) -> str:
    return hashlib.sha256(id.encode()).hexdigest()
