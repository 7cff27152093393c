"""Reading and writing age v1 files (https://age-encryption.org/v1, C2SP `age.md`).

`encrypt` and `decrypt` take a whole file in memory; `Encryptor` and `Decryptor` are pushed. Keys
are X25519 or hybrid (`age_keys`); passphrases and the armoured text form are not supported.

After the header come a 16-byte nonce and the payload as STREAM: chunks of 64 KiB, each encrypted
with ChaCha20-Poly1305 under a nonce of an 11-byte counter and one byte that is 1 for the last.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from reporting.vault import age_header
from reporting.vault.age_header import (
    AgeError,
    HeaderFailure,
    MacFailure,
    NoMatch,
    PayloadFailure,
    Private,
)
from reporting.vault.age_keys import NotAKey, parse_public, parse_secret

__all__ = [
    "CHUNK",
    "SEALED_CHUNK",
    "AgeError",
    "Decryptor",
    "Encryptor",
    "HeaderFailure",
    "MacFailure",
    "NoMatch",
    "NotAKey",
    "PayloadFailure",
    "decrypt",
    "encrypt",
    "payload_size",
]

CHUNK = 64 * 1024
TAG = 16
SEALED_CHUNK = CHUNK + TAG
MAX_HEADER = 256 * 1024  # a header comes from outside: without a bound "not complete" has no end

_NONCE_SIZE = 16


class _Stream:
    """STREAM under one file key and nonce: counts the chunks."""

    def __init__(self, file_key: bytes, nonce: bytes) -> None:
        self._aead = ChaCha20Poly1305(age_header.derive(file_key, salt=nonce, info=b"payload"))
        self._chunks = 0

    @property
    def began(self) -> bool:
        return self._chunks > 0

    def encrypt(self, chunk: memoryview, *, last: bool) -> bytes:
        sealed = self._aead.encrypt(self._nonce(last), chunk, None)
        self._chunks += 1
        return sealed

    def encrypt_into(self, chunk: memoryview, out: memoryview, *, last: bool) -> int:
        """`out` has room for the chunk and its tag; returns how many bytes were written."""
        size = len(chunk) + TAG
        self._aead.encrypt_into(self._nonce(last), chunk, None, out[:size])
        self._chunks += 1
        return size

    def decrypt(self, sealed: bytes | bytearray | memoryview, *, last: bool) -> bytes:
        """Raises PayloadFailure."""
        if len(sealed) < TAG or (last and self.began and len(sealed) == TAG):
            raise PayloadFailure("the last chunk is missing, short or empty")
        try:
            plain = self._aead.decrypt(self._nonce(last), sealed, None)
        except InvalidTag:
            raise PayloadFailure("a chunk was changed or is not in its place") from None
        self._chunks += 1
        return plain

    def _nonce(self, last: bool) -> bytes:
        return self._chunks.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _begin(public_keys: Sequence[str]) -> tuple[bytes, _Stream]:
    """A fresh file key: the header with the nonce behind it, and the payload's cipher."""
    file_key, nonce = os.urandom(age_header.FILE_KEY_SIZE), os.urandom(_NONCE_SIZE)
    header = age_header.write(file_key, [parse_public(text) for text in public_keys])
    return header + nonce, _Stream(file_key, nonce)


def payload_size(plain: int) -> int:
    """Bytes of the encrypted payload (without header and nonce) for `plain` bytes."""
    return plain + TAG * max(1, -(-plain // CHUNK))


def encrypt(plain: bytes | bytearray | memoryview, public_keys: Sequence[str]) -> bytes:
    """A whole age file in memory. Raises NotAKey, and ValueError without a public key."""
    header, stream = _begin(public_keys)
    parts = [header]
    with memoryview(plain) as view:
        for start in range(0, max(1, len(view)), CHUNK):
            last = start + CHUNK >= len(view)
            parts.append(stream.encrypt(view[start : start + CHUNK], last=last))
    return b"".join(parts)


class Encryptor:
    """One age file, pushed: `update` with the plain bytes as they come, then `finish`.

    What is encrypted gathers in `buffer`, which the caller owns and may use again; when it is full,
    and at the end, `sink` gets a view of it that is valid during the call only. `buffer` has room
    for the header and one chunk at least. Not for use from two threads at once.
    """

    def __init__(
        self,
        public_keys: Sequence[str],
        buffer: bytearray | memoryview,
        sink: Callable[[memoryview], object],
    ) -> None:
        header, self._stream = _begin(public_keys)
        self._room = memoryview(buffer)
        if len(self._room) < len(header) + SEALED_CHUNK:
            raise ValueError("the buffer has no room for a header and a chunk")
        self._room[: len(header)] = header
        self._at = len(header)
        self._sink = sink
        self._carry = (
            bytearray()
        )  # at most one chunk: only the next byte says that it is not the last

    def update(self, plain: bytes | bytearray | memoryview) -> None:
        view = memoryview(plain)
        if self._carry:
            taken = min(CHUNK - len(self._carry), len(view))
            self._carry += view[:taken]
            view = view[taken:]
            if not view:
                return
            self._encrypt_carry(last=False)
        while len(view) > CHUNK:
            self._encrypt(view[:CHUNK], last=False)
            view = view[CHUNK:]
        self._carry += view

    def finish(self) -> None:
        """Encrypts the last chunk and hands out the rest."""
        self._encrypt_carry(last=True)
        self._hand_out()

    def _encrypt_carry(self, *, last: bool) -> None:
        with memoryview(self._carry) as chunk:
            self._encrypt(chunk, last=last)
        self._carry.clear()

    def _encrypt(self, chunk: memoryview, *, last: bool) -> None:
        if len(self._room) - self._at < len(chunk) + TAG:
            self._hand_out()
        self._at += self._stream.encrypt_into(chunk, self._room[self._at :], last=last)

    def _hand_out(self) -> None:
        with self._room[: self._at] as filled:
            self._sink(filled)
        self._at = 0


def _open_header(header: bytes, secrets: Sequence[Private]) -> bytes:
    return age_header.open_file_key(age_header.parse(header), secrets)


def decrypt(sealed: bytes | bytearray | memoryview, secrets: Sequence[str]) -> bytes:
    """The whole plaintext of a file in memory, or nothing of it.

    Raises HeaderFailure, NoMatch, MacFailure, PayloadFailure (all AgeError), NotAKey.
    """
    return b"".join(decrypt_chunks(sealed, secrets))


def decrypt_chunks(
    sealed: bytes | bytearray | memoryview, secrets: Sequence[str]
) -> Iterator[bytes]:
    """The plaintext of a file in memory, at most 64 KiB at a time. Raises what `decrypt` raises."""
    parsed = [parse_secret(text) for text in secrets]
    with memoryview(sealed) as view:
        start = age_header.end_of(view[:MAX_HEADER])
        if start < 0:
            raise HeaderFailure("the header does not end")
        file_key = _open_header(bytes(view[:start]), parsed)
        nonce = bytes(view[start : start + _NONCE_SIZE])
        if len(nonce) != _NONCE_SIZE:
            raise HeaderFailure("the nonce is missing or short")
        stream = _Stream(file_key, nonce)
        start += _NONCE_SIZE
        for at in range(start, max(start + 1, len(view)), SEALED_CHUNK):
            last = at + SEALED_CHUNK >= len(view)
            yield stream.decrypt(view[at : at + SEALED_CHUNK], last=last)


class Decryptor:
    """One age file, pushed: `update` gives the chunks that are certain, `finish` the last one.

    A chunk is given out once its own tag is right. Only `finish` knows that the file is whole: a
    caller that keeps chunks throws them away when either raises. Errors as for `decrypt`.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = [parse_secret(text) for text in secrets]
        self._buffer = bytearray()
        self._file_key: bytes | None = None
        self._stream: _Stream | None = None
        self._ended = False

    def update(self, data: bytes | bytearray | memoryview) -> Iterator[bytes]:
        """To be used up before the next call."""
        self._buffer += data
        stream = self._stream or self._begin()
        if stream is None:
            return
        while self._buffer and (self._ended or len(self._buffer) >= SEALED_CHUNK):
            if self._ended:
                raise PayloadFailure("there are bytes after the last chunk")
            sealed = bytes(self._buffer[:SEALED_CHUNK])
            del self._buffer[:SEALED_CHUNK]
            yield self._full_chunk(stream, sealed)

    def finish(self) -> bytes:
        """The last chunk, or nothing where it has been given out. The file is whole."""
        if self._stream is None:
            if self._file_key is None:
                _open_header(bytes(self._buffer), self._secrets)
            raise HeaderFailure("the nonce is missing or short")
        if self._ended:
            return b""
        self._ended = True
        return self._stream.decrypt(self._buffer, last=True)

    def _full_chunk(self, stream: _Stream, sealed: bytes) -> bytes:
        """A full chunk may be the last: only its nonce tells. Then no further byte may come."""
        try:
            return stream.decrypt(sealed, last=False)
        except PayloadFailure:
            plain = stream.decrypt(sealed, last=True)
            self._ended = True
            return plain

    def _begin(self) -> _Stream | None:
        """Header and nonce, as soon as they are there."""
        if self._file_key is None:
            end = age_header.end_of(self._buffer)
            if len(self._buffer) > MAX_HEADER and not 0 <= end <= MAX_HEADER:
                raise HeaderFailure("the header is too long")
            if end < 0:
                return None
            self._file_key = _open_header(bytes(self._buffer[:end]), self._secrets)
            del self._buffer[:end]
        if len(self._buffer) < _NONCE_SIZE:
            return None
        self._stream = _Stream(self._file_key, bytes(self._buffer[:_NONCE_SIZE]))
        del self._buffer[:_NONCE_SIZE]
        return self._stream
