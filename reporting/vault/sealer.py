"""Sealing a stream of unknown length: count, hash, encrypt in segments, stage.

A sealed object is a row of frames. A frame is a version byte (1), a 32-bit big-endian length, and
that many bytes of an age file holding up to 8 MiB of the original. README.md shows how to open it
with `age` and `dd` alone.
"""

from __future__ import annotations

import hashlib
import struct
from collections import deque
from dataclasses import dataclass
from functools import partial
from mmap import mmap

from reporting.vault import age
from reporting.vault.keys import PublicKey
from reporting.vault.lanes import Lane
from reporting.vault.store import Staged

SEGMENT = 8 * 1024**2
FRAME_VERSION = 1
FRAME_HEADER = struct.Struct(">BI")
AGE_HEADER_ROOM = 4096  # an age header for one public key with its nonce; a hybrid one takes 1.8 KB
MAX_FRAME = FRAME_HEADER.size + AGE_HEADER_ROOM + age.payload_size(SEGMENT)

_DIRECT = 1024**2  # up to here a file is sealed by its caller, without threads or large buffers
_GATHERED = 256 * 1024  # smaller pieces are put together before they are handed on
_PIECE = 1024**2  # larger ones are cut
_PIECES_AHEAD = 4
_FRAMES_AHEAD = 2
_SPARE_BUFFERS = 3

# Buffers of MAX_FRAME bytes that were used and are free. A new one costs a page fault for each
# 4 KiB, which is as dear as encrypting them. Anonymous maps, unlike a bytearray, take no memory for
# what was not yet written: hundreds of slow uploads hold the beginning of a frame each.
_spare: deque[mmap] = deque(maxlen=_SPARE_BUFFERS)


@dataclass(frozen=True)
class Sealed:
    """What is known of an object once it is sealed. Sizes in bytes, hashes in lower-case hex."""

    size: int
    sha256: str
    ciphertext_size: int
    ciphertext_sha256: str


class _Frame:
    """One segment being encrypted into one buffer."""

    def __init__(self, public_key: PublicKey) -> None:
        try:
            self._buffer = _spare.pop()
        except IndexError:
            self._buffer = mmap(-1, MAX_FRAME)
        self._end = FRAME_HEADER.size
        age_file = memoryview(self._buffer)[FRAME_HEADER.size :]
        self._encryptor = age.Encryptor([public_key], age_file, self._note_size)
        self.room = SEGMENT

    def update(self, plain: memoryview) -> None:
        """At most `room` bytes."""
        self._encryptor.update(plain)
        self.room -= len(plain)

    def close(self) -> memoryview:
        """The whole frame, valid until `give_back`."""
        self._encryptor.finish()
        FRAME_HEADER.pack_into(self._buffer, 0, FRAME_VERSION, self._end - FRAME_HEADER.size)
        return memoryview(self._buffer)[: self._end]

    def give_back(self) -> None:
        _spare.append(self._buffer)

    def _note_size(self, age_file: memoryview) -> None:
        self._end += len(age_file)


class Sealer:
    """`write` as bytes arrive, then `finish`; or `discard`.

    A file of up to 1 MiB is sealed by the caller. For a larger one the caller only hands on; three
    lanes hash the original, encrypt, and hash and write the ciphertext. In memory are then at most
    6 MiB of the original and three frames: 30 MiB for one upload; for a slow one what it has sent
    of its present segment.
    """

    def __init__(self, staged: Staged, public_key: PublicKey) -> None:
        self._staged = staged
        self._public_key = public_key
        self._whole, self._ciphertext = hashlib.sha256(), hashlib.sha256()
        self._ciphertext_size = 0
        self._gathered = bytearray()
        self._frame: _Frame | None = None
        self._lanes_used = False
        self._hashing, self._encrypting, self._writing = Lane(), Lane(), Lane()
        self.size = 0  # bytes of the original so far

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Bytes as they arrive, in pieces of any size.

        Raises VaultFull when the store refuses a byte; the caller must then `discard`.
        """
        self.size += len(chunk)
        if len(self._gathered) + len(chunk) <= (_GATHERED if self._lanes_used else _DIRECT):
            self._gathered += chunk
            return
        if self._gathered:
            self._hand_on(self._gathered)
            self._gathered = bytearray()
        if len(chunk) < _GATHERED:
            self._gathered += chunk
        else:  # bytes cannot change under the lanes; anything else is copied
            self._hand_on(chunk if isinstance(chunk, bytes) else bytes(chunk))

    def finish(self) -> Sealed:
        """Durable when this returns (fsync, rename, fsync of the folder). Raises VaultFull."""
        if self._lanes_used:
            self._hand_on(self._gathered)
            self._encrypting.put(self._end_frame)
            for lane in (self._encrypting, self._writing, self._hashing):
                lane.finish()
        else:
            self._seal_directly()
        self._staged.keep()
        return Sealed(
            size=self.size,
            sha256=self._whole.hexdigest(),
            ciphertext_size=self._ciphertext_size,
            ciphertext_sha256=self._ciphertext.hexdigest(),
        )

    def discard(self) -> None:
        """Nothing stays. After `finish` has returned it does nothing."""
        for lane in (self._hashing, self._encrypting, self._writing):
            lane.stop()
        self._staged.discard()

    def _seal_directly(self) -> None:
        self._whole.update(self._gathered)
        age_file = age.encrypt(self._gathered, [self._public_key])
        self._write(FRAME_HEADER.pack(FRAME_VERSION, len(age_file)))
        self._write(age_file)

    def _hand_on(self, plain: bytes | bytearray) -> None:
        self._lanes_used = True
        view = memoryview(plain)
        for start in range(0, len(view), _PIECE):
            piece = view[start : start + _PIECE]
            self._writing.wait_below(_FRAMES_AHEAD)
            for lane in (self._hashing, self._encrypting):
                lane.wait_below(_PIECES_AHEAD)
            self._hashing.put(partial(self._whole.update, piece))
            self._encrypting.put(partial(self._encrypt, piece))

    def _encrypt(self, piece: memoryview) -> None:
        while piece:
            if self._frame is None:
                self._frame = _Frame(self._public_key)
            taken = piece[: self._frame.room]
            self._frame.update(taken)
            piece = piece[len(taken) :]
            if self._frame.room == 0:
                self._end_frame()

    def _end_frame(self) -> None:
        if self._frame:
            frame, self._frame = self._frame, None
            self._writing.put(partial(self._write_frame, frame, frame.close()))

    def _write_frame(self, frame: _Frame, whole: memoryview) -> None:
        self._write(whole)
        whole.release()
        frame.give_back()

    def _write(self, data: bytes | memoryview) -> None:
        self._ciphertext.update(data)
        self._staged.write(data)
        self._ciphertext_size += len(data)
