"""Report keys: age X25519 identities, their wraps, and identities derived from 32 bytes.

Standards: age v1 (https://age-encryption.org/v1), Bech32 (BIP 173) for the text form. README.md beside this file
describes the bytes.
"""

from __future__ import annotations

import secrets
from typing import NewType

import bech32
import pyrage

PublicKey = NewType("PublicKey", str)  # "age1…": the public half
Secret = NewType("Secret", str)  # "AGE-SECRET-KEY-1…": the private half

WRAP_VERSION = b"\x01"


class WrongKey(Exception):
    """The key does not open this; or it opens, and what is inside belongs to another public half."""


def new_secret() -> Secret:
    return secret_from_seed(secrets.token_bytes(32))


def secret_from_seed(seed: bytes) -> Secret:
    """An age identity from 32 secret bytes (they are its X25519 scalar)."""
    if len(seed) != 32:
        raise ValueError("an age identity is made from 32 bytes")
    words = bech32.convertbits(seed, 8, 5) or []
    return Secret(bech32.bech32_encode("age-secret-key-", words).upper())


def public_key_of(secret: Secret) -> PublicKey:
    return PublicKey(str(pyrage.x25519.Identity.from_str(secret).to_public()))


def wrap(secret: Secret, public_key: PublicKey) -> bytes:
    """One version byte, then the 74-byte text form of the identity as an age file for `public_key`."""
    return WRAP_VERSION + bytes(
        pyrage.encrypt(secret.encode(), [pyrage.x25519.Recipient.from_str(public_key)])
    )


def unwrap(wrapped: bytes, secret: Secret, *, expected: PublicKey) -> Secret:
    """The identity inside; raises WrongKey unless its public half is `expected` (taken from the ledger)."""
    if wrapped[:1] != WRAP_VERSION:
        raise WrongKey(f"unknown wrap version {wrapped[:1]!r}")
    try:
        inside = Secret(
            pyrage.decrypt(wrapped[1:], [pyrage.x25519.Identity.from_str(secret)]).decode()
        )
        found = public_key_of(inside)
    except (pyrage.DecryptError, pyrage.IdentityError, UnicodeDecodeError):
        raise WrongKey("the key does not open this wrap") from None
    if found != expected:
        raise WrongKey("the wrap holds another key than the ledger names")
    return inside
