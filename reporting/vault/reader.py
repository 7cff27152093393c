"""Opening what was sealed. Few modules may import it: see pyproject.toml."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from io import BufferedReader
from itertools import islice
from typing import Any, BinaryIO

from reporting.vault import age
from reporting.vault.digests import ALGORITHMS, Digests, Hasher
from reporting.vault.fields import SEALED_VERSION
from reporting.vault.keys import Secret, WrongKey
from reporting.vault.sealer import FRAME_HEADER, FRAME_VERSION, MAX_FRAME, SEGMENT, Sealed
from reporting.vault.untrusted_json import read_object

_CHUNKS_IN_A_PIECE = 16  # 1 MiB


class HashMismatch(Exception):
    """The bytes in the vault are not the bytes that were sealed."""


def open_bytes(sealed: bytes, secret: Secret) -> bytes:
    """Raises WrongKey: the key is another one, or a byte was changed (age does not tell which)."""
    sealed = bytes(sealed)
    if sealed[:1] != SEALED_VERSION:
        raise WrongKey(f"unknown sealed version {sealed[:1]!r}")
    try:
        return age.decrypt(sealed[1:], [secret])
    except age.AgeError:
        raise WrongKey("the key does not open this, or it was changed") from None


def open_text(sealed: bytes, secret: Secret) -> str:
    return open_bytes(sealed, secret).decode()


def open_record(sealed: bytes, secret: Secret) -> dict[str, Any]:
    return record_of(open_bytes(sealed, secret))


def record_of(plain: bytes) -> dict[str, Any]:
    """Raises ValueError when the bytes are no JSON object."""
    return read_object(plain)


def open_segments(
    source: BinaryIO, secret: Secret, sealed: Sealed, hasher: Hasher | None = None
) -> Iterator[bytes]:
    """The original's bytes in order, in pieces of at most 1 MiB. Raises HashMismatch.

    A piece is handed out when the age file around it is right. That the segments are the recorded
    ones in the recorded order is known from the size and SHA-256 of the whole, and the last segment
    is held back until these fit. So whoever gets to the end has the original, whoever keeps pieces
    must discard them when this raises, and a file of one segment is checked before any of it is
    handed out. The hash of the ciphertext is not computed here (see `ciphertext_sha256`).

    `hasher`: a new one that gets every piece, for a caller who wants to know more of these bytes
    than SHA-256, which it must compute too.
    """
    whole = hasher or Hasher("sha256")
    frame = bytearray(min(MAX_FRAME, sealed.ciphertext_size))
    rest = sealed.size
    while True:
        segment = min(SEGMENT, rest)
        pieces = _open_frame(source, frame, secret, segment)
        for piece in pieces:
            whole.update(piece)
        rest -= segment
        if rest == 0:
            break
        yield from pieces
    if source.read(1):
        raise HashMismatch("the sealed file is longer than it was")
    if whole.finish()["sha256"] != sealed.sha256:
        raise HashMismatch("the whole file does not match its hash")
    yield from pieces


def _open_frame(source: BinaryIO, room: bytearray, secret: Secret, length: int) -> list[bytes]:
    """The next segment, of `length` bytes. `room` is used again and again for the ciphertext."""
    header = source.read(FRAME_HEADER.size)
    if len(header) != FRAME_HEADER.size:
        raise HashMismatch("the sealed file ends early")
    version, size = FRAME_HEADER.unpack(header)
    if version != FRAME_VERSION:
        raise HashMismatch(f"unknown segment version {version}")
    with memoryview(room)[:size] as age_file:
        if _fill(source, age_file) != size:  # or `size` is more than any frame has
            raise HashMismatch("a segment is cut, or longer than it was")
        try:
            chunks = age.decrypt_chunks(age_file, [secret])
            pieces = list(iter(lambda: b"".join(islice(chunks, _CHUNKS_IN_A_PIECE)), b""))
        except age.AgeError:
            raise HashMismatch("a segment does not open: changed bytes or another key") from None
    if sum(map(len, pieces)) != length:
        raise HashMismatch("a segment is not the one that was sealed")
    return pieces


def _fill(source: BinaryIO, room: memoryview) -> int:
    """How many bytes came before `room` was full or the source ended."""
    filled = 0
    while filled < len(room):
        count = source.readinto(room[filled:])  # type: ignore[attr-defined]
        if not count:
            break
        filled += count
    return filled


def all_digests(source: BinaryIO, secret: Secret, sealed: Sealed) -> Digests:
    """MD5, SHA-1, SHA-256 and SHA-512 of the original. Raises HashMismatch, as `open_segments`.

    About 5 s of computing for each GiB, on as many cores as there are, up to four.
    """
    hasher = Hasher(*ALGORITHMS)
    for _piece in open_segments(source, secret, sealed, hasher):
        pass
    return Digests(**hasher.finish())


def ciphertext_sha256(source: BufferedReader) -> str:
    """Checks an object of the vault against the ledger without any key."""
    return hashlib.file_digest(source, "sha256").hexdigest()
