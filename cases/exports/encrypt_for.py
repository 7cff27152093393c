"""Locking a package to its recipient while it is written: bytes pushed in one end, age pulls at the other, a short queue between.

The unlocked package is never on a disk and never whole in memory.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from types import TracebackType
from typing import Protocol

import pyrage


class Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...


class Hashing:
    """Passes bytes on, counting and hashing them."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        self.size += len(data)
        self._sink.write(data)
        return len(data)

    def flush(self) -> None: ...

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


class _Source:
    """What age reads from: blocks until bytes come, ends at None."""

    def __init__(self, pieces: queue.Queue[bytes | None]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")
        self._ended = False

    def read(self, size: int = -1) -> bytes:
        while not self._rest and not self._ended:
            piece = self._pieces.get()
            self._ended = piece is None
            self._rest = memoryview(piece or b"")
        taken, self._rest = self._rest[:size], self._rest[size:]
        return bytes(taken)


class EncryptFor:
    """A context: `write` the package, and what comes out at `sink` is an age file for `partner_key`."""

    _PIECE = 1024**2

    def __init__(self, partner_key: str, sink: Sink) -> None:
        self._pieces: queue.Queue[bytes | None] = queue.Queue(maxsize=4)
        self._buffer = bytearray()
        self._error: BaseException | None = None
        self._thread = threading.Thread(
            target=self._encrypt, args=(partner_key, sink), name="encrypt"
        )

    def __enter__(self) -> EncryptFor:
        self._thread.start()
        return self

    def write(self, data: bytes) -> int:
        self._buffer += data
        if len(self._buffer) >= self._PIECE:
            self._put(bytes(self._buffer))
            self._buffer.clear()
        return len(data)

    def flush(self) -> None: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._buffer:
            self._put(bytes(self._buffer))
        self._put(None)
        self._thread.join()
        if self._error and error is None:
            raise self._error

    def _put(self, piece: bytes | None) -> None:
        while self._thread.is_alive():
            try:
                return self._pieces.put(piece, timeout=1)
            except queue.Full:
                continue
        if self._error:
            raise self._error

    def _encrypt(self, partner_key: str, sink: Sink) -> None:
        try:
            pyrage.encrypt_io(
                _Source(self._pieces), sink, [pyrage.x25519.Recipient.from_str(partner_key)]
            )
        except BaseException as error:
            self._error = error
