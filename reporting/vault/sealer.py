"""Sealing a stream of unknown length: count, hash, encrypt in segments, stage.

One sealed object is a row of frames. A frame is a version byte (1), a 32-bit big-endian length, and that many bytes of an
age file holding up to 8 MiB of the original. README.md shows how to open it with `age` and `dd` alone.
"""

from __future__ import annotations

import hashlib
import struct
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import pyrage

from reporting.vault.keys import PublicKey
from reporting.vault.store import Staged

SEGMENT = 8 * 1024**2
FRAME_VERSION = 1
FRAME_HEADER = struct.Struct(">BI")

_beside = ThreadPoolExecutor(max_workers=2, thread_name_prefix="beside")


@dataclass(frozen=True)
class Sealed:
    """What is known of an object once it is sealed. Sizes in bytes, hashes in lower-case hex.

    `segments`: (offset in the original, length, SHA-256 of the plain segment).
    """

    size: int
    sha256: str
    ciphertext_size: int
    ciphertext_sha256: str
    segments: tuple[tuple[int, int, str], ...]


class Sealer:
    """`write` as bytes arrive, then `finish`. Holds at most one segment of the original in memory."""

    def __init__(self, staged: Staged, public_key: PublicKey) -> None:
        self._staged = staged
        self._recipient = pyrage.x25519.Recipient.from_str(public_key)
        self._buffer = bytearray()
        self._whole = hashlib.sha256()
        self._ciphertext = hashlib.sha256()
        self._size = self._ciphertext_size = 0
        self._segments: list[tuple[int, int, str]] = []
        self._frame: Future[None] | None = None

    @property
    def size(self) -> int:
        return self._size + len(self._buffer)

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Bytes as they arrive. Raises VaultFull when the store refuses a byte; the staged object must then be discarded."""
        view = memoryview(chunk)
        while view:
            taken = view[: SEGMENT - len(self._buffer)]
            self._buffer += taken
            view = view[len(taken) :]
            if len(self._buffer) == SEGMENT:
                self._seal_segment()

    def finish(self) -> Sealed:
        """Durable when this returns (fsync, rename, fsync of the folder)."""
        if self._buffer or not self._segments:
            self._seal_segment()
        self._wait_for_frame()
        self._staged.keep()
        return Sealed(
            size=self._size,
            sha256=self._whole.hexdigest(),
            ciphertext_size=self._ciphertext_size,
            ciphertext_sha256=self._ciphertext.hexdigest(),
            segments=tuple(self._segments),
        )

    def discard(self) -> None:
        if self._frame:
            wait([self._frame])
        self._staged.discard()

    def _seal_segment(self) -> None:
        """Two cores at once: the plain hashes beside age (which holds the interpreter), the frame beside the next bytes. The frame
        before is written out first, so that no more than one sealed segment is ever in memory."""
        self._wait_for_frame()
        with memoryview(self._buffer) as plain:
            hashed = _beside.submit(self._hash, plain)
            age_file = _encrypt(plain, self._recipient)
            digest = hashed.result()
        self._segments.append((self._size, len(self._buffer), digest))
        self._size += len(self._buffer)
        self._buffer.clear()
        self._frame = _beside.submit(self._write_frame, age_file)

    def _hash(self, plain: memoryview) -> str:
        self._whole.update(plain)
        return hashlib.sha256(plain).hexdigest()

    def _write_frame(self, age_file: bytearray) -> None:
        for part in (FRAME_HEADER.pack(FRAME_VERSION, len(age_file)), age_file):
            self._ciphertext.update(part)
            self._staged.write(part)
            self._ciphertext_size += len(part)

    def _wait_for_frame(self) -> None:
        if self._frame:
            frame, self._frame = self._frame, None
            frame.result()


class _Source:
    """What age reads from, without a copy of the whole."""

    def __init__(self, plain: memoryview) -> None:
        self._rest = plain

    def read(self, size: int) -> bytes:
        taken, self._rest = self._rest[:size], self._rest[size:]
        return bytes(taken)


class _Sink(bytearray):
    def write(self, data: bytes) -> int:
        self += data
        return len(data)

    def flush(self) -> None: ...


def _encrypt(plain: memoryview, public_key: object) -> bytearray:
    sink = _Sink()
    pyrage.encrypt_io(_Source(plain), sink, [public_key])
    return sink
