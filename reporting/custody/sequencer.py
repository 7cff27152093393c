"""The sequencer: gives each committed event its place in the tree, then signs what was committed.

One process, one advisory lock. Order of a round: place and commit, sign, append to `checkpoints.log` with fsync, publish.
A kill between any two steps is finished by the next start, with the same bytes. Once an hour a checkpoint gets a time stamp; an authority that is
slow or away holds up nothing, because it is asked in a thread of its own and asked again later.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection, transaction

from reporting.custody import checkpoints
from reporting.custody.models import Checkpoint, CustodyEvent
from reporting.custody.timestamps import StampFailed
from reporting.custody.tree import Frontier

BATCH = 5_000
STAMP_EVERY = 3600.0  # seconds
STAMP_AGAIN_AFTER = 600.0  # seconds after an authority gave no answer
_LOCK = 0x686F6C64  # "hold"


log = logging.getLogger("holdfast.sequencer")


class RolledBack(Exception):
    """The database is older than a checkpoint that already left the house, or holds other events. Nothing is signed."""


class AnotherSequencer(Exception):
    """The advisory lock is held: two sequencers would sign two histories."""


@dataclass
class Sequencer:
    origin: str
    key: Ed25519PrivateKey
    log: checkpoints.CheckpointLog
    stamp: Callable[[bytes], bytes] | None = None

    def __post_init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
            if not cursor.fetchone()[0]:
                raise AnotherSequencer("another sequencer runs on this database")
        self._frontier = Frontier()
        self._signed = 0
        self._newest: checkpoints.SignedCheckpoint | None = None
        self._beside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stamp")
        self._stamping: tuple[int, Future[bytes]] | None = None
        self._stamp_at = 0.0
        self._catch_up()

    def _catch_up(self) -> None:
        last = [checkpoints.read(note, self.key.public_key()) for note in self.log.notes()[-1:]]
        for leaf in _placed_leaves():
            self._frontier.append(bytes.fromhex(leaf))
            if (
                last
                and self._frontier.size == last[0].size
                and self._frontier.root() != last[0].root
            ):
                raise RolledBack(
                    f"the first {last[0].size} events are not those of the last checkpoint"
                )
        if last:
            if self._frontier.size < last[0].size:
                raise RolledBack(
                    f"the database holds {self._frontier.size} placed events, the last checkpoint {last[0].size}"
                )
            self._signed = last[0].size
            self._publish(last[0])

    def round(self) -> int:
        """One round; how many events were placed. Signs only when there is news."""
        placed = self._place()
        if self._frontier.size > self._signed:
            checkpoint = checkpoints.sign(
                origin=self.origin,
                size=self._frontier.size,
                root=self._frontier.root(),
                at=datetime.now(UTC),
                key=self.key,
            )
            self.log.append(checkpoint)
            self._signed = checkpoint.size
            self._publish(checkpoint)
        self._stamp_hourly()
        return placed

    def _place(self) -> int:
        with transaction.atomic():
            waiting = list(
                CustodyEvent.objects.filter(tree_index=None)
                .order_by("id")
                .values_list("id", "leaf")[:BATCH]
            )
            for offset, (event_id, _leaf) in enumerate(waiting):
                CustodyEvent.objects.filter(id=event_id).update(
                    tree_index=self._frontier.size + offset
                )
        for _event_id, leaf in waiting:
            self._frontier.append(bytes.fromhex(leaf))
        return len(waiting)

    def _publish(self, checkpoint: checkpoints.SignedCheckpoint) -> None:
        Checkpoint.objects.get_or_create(
            size=checkpoint.size, defaults={"note": checkpoint.note, "at": checkpoint.at}
        )
        self._newest = checkpoint

    def _stamp_hourly(self) -> None:
        if self._stamping:
            size, answer = self._stamping
            if answer.done():
                self._stamping = None
                self._keep_stamp(size, answer)
        elif self.stamp and self._newest and time.monotonic() >= self._stamp_at:
            asked, self._newest = self._newest, None  # without news there is nothing to stamp anew
            self._stamping = (asked.size, self._beside.submit(self.stamp, asked.note.encode()))

    def _keep_stamp(self, size: int, answer: Future[bytes]) -> None:
        try:
            Checkpoint.objects.filter(size=size, time_stamp=b"").update(time_stamp=answer.result())
            self._stamp_at = time.monotonic() + STAMP_EVERY
        except (StampFailed, OSError):
            log.exception("a checkpoint got no time stamp; it is tried again in ten minutes")
            self._newest = self._newest or checkpoints.read(
                Checkpoint.objects.get(size=size).note, self.key.public_key()
            )
            self._stamp_at = time.monotonic() + STAMP_AGAIN_AFTER


def _placed_leaves() -> list[str]:
    placed = CustodyEvent.objects.exclude(tree_index=None).order_by("tree_index")
    return list(placed.values_list("leaf", flat=True))
