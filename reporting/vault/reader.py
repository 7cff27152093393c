"""Opening what was sealed. Only `reporting.evidence` may import this module."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from io import BufferedReader
from typing import Any, BinaryIO

import pyrage

from reporting.vault.fields import SEALED_VERSION
from reporting.vault.keys import Secret, WrongKey
from reporting.vault.sealer import FRAME_HEADER, FRAME_VERSION, Sealed


class HashMismatch(Exception):
    """The bytes in the vault are not the bytes that were sealed."""


def open_bytes(sealed: bytes, secret: Secret) -> bytes:
    """Raises WrongKey: the key is another one, or a byte was changed (age does not tell which)."""
    sealed = bytes(sealed)
    if sealed[:1] != SEALED_VERSION:
        raise WrongKey(f"unknown sealed version {sealed[:1]!r}")
    try:
        return bytes(pyrage.decrypt(sealed[1:], [pyrage.x25519.Identity.from_str(secret)]))
    except pyrage.DecryptError:
        raise WrongKey("the key does not open this, or it was changed") from None


def open_text(sealed: bytes, secret: Secret) -> str:
    return open_bytes(sealed, secret).decode()


def open_record(sealed: bytes, secret: Secret) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(open_bytes(sealed, secret))
    return record


def open_segments(source: BinaryIO, secret: Secret, sealed: Sealed) -> Iterator[bytes]:
    """The plain segments in order, at most 8 MiB each.

    Each segment is checked before it is handed out; the hashes of the whole (plain and ciphertext) are checked at the end, so
    a caller that keeps what it read must discard it when this raises HashMismatch.
    """
    identity = pyrage.x25519.Identity.from_str(secret)
    whole, ciphertext = hashlib.sha256(), hashlib.sha256()
    for _offset, length, digest in sealed.segments:
        header = source.read(FRAME_HEADER.size)
        if len(header) != FRAME_HEADER.size:
            raise HashMismatch("the sealed file ends early")
        version, size = FRAME_HEADER.unpack(header)
        if version != FRAME_VERSION:
            raise HashMismatch(f"unknown segment version {version}")
        frame = source.read(size)
        ciphertext.update(header)
        ciphertext.update(frame)
        try:
            plain = bytes(pyrage.decrypt(frame, [identity]))
        except pyrage.DecryptError:
            raise HashMismatch("a segment does not open: changed bytes or another key") from None
        if len(plain) != length or hashlib.sha256(plain).hexdigest() != digest:
            raise HashMismatch("a segment is not the one that was sealed")
        whole.update(plain)
        yield plain
    if source.read(1):
        raise HashMismatch("the sealed file is longer than it was")
    if whole.hexdigest() != sealed.sha256 or ciphertext.hexdigest() != sealed.ciphertext_sha256:
        raise HashMismatch("the whole file does not match its hash")


def ciphertext_sha256(source: BufferedReader) -> str:
    """Checks an object of the vault against the ledger without any key."""
    return hashlib.file_digest(source, "sha256").hexdigest()
