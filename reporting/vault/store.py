"""Where sealed objects lie. An object is complete and durable, or it is not there.

Disk recipe: open `x.part` exclusively in the same folder, write, fsync the file, rename, fsync the
folder. Only after `keep` returned may a row be committed that names the object.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Protocol

_CHECK_EVERY = 32 * 1024**2
_WRITE_BACK_EVERY = 4 * 1024**2
_WRITE_BACK_AGAIN = 32 * 1024**2  # how far behind a page may still be on its way to the disk
_NAME = re.compile(r"[a-z0-9-]{8,64}\Z")


class VaultFull(Exception):
    """The disk failed, has no room, or less than its floor.

    Nothing was kept of this object; everything earlier is safe.
    """


def check_name(name: str) -> None:
    if not _NAME.match(name):
        raise ValueError(f"not an object name: {name!r}")


class Staged(Protocol):
    """An object being written. Nothing has its name until `keep`; `discard` leaves nothing."""

    def write(self, data: bytes | bytearray | memoryview) -> None: ...
    def keep(self) -> None: ...
    def discard(self) -> None: ...


class Store(Protocol):
    """Where objects lie. `free_bytes`: what may still be taken before the floor."""

    def free_bytes(self) -> int: ...
    def stage(self, name: str) -> Staged: ...
    def open(self, name: str) -> BufferedReader: ...
    def remove(self, name: str) -> None: ...
    def names(self) -> list[str]: ...


class _StagedFile:
    """An object being written. `room`: whether the free-space floor still holds."""

    def __init__(self, final: Path, room: Callable[[], bool]) -> None:
        self._final = final
        self._room = room
        self._part = final.with_suffix(".part")
        self._file = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._written = self._unchecked = self._asked = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Raises VaultFull."""
        with _as_vault_full():
            view = memoryview(data)
            while view:
                view = view[os.write(self._file, view) :]
            self._written += len(data)
            if self._written - self._asked >= _WRITE_BACK_EVERY:
                self._begin_writeback()
        self._unchecked += len(data)
        if self._unchecked >= _CHECK_EVERY:
            self._check_room()

    def _begin_writeback(self) -> None:
        """Ask the kernel to write this now, without waiting, so that the fsync at the end is short.

        Earlier pages that have reached the disk are dropped, and the next ones take their memory:
        in a virtual machine fresh memory for every page costs more than encrypting. An error on
        the way comes out of that fsync: it is on the same descriptor.
        """
        if hasattr(os, "posix_fadvise"):
            start = max(0, self._asked - _WRITE_BACK_AGAIN)
            os.posix_fadvise(self._file, start, self._written - start, os.POSIX_FADV_DONTNEED)
        self._asked = self._written

    def _check_room(self) -> None:
        # Asked again here, because many files at once pass the first question together.
        if not self._room():
            raise VaultFull("the free-space floor was reached")
        self._unchecked = 0

    def keep(self) -> None:
        """Raises VaultFull. A failed fsync is never tried again: the kernel may have dropped the
        pages that it could not write, and would then call the second one a success."""
        with _as_vault_full():
            os.fsync(self._file)
        os.close(self._file)
        self._file = -1
        os.rename(self._part, self._final)
        _fsync_folder(self._final.parent)

    def discard(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._part.unlink(missing_ok=True)


@contextmanager
def _as_vault_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise VaultFull(str(error)) from error


class DiskStore:
    def __init__(self, root: Path, *, floor: int) -> None:
        self._root = root
        self._floor = floor
        root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _path(self, name: str) -> Path:
        check_name(name)
        return self._root / name[-2:] / name

    def free_bytes(self) -> int:
        """Bytes that may still be taken before the free-space floor."""
        return max(0, shutil.disk_usage(self._root).free - self._floor)

    def stage(self, name: str) -> _StagedFile:
        """Raises VaultFull below the free-space floor, FileExistsError for a name in use."""
        if self.free_bytes() == 0:
            raise VaultFull("below the free-space floor")
        path = self._path(name)
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            _fsync_folder(self._root)
        if path.exists():
            raise FileExistsError(name)
        return _StagedFile(path, room=lambda: self.free_bytes() > 0)

    def open(self, name: str) -> BufferedReader:
        return self._path(name).open("rb")

    def remove(self, name: str) -> None:
        path = self._path(name)
        path.unlink(missing_ok=True)
        _fsync_folder(path.parent)

    def names(self) -> list[str]:
        return sorted(path.name for path in self._root.glob("??/*") if path.suffix != ".part")


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
