"""The sequencer: gives each committed event its place in the tree, then signs what was committed.

One process, one advisory lock. Order of a round: places and tiles in one commit, sign, append to
`checkpoints.log` with fsync, publish. A kill between any two steps is finished by the next start,
with the same bytes. It reads no event: the waiting table holds an event's number and leaf hash, and
nothing else is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection, transaction

from reporting.custody import checkpoints, tiles, tree
from reporting.custody.checkpoints import CheckpointLog, SignedCheckpoint
from reporting.custody.models import Checkpoint
from reporting.custody.stamping import HourlyStamp
from reporting.custody.tiles import RightEdge

BATCH = 5_000
_LOCK = 0x686F6C64  # "hold"

# The waiting table is the truth of what has no place: an event may commit after one with a larger
# number, so that a mark of "placed up to here" would pass over it.
_PLACE = """
    WITH taken AS (
        DELETE FROM public.custody_waitingevent WHERE event_id IN (
            SELECT event_id FROM public.custody_waitingevent ORDER BY event_id LIMIT %s)
        RETURNING event_id, leaf
    ), placed AS (
        INSERT INTO public.custody_place (tree_index, event_id)
        SELECT %s + row_number() OVER (ORDER BY event_id) - 1, event_id FROM taken
    )
    SELECT leaf FROM taken ORDER BY event_id
"""


class RolledBack(Exception):
    """The database is older than a checkpoint that already left the house, or holds other events.

    Nothing is signed then.
    """


class AnotherSequencer(Exception):
    """The advisory lock is held: two sequencers would sign two histories."""


class Sequencer:
    """`stamps`: column of Checkpoint → the authority whose stamps it keeps.

    Raises AnotherSequencer, RolledBack, checkpoints.LogUnreadable.
    """

    def __init__(
        self,
        origin: str,
        key: Ed25519PrivateKey,
        log: CheckpointLog,
        stamps: Mapping[str, Callable[[bytes], bytes]] | None = None,
    ) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
            if not cursor.fetchone()[0]:
                raise AnotherSequencer("another sequencer runs on this database")
        self.origin = origin
        self.stamps = [HourlyStamp(field, stamp) for field, stamp in (stamps or {}).items()]
        self._key = key
        self._log = log
        self._edge, self._signed = self._catch_up()

    def _catch_up(self) -> tuple[RightEdge, int]:
        """The tree's right edge as the database has it, once it is known to go on from what was
        last signed."""
        last = self._log.last()
        try:
            edge = RightEdge.load(_placed())
            if last is None:
                return edge, 0
            checkpoint = checkpoints.read(last.note, self._key.public_key())
            _must_go_on_from(checkpoint, edge)
        except checkpoints.NotACheckpoint as error:
            raise RolledBack(f"the last checkpoint of the log cannot be read: {error}") from None
        except tiles.TileMissing as error:
            raise RolledBack(f"the tree is not whole: {error}") from None
        self._publish(checkpoint, last.at)
        return edge, checkpoint.size

    def round(self) -> int:
        """One round; how many events were placed. Signs when nothing waits any more, and only when
        there is news.

        So an event without a place was committed after the newest checkpoint, and its time can be
        held against that.
        """
        placed = batch = self._place()
        while batch == BATCH:
            batch = self._place()
            placed += batch
        if self._edge.size > self._signed:
            checkpoint = checkpoints.sign(
                origin=self.origin, size=self._edge.size, root=self._edge.root(), key=self._key
            )
            at = _database_time()
            self._log.append(checkpoint, at)
            self._signed = checkpoint.size
            self._publish(checkpoint, at)
        for stamp in self.stamps:
            stamp.step()
        return placed

    def _place(self) -> int:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(_PLACE, [BATCH, self._edge.size])
                leaves = [bytes(leaf) for (leaf,) in cursor.fetchall()]
            # A failed commit ends the process, so that the edge never runs ahead of the table.
            if leaves:
                tiles.store(self._edge.append(leaves))
        return len(leaves)

    def _publish(self, checkpoint: SignedCheckpoint, at: datetime) -> None:
        Checkpoint.objects.get_or_create(
            size=checkpoint.size, defaults={"note": checkpoint.note, "at": at}
        )
        for stamp in self.stamps:
            stamp.offer(checkpoint)


def _must_go_on_from(checkpoint: SignedCheckpoint, edge: RightEdge) -> None:
    """That what the database holds begins with what was signed. Raises RolledBack, TileMissing."""
    if edge.size < checkpoint.size:
        raise RolledBack(
            f"the database holds {edge.size} placed events, the last checkpoint {checkpoint.size}"
        )
    if checkpoint.size == 0:
        return
    proof = tiles.consistency_proof(checkpoint.size, edge.size)
    try:
        tree.verify_consistency(checkpoint.size, edge.size, proof, checkpoint.root, edge.root())
    except tree.ProofRejected:
        raise RolledBack(
            f"the first {checkpoint.size} events are not those of the last checkpoint"
        ) from None


def _placed() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(tree_index) + 1, 0) FROM public.custody_place")
        return int(cursor.fetchone()[0])


def _database_time() -> datetime:
    """The clock that stamped the events, so that both can be compared."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        at: datetime = cursor.fetchone()[0]
    return at
