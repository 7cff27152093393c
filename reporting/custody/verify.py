"""Reading the whole ledger against itself and against checkpoints that left the house. README.md
lists what is checked."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import DataError, connection, transaction

from reporting.custody import events, openings, verify_rows, verify_tree
from reporting.custody.checkpoints import CheckpointLog, SignedCheckpoint
from reporting.custody.models import CustodyDetail, Place
from reporting.custody.published import SEQUENCED_WITHIN
from reporting.custody.verify_checkpoints import (
    Known,
    Published,
    Signed,
    check_later,
    check_stamp_times,
    read_log,
    read_published,
)
from reporting.custody.verify_rows import Faults, Rows, Windows, name_of

Check = Callable[[], Iterable[str]]

# Anti-joins: what lies in one table and should have its counterpart in another.
_DETAILS = """
    SELECT detail.event_id FROM public.custody_custodydetail detail
    LEFT JOIN public.custody_custodyevent event ON event.id = detail.event_id
    WHERE event.id IS NULL ORDER BY 1
"""
_STRAYS = {
    "SELECT waiting.event_id FROM public.custody_waitingevent waiting "
    "LEFT JOIN public.custody_custodyevent event ON event.id = waiting.event_id "
    "AND decode(event.leaf, 'hex') = waiting.leaf WHERE event.id IS NULL ORDER BY 1": (
        "event {}: what waits for a place under its number is not this event"
    ),
    "SELECT waiting.event_id FROM public.custody_waitingevent waiting "
    "JOIN public.custody_place place ON place.event_id = waiting.event_id ORDER BY 1": (
        "event {}: it has a place in the tree and waits for another"
    ),
}
_HEADS = """
    COPY (SELECT seq, at, subject FROM public.custody_custodyhead ORDER BY subject)
    TO STDOUT (FORMAT binary)
"""
_HEAD = struct.Struct(">6xq4xq4x")
_WAITING_LONG = """
    SELECT event.id, extract(epoch FROM now() - event.at)::float8
    FROM public.custody_custodyevent event
    WHERE event.id = ANY (%s) AND event.at < now() - %s ORDER BY event.id
"""


@dataclass(frozen=True)
class Verdict:
    """`faults`: the first of `count`, as sentences.

    `notes`: what a reader should know though nothing is broken.
    """

    events: int
    placed: int
    checkpoints: int
    stamps: int
    count: int
    faults: list[str]
    notes: list[str]


def verify(
    log: CheckpointLog | None,
    kept: Sequence[SignedCheckpoint] = (),
    *,
    key: Ed25519PublicKey,
    roots: Mapping[str, Sequence[x509.Certificate]] | None = None,
    also: Sequence[Check] = (),
) -> Verdict:
    """Everything, in one snapshot of the database, so that the doors go on writing meanwhile.

    `log`: checkpoints.log, None where it is not at hand; `kept`: checkpoints that somebody kept
    outside. `key`: the log's public key. `roots`: column of Checkpoint → certificates its stamps
    must come under. `also`: further checks, run in the same snapshot; each yields faults as
    sentences. Raises LogUnreadable.
    """
    faults = Faults()
    logged = read_log(log, key, faults)
    published, rows, notes = Published(), Rows(bytearray()), list[str]()
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            published = read_published(
                logged, has_log=log is not None, key=key, roots=roots or {}, faults=faults
            )
            now = datetime.now(UTC)  # after the snapshot: what it holds is older
            later = published.signed
            windows = Windows([*logged.sizes, *later.sizes], [*logged.times, *later.times], now)
            places = Place.objects.count()
            rows = verify_rows.read(places, windows, faults)
            verify_tree.check(rows.leaves, _known(logged, later, kept), faults)
            _check_heads(rows, faults)
            _check_unplaced(rows, faults)
            _check_counterparts(rows, places, faults)
            check_stamp_times(published, windows, now, faults)
            notes = _notes(published)
            for check in also:
                faults.extend(check())
    except DataError as error:
        faults.add(f"the database holds a value that none of our programs writes: {error}")
    if log:
        check_later(published, log, faults)
    return Verdict(
        events=rows.count,
        placed=rows.placed,
        checkpoints=len(logged.sizes) + len(kept),
        stamps=len(published.stamps),
        count=faults.count,
        faults=faults.sentences,
        notes=notes,
    )


def _known(logged: Signed, later: Signed, kept: Sequence[SignedCheckpoint]) -> Iterator[Known]:
    """Everything the tree is compared with, by size."""
    from_outside = [
        Known(one.size, one.root, f"the checkpoint of {one.size} that was kept")
        for one in sorted(kept, key=lambda one: one.size)
    ]
    return merge(logged.known(), later.known(), from_outside, key=lambda known: known.size)


def _check_counterparts(rows: Rows, places: int, faults: Faults) -> None:
    """Where the reading met as many details and places as there are, none is without its event."""
    if rows.count - rows.bare != CustodyDetail.objects.count():
        faults.extend(
            f"event {event_id}: its detail is there and the event is not"
            for (event_id,) in _query(_DETAILS)
        )
    if rows.count - len(rows.unplaced) != places:
        faults.extend(events.gone())
    for query, sentence in _STRAYS.items():
        faults.extend(sentence.format(event_id) for (event_id,) in _query(query))
    faults.extend(openings.strays())


def _check_heads(rows: Rows, faults: Faults) -> None:
    heads = dict(rows.heads)
    for data in verify_rows.copy_binary(_HEADS):
        if len(data) <= _HEAD.size:
            continue
        seq, at = _HEAD.unpack_from(data)
        subject = data[_HEAD.size :]
        last_seq, _leaf, last_at = heads.pop(subject, (0, b"", 0))
        if not last_seq:
            faults.add(
                f"{name_of(subject)}: the ledger says it has {seq} entries and there is none"
            )
        elif (seq, at) != (last_seq, last_at):
            faults.add(
                f"{name_of(subject)}: the ledger says it ends at entry {seq}, "
                f"and it ends at {last_seq}"
            )
    faults.extend(f"{name_of(subject)}: its end is not noted" for subject in sorted(heads))


def _check_unplaced(rows: Rows, faults: Faults) -> None:
    """Every event has a place or waits for one, and waits no longer than a running sequencer
    takes."""
    waiting = {
        event_id for (event_id,) in _query("SELECT event_id FROM public.custody_waitingevent")
    }
    for event_id in rows.unplaced:
        if event_id not in waiting:
            faults.add(f"event {event_id}: it has no place in the tree and does not wait for one")
    late = [
        (event_id, seconds)
        for event_id, seconds in _query(_WAITING_LONG, rows.unplaced, SEQUENCED_WITHIN)
        if event_id in waiting
    ]
    if late:
        faults.add(
            f"{len(late)} events wait for a place in the tree, the first (event {late[0][0]}) for "
            f"{timedelta(seconds=round(late[0][1]))}: does the sequencer run?"
        )


def _notes(published: Published) -> list[str]:
    return [
        f"No certificate to check {column} with: only what it is over was compared."
        for column in sorted(published.unchecked)
    ]


def _query(sql: str, *values: Any) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        yield from cursor.fetchall()
