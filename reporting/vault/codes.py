"""The return code: 25 digits, 23 of them random (76 bits), 2 check digits (ISO/IEC 7064 MOD 97-10).

Argon2id (16 MiB, one pass, fixed public salt: the code itself has the entropy) gives 32 bytes; HKDF-SHA-256 makes three
things of them, so that none tells anything about another: a lookup value, an age identity, an Ed25519 seed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import NewType

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from reporting.vault.keys import Secret, secret_from_seed

ReturnCode = NewType("ReturnCode", str)  # 25 ASCII digits

_SALT = b"holdfast return code v1"
_RANDOM_DIGITS = 23


class Busy(Exception):
    """More people than can be served stand at this desk. Nothing was changed; a second later it may be free."""


class Desk:
    """A short queue of its own for work that costs memory and time. A flood at one desk is turned away there, by number and never by
    address, and slows neither the other desk nor the pages."""

    def __init__(self, *, at_once: int = 1, waiting: int = 2) -> None:
        self._places = BoundedSemaphore(at_once + waiting)
        self._work = BoundedSemaphore(at_once)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Raises Busy at once when the queue is full."""
        if not self._places.acquire(blocking=False):
            raise Busy
        try:
            with self._work:
                yield
        finally:
            self._places.release()


class NotACode(ValueError):
    """What was typed is not 25 digits, or its check digits do not fit: a typing mistake."""


@dataclass(frozen=True)
class CodeKeys:
    """What a return code is turned into. None of it is stored."""

    lookup: bytes
    secret: Secret
    signing_seed: bytes

    @property
    def signing_public_key(self) -> bytes:
        return (
            Ed25519PrivateKey.from_private_bytes(self.signing_seed).public_key().public_bytes_raw()
        )


def mint() -> ReturnCode:
    digits = f"{secrets.randbelow(10**_RANDOM_DIGITS):0{_RANDOM_DIGITS}d}"
    return ReturnCode(digits + _check_digits(digits))


def parse(typed: str) -> ReturnCode:
    """Any digits script; spaces, dashes and dots between are ignored. Raises NotACode."""
    digits = []
    for character in typed:
        if (value := unicodedata.decimal(character, None)) is not None:
            digits.append(str(value))
        elif not (character.isspace() or unicodedata.category(character) in {"Pd", "Po", "Cf"}):
            raise NotACode("something other than digits was typed")
    code = "".join(digits)
    if len(code) != _RANDOM_DIGITS + 2:
        raise NotACode(f"{len(code)} digits were typed; a code has 25")
    if not hmac.compare_digest(_check_digits(code[:_RANDOM_DIGITS]), code[_RANDOM_DIGITS:]):
        raise NotACode("one of the digits is mistyped")
    return ReturnCode(code)


def grouped(code: ReturnCode) -> str:
    """Five groups of five, as it is shown."""
    return " ".join(code[start : start + 5] for start in range(0, len(code), 5))


def derive(code: ReturnCode) -> CodeKeys:
    """About 8 ms and 16 MiB."""
    root = hash_secret_raw(
        code.encode(),
        _SALT,
        time_cost=1,
        memory_cost=16 * 1024,
        parallelism=1,
        hash_len=32,
        type=Type.ID,
    )
    return CodeKeys(
        lookup=_expand(root, b"lookup"),
        secret=secret_from_seed(_expand(root, b"age identity")),
        signing_seed=_expand(root, b"ed25519 seed"),
    )


def lookup_hash(lookup: bytes, key: bytes) -> str:
    """What the database stores: useless to a thief of the database without the door's lookup key."""
    return hmac.new(key, lookup, hashlib.sha256).hexdigest()


def sign(seed: bytes, statement: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).sign(statement)


def _expand(root: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"holdfast " + purpose).derive(root)


def _check_digits(digits: str) -> str:
    return f"{98 - int(digits) * 100 % 97:02d}"
