"""Encrypting a package for a partner while it is written.

The package in the clear is never on a disk and never whole in memory.
"""

from __future__ import annotations

import hashlib
from functools import partial
from types import TracebackType
from typing import Protocol

from reporting.vault.age import Encryptor
from reporting.vault.lanes import Lane


class Sink(Protocol):
    """Takes bytes; a view is valid during the call only."""

    def write(self, data: bytes | bytearray | memoryview, /) -> object: ...


class Hashing:
    """Passes bytes on, counting and hashing them. `sha256` in lower-case hex, `size` in bytes."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | bytearray | memoryview) -> int:
        self._digest.update(data)
        self.size += len(data)
        self._sink.write(data)
        return len(data)

    def flush(self) -> None: ...

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


class EncryptFor:
    """A context: `write` the package; what comes out at `sink` is an age v1 file for one key.

    Encryption and the sink run on a lane beside the writer, at most `_AHEAD` pieces behind; memory
    is those pieces, as large as the writer makes them, and a buffer of 4 MiB. Errors of the sink
    are raised at the next `write` or at the end; then what the sink holds is to be discarded.
    """

    _GATHERED = 256 * 1024  # bytes: smaller writes are put together first
    _AHEAD = 8
    _BUFFER = 4 * 1024**2

    def __init__(self, partner_key: str, sink: Sink) -> None:
        """`partner_key`: a public key of either kind. Raises age.NotAKey."""
        self._encryptor = Encryptor([partner_key], bytearray(self._BUFFER), sink.write)
        self._lane = Lane()
        self._gathered = bytearray()

    def __enter__(self) -> EncryptFor:
        return self

    def write(self, data: bytes | bytearray | memoryview) -> int:
        if len(data) >= self._GATHERED:
            self._hand_on_gathered()
            # Bytes cannot change under the lane; anything else is copied.
            self._hand_on(data if isinstance(data, bytes) else bytes(data))
        else:
            self._gathered += data
            if len(self._gathered) >= self._GATHERED:
                self._hand_on_gathered()
        return len(data)

    def flush(self) -> None: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._lane.stop()  # nobody writes to the sink after this
            return
        self._hand_on_gathered()
        self._lane.put(self._encryptor.finish)
        self._lane.finish()

    def _hand_on_gathered(self) -> None:
        if self._gathered:
            self._hand_on(self._gathered)
            self._gathered = bytearray()

    def _hand_on(self, data: bytes | bytearray) -> None:
        self._lane.wait_below(self._AHEAD)
        self._lane.put(partial(self._encryptor.update, data))
