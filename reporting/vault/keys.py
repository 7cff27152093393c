"""Report keys, office keys, and the wraps that carry a report key to those who may open it.

A report's key and a return code's key are age X25519 identities. The office's keys are hybrid
(`mlkem768x25519`), because office wraps are what a patient thief keeps until X25519 falls.
Standards: age v1 (https://age-encryption.org/v1). README.md beside this file describes the bytes.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import NewType

from reporting.vault import age
from reporting.vault.age_keys import is_hybrid as is_hybrid
from reporting.vault.age_keys import parse_public, parse_secret, secret_text

PublicKey = NewType("PublicKey", str)  # "age1…" (62 characters) or "age1pq1…" (1,959)
Secret = NewType("Secret", str)  # "AGE-SECRET-KEY-1…" or "AGE-SECRET-KEY-PQ-1…"

WRAP_X25519, WRAP_HYBRID = b"\x01", b"\x02"

NotAKey = age.NotAKey


class WrongKey(Exception):
    """The key does not open this; or it opens, and what is inside belongs to another public key."""


def new_secret() -> Secret:
    """A key for a report, a case or a partner: X25519."""
    return secret_from_seed(secrets.token_bytes(32))


def new_office_secret() -> Secret:
    """A key for the office: hybrid."""
    return secret_from_seed(secrets.token_bytes(32), hybrid=True)


def secret_from_seed(seed: bytes, *, hybrid: bool = False) -> Secret:
    """The secret that 32 secret bytes stand for. Raises ValueError for another length."""
    return Secret(secret_text(seed, hybrid=hybrid))


def public_key_of(secret: Secret) -> PublicKey:
    """The public half, of the same kind. Raises NotAKey. About 3 ms for a hybrid key."""
    return PublicKey(parse_secret(secret).public_text)


def check_public_key(text: str) -> PublicKey:
    """What somebody typed or sent, as a public key of either kind. Raises NotAKey."""
    parse_public(text)
    return PublicKey(text)


def key_id(public_key: PublicKey) -> str:
    """16 hex characters that stand for a public key in a column: SHA-256 of its text, shortened."""
    return hashlib.sha256(public_key.encode()).hexdigest()[:16]


def read_public_keys(text: str) -> list[PublicKey]:
    """The keys of a file with one a line; empty lines and lines with `#` in front are passed over.

    Raises NotAKey for any other line: a key that is passed over by mistake opens nothing later.
    """
    lines = [line.strip() for line in text.splitlines()]
    return [check_public_key(line) for line in lines if line and not line.startswith("#")]


def wrap(secret: Secret, public_key: PublicKey) -> bytes:
    """A version byte (1 for an X25519 public key, 2 for a hybrid one), then an age file.

    The age file holds the text form of `secret`.
    """
    version = WRAP_HYBRID if is_hybrid(public_key) else WRAP_X25519
    return version + age.encrypt(secret.encode(), [public_key])


def unwrap(wrapped: bytes, secret: Secret, *, expected: PublicKey) -> Secret:
    """The secret inside a wrap of either version.

    Raises WrongKey unless its public half is `expected`, which is taken from the ledger.
    """
    if wrapped[:1] not in (WRAP_X25519, WRAP_HYBRID):
        raise WrongKey(f"unknown wrap version {wrapped[:1]!r}")
    if (wrapped[:1] == WRAP_HYBRID) != is_hybrid(secret):
        raise WrongKey("the wrap is for a key of the other kind")
    try:
        inside = Secret(age.decrypt(wrapped[1:], [secret]).decode())
        public_key = public_key_of(inside)
    except (age.AgeError, age.NotAKey, UnicodeDecodeError):
        raise WrongKey("the key does not open this wrap") from None
    if public_key != expected:
        raise WrongKey("the wrap holds another key than the ledger names")
    return inside
