"""The return code: 25 digits, 23 of them random (76 bits), 2 check digits (ISO/IEC 7064 MOD 97-10).

Argon2id (16 MiB, one pass, fixed public salt: the code itself has the entropy) gives 32 bytes;
HKDF-SHA-256 makes three things of them, so that none tells anything about another: a lookup
value, an age identity, an Ed25519 seed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
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
_GROUP, _GROUPS = 5, 5
_DIGITS_ALIKE = {"O": 0, "o": 0, "l": 1, "I": 1}


class Busy(Exception):
    """Nobody at this desk was free in time. Nothing was changed; a second later it may be free."""


class Desk:
    """Bounded concurrency for work that costs memory and a core: `at_once` run, the others wait
    `seconds` and then raise Busy.

    Not keyed by who asks. Making and redeeming codes have a desk each, so that a flood at one
    does not fill the other.
    """

    def __init__(self, *, at_once: int | None = None, seconds: float = 2) -> None:
        self.at_once = at_once or len(os.sched_getaffinity(0))
        self._free = BoundedSemaphore(self.at_once)
        self._seconds = seconds

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Raises Busy."""
        if not self._free.acquire(timeout=self._seconds):
            raise Busy
        try:
            yield
        finally:
            self._free.release()


class NotACode(ValueError):
    """What was typed is not 25 digits, or its check digits do not fit: a typing mistake.

    `group`: the group of five (1 to 5) in which the mistake must lie, where that can be told.
    """

    def __init__(self, message: str, *, group: int | None = None) -> None:
        super().__init__(message)
        self.group = group


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
    """Any digits script; O and o are read as 0, l and I as 1; spaces, dashes and dots between
    are ignored. Raises NotACode."""
    digits: list[str] = []
    lengths = [0]  # digits between one separator and the next
    for character in typed:
        value = _DIGITS_ALIKE.get(character, unicodedata.decimal(character, None))
        if value is not None:
            digits.append(str(value))
            lengths[-1] += 1
        elif character.isspace() or unicodedata.category(character) in {"Pd", "Po", "Cf"}:
            lengths += [0] if lengths[-1] else []
        else:
            raise NotACode(
                "something other than digits was typed",
                group=min(len(digits) // _GROUP + 1, _GROUPS),
            )
    code = "".join(digits)
    if len(code) != _GROUP * _GROUPS:
        raise NotACode(f"{len(code)} digits were typed; a code has 25", group=_odd_group(lengths))
    if not hmac.compare_digest(_check_digits(code[:_RANDOM_DIGITS]), code[_RANDOM_DIGITS:]):
        raise NotACode("one of the digits is mistyped", group=_mistyped_group(code))
    return ReturnCode(code)


def _odd_group(lengths: list[int]) -> int | None:
    """The one group that is too long or too short, if it was typed in five groups."""
    groups = [length for length in lengths if length]
    odd = [number for number, length in enumerate(groups, start=1) if length != _GROUP]
    return odd[0] if len(groups) == _GROUPS and len(odd) == 1 else None


def _mistyped_group(code: str) -> int | None:
    """Where one other digit, or two neighbours swapped back, would make the check right: the
    group, if it is the only one.

    MOD 97-10: what stands at a place of weight 10^k and is off by d makes the whole off by d *
    10^k mod 97.
    """
    off = (int(code) - 1) % 97
    weights = [pow(10, len(code) - 1 - place, 97) for place in range(len(code))]
    groups: set[int] = set()
    for place, typed in enumerate(code):
        others = (right - int(typed) for right in range(10) if right != int(typed))
        if any((off + change * weights[place]) % 97 == 0 for change in others):
            groups.add(place // _GROUP + 1)
    for place, (left, right) in enumerate(pairwise(map(int, code))):
        if left != right and (off + (right - left) * 9 * weights[place + 1]) % 97 == 0:
            groups |= {place // _GROUP + 1, (place + 1) // _GROUP + 1}
    return groups.pop() if len(groups) == 1 else None


def grouped(code: ReturnCode) -> str:
    """Five groups of five, as it is shown."""
    return " ".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


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
    """What the database stores: useless to a thief of the database without the door's lookup
    key."""
    return hmac.new(key, lookup, hashlib.sha256).hexdigest()


def sign(seed: bytes, statement: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).sign(statement)


def _expand(root: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"holdfast " + purpose).derive(root)


def _check_digits(digits: str) -> str:
    return f"{98 - int(digits) * 100 % 97:02d}"
