"""Reading the whole ledger against itself and against checkpoints that left the house."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from reporting.custody.checkpoints import SignedCheckpoint
from reporting.custody.models import CustodyDetail, CustodyEvent
from reporting.custody.record import UnknownSubject, read_founding
from reporting.custody.tree import Frontier

_CHECKED_COLUMNS = ("id", "subject", "seq", "event", "actor", "door", "detail_hash", "previous")


class LedgerBroken(Exception):
    """The first bad entry, named."""


@dataclass(frozen=True)
class Verdict:
    events: int
    placed: int
    checkpoints: int


def verify(known: Sequence[SignedCheckpoint]) -> Verdict:
    """Raises LedgerBroken. `known`: checkpoints from outside the database, in any order; none means internal consistency only."""
    heads: dict[str, tuple[int, str, datetime]] = {}
    count = 0
    for row in CustodyEvent.objects.order_by("subject", "seq").iterator(chunk_size=5_000):
        _check_row(row)
        seq, previous, at = heads.get(row.subject, (0, "0" * 64, datetime.min.replace(tzinfo=UTC)))
        if row.seq != seq + 1:
            raise LedgerBroken(
                f"{row.subject}: entry {seq + 1} is missing (the next one found is {row.seq})"
            )
        if row.previous != previous:
            raise LedgerBroken(
                f"{row.subject} entry {row.seq} (event {row.id}): does not follow the entry before it"
            )
        if row.at < at:
            raise LedgerBroken(
                f"{row.subject} entry {row.seq} (event {row.id}): its time is before the entry before it"
            )
        heads[row.subject] = (row.seq, row.leaf, row.at)
        count += 1
    _check_foundings()
    placed = _check_tree(known)
    return Verdict(count, placed, len(known))


def _check_row(row: CustodyEvent) -> None:
    where = f"{row.subject} entry {row.seq} (event {row.id})"
    if hashlib.sha256(b"\x00" + row.canonical.encode()).hexdigest() != row.leaf:
        raise LedgerBroken(f"{where}: its leaf is not the hash of its text")
    written = json.loads(row.canonical)
    for column in _CHECKED_COLUMNS:
        if written[column] != getattr(row, column):
            raise LedgerBroken(f"{where}: the column {column} differs from the signed text")
    if written["at"] != row.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"):
        raise LedgerBroken(f"{where}: the column at differs from the signed text")


def _check_foundings() -> None:
    for detail in (
        CustodyDetail.objects.exclude(founding="").order_by("event_id").iterator(chunk_size=5_000)
    ):
        canonical = (
            CustodyEvent.objects.filter(id=detail.event_id)
            .values_list("canonical", flat=True)
            .first()
        )
        try:
            read_founding(canonical or "{}", detail.founding)
        except (UnknownSubject, KeyError):
            raise LedgerBroken(
                f"event {detail.event_id}: its public keys are not those that were recorded"
            ) from None


def _check_tree(known: Sequence[SignedCheckpoint]) -> int:
    frontier, waiting = Frontier(), sorted(known, key=lambda checkpoint: checkpoint.size)
    good = 0
    for index, leaf, event_id in _placed():
        if index != frontier.size:
            raise LedgerBroken(
                f"the tree has no entry {frontier.size} (the next one found is {index}, event {event_id})"
            )
        frontier.append(bytes.fromhex(leaf))
        while waiting and waiting[0].size == frontier.size:
            if waiting[0].root != frontier.root():
                raise LedgerBroken(
                    f"tree entries {good} to {frontier.size - 1}: at least one is not what the checkpoint of "
                    f"{waiting[0].at:%Y-%m-%d %H:%M:%S} UTC saw"
                )
            good = waiting.pop(0).size
    if waiting:
        raise LedgerBroken(
            f"the tree ends at {frontier.size} entries; the checkpoint of {waiting[-1].at:%Y-%m-%d %H:%M:%S} UTC "
            f"saw {waiting[-1].size}: the end was cut off, or an older copy of the database was put back"
        )
    return frontier.size


def _placed() -> Iterator[tuple[int | None, str, int]]:
    rows = CustodyEvent.objects.exclude(tree_index=None).order_by("tree_index")
    yield from rows.values_list("tree_index", "leaf", "id").iterator(chunk_size=10_000)
