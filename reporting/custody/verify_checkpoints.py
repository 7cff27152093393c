"""checkpoints.log, the checkpoint table and its time stamps, against the key and each other.

A quiet ledger has almost as many checkpoints as events, so they are kept as arrays: about a hundred
bytes each.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from reporting.custody import checkpoints, timestamps
from reporting.custody.checkpoints import CheckpointLog, NotACheckpoint, SignedCheckpoint
from reporting.custody.models import Checkpoint
from reporting.custody.tree import SIZE
from reporting.custody.verify_rows import CLOCK_TOLERANCE, Faults, Windows, microseconds, time_of

Roots = Mapping[str, Sequence[x509.Certificate]]


@dataclass(frozen=True)
class Known:
    """A checkpoint that the tree is compared with. `where`: how a fault names it."""

    size: int
    root: bytes
    where: str


@dataclass
class Signed:
    """Signed checkpoints in the order of their sizes. `lines`: of checkpoints.log, 0 elsewhere."""

    sizes: array[int] = field(default_factory=lambda: array("q"))
    times: array[int] = field(default_factory=lambda: array("q"))
    lines: array[int] = field(default_factory=lambda: array("q"))
    roots: bytearray = field(default_factory=bytearray)
    notes: bytearray = field(default_factory=bytearray)  # SHA-256 of each

    @property
    def newest(self) -> int:
        return self.sizes[-1] if self.sizes else 0

    def add(self, checkpoint: SignedCheckpoint, at: datetime, line: int = 0) -> None:
        """Sizes only rise."""
        self.sizes.append(checkpoint.size)
        self.times.append(microseconds(at))
        self.lines.append(line)
        self.roots += checkpoint.root
        self.notes += hashlib.sha256(checkpoint.note.encode()).digest()

    def find(self, size: int) -> int | None:
        """The number of the checkpoint of this size."""
        number = bisect_left(self.sizes, size)
        found = number < len(self.sizes) and self.sizes[number] == size
        return number if found else None

    def holds(self, number: int, note: str) -> bool:
        digest = self.notes[number * SIZE : (number + 1) * SIZE]
        return hashlib.sha256(note.encode()).digest() == digest

    def known(self) -> Iterator[Known]:
        for number, size in enumerate(self.sizes):
            root = bytes(self.roots[number * SIZE : (number + 1) * SIZE])
            yield Known(size, root, self._where(number))

    def _where(self, number: int) -> str:
        if self.lines[number]:
            at = time_of(self.times[number])
            return f"line {self.lines[number]} of checkpoints.log ({at:%Y-%m-%d %H:%M:%S} UTC)"
        return f"the published checkpoint of {self.sizes[number]}"


@dataclass
class Published:
    """What the checkpoint table holds.

    `signed`: all of it where there is no log, else what the log did not hold yet when it was read.
    `stamps`: size, time of signing, column and time of each stamp that is valid in itself.
    """

    signed: Signed = field(default_factory=Signed)
    later: list[tuple[int, str]] = field(default_factory=list)
    stamps: list[tuple[int, datetime, str, datetime]] = field(default_factory=list)
    unchecked: set[str] = field(default_factory=set)


def read_log(log: CheckpointLog | None, key: Ed25519PublicKey, faults: Faults) -> Signed:
    """Raises LogUnreadable."""
    signed = Signed()
    for line in log.lines() if log else ():
        where = f"line {line.line} of checkpoints.log"
        try:
            checkpoint = checkpoints.read(line.note, key)
        except NotACheckpoint as error:
            faults.add(f"{where}: {error}")
            continue
        if checkpoint.size <= signed.newest:
            faults.add(f"{where}: its size {checkpoint.size} is not above the one before it")
            continue
        signed.add(checkpoint, line.at, line.line)
    return signed


def read_published(
    logged: Signed, *, has_log: bool, key: Ed25519PublicKey, roots: Roots, faults: Faults
) -> Published:
    """The table against the log, both ways. The newest line may be logged and not published yet."""
    published, seen = Published(), bytearray(len(logged.sizes))
    for row in Checkpoint.objects.order_by("size").iterator(chunk_size=500):
        where = f"the published checkpoint of {row.size}"
        number = logged.find(row.size)
        same = number is not None and logged.holds(number, row.note)
        try:
            # What equals a line of the log has been checked already.
            checkpoint = None if same else checkpoints.read(row.note, key)
        except NotACheckpoint as error:
            faults.add(f"{where}: {error}")
            continue
        if checkpoint and (number is not None or checkpoint.size != row.size):
            faults.add(f"{where}: another note than in checkpoints.log")
            continue
        if number is not None:
            seen[number] = 1
            if logged.times[number] != microseconds(row.at):
                line = logged.lines[number]
                faults.add(f"{where}: another time than in line {line} of checkpoints.log")
        elif has_log and row.size < logged.newest:
            faults.add(f"{where}: checkpoints.log has no such line")
        elif has_log:
            published.later.append((row.size, row.note))
        if checkpoint and (not has_log or row.size > logged.newest):
            published.signed.add(checkpoint, row.at)
        _check_stamps(row, where, roots, published, faults)
    for number in range(len(seen) - 1):
        if not seen[number]:
            faults.add(f"line {logged.lines[number]} of checkpoints.log: it is not published")
    return published


def _check_stamps(
    row: Checkpoint, where: str, roots: Roots, published: Published, faults: Faults
) -> None:
    stamps = {"time_stamp": row.time_stamp, "outside_time_stamp": row.outside_time_stamp}
    for column, stamp in stamps.items():
        if not stamp:
            continue
        if not roots.get(column):
            published.unchecked.add(column)
        try:
            at = timestamps.check(bytes(stamp), row.note.encode(), roots.get(column, ()))
        except timestamps.StampWrong as error:
            faults.add(f"{where}, {column}: {error}")
            continue
        published.stamps.append((row.size, row.at, column, at))


def check_stamp_times(
    published: Published, windows: Windows, now: datetime, faults: Faults
) -> None:
    for size, signed_at, column, at in published.stamps:
        where = f"the published checkpoint of {size}, {column}"
        newest = windows.newest_below(size)
        if at > now + CLOCK_TOLERANCE:
            faults.add(f"{where}: it is from the future")
        if newest and at < newest - CLOCK_TOLERANCE:
            faults.add(f"{where}: it is older than an event that the checkpoint covers")
        if at < signed_at - CLOCK_TOLERANCE:
            faults.add(f"{where}: it is older than the checkpoint says it is")


def check_later(published: Published, log: CheckpointLog, faults: Faults) -> None:
    """What was published after the log had been read stands in it by now: the log comes first."""
    if not published.later:
        return
    missing = {note: size for size, note in published.later}
    for line in log.lines():
        missing.pop(line.note, None)
    for size in sorted(missing.values()):
        faults.add(f"the published checkpoint of {size}: checkpoints.log has no such line")
