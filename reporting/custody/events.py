"""The acts of one subject as the ledger holds them: each event beside its sealed detail, checked
against itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection

from reporting.custody.models import CustodyEvent
from reporting.custody.record import NO_LEAF

_COLUMNS = (
    "id", "subject", "seq", "event", "object", "object_sha256", "actor", "door", "detail_hash",
    "detail_sealed_sha256", "previous",
)  # fmt: skip
_GONE = """
    SELECT place.event_id FROM public.custody_place place
    LEFT JOIN public.custody_custodyevent event ON event.id = place.event_id
    WHERE event.id IS NULL ORDER BY 1
"""


@dataclass(frozen=True)
class Event:
    """One event. Hashes are hex; `at` is UTC.

    `sealed`: the sealed detail, `founding`: the clear one of a first event; both empty where they
    were shredded. `fault`: why the row is not what the ledger recorded, or an empty text.
    """

    id: int
    subject: str
    seq: int
    name: str
    object: str
    object_sha256: str
    actor: str
    door: str
    at: datetime
    detail_hash: str
    previous: str
    canonical: str
    leaf: str
    sealed: bytes
    founding: str
    fault: str = ""


def of(subject: str) -> list[Event]:
    """All acts of a subject in order; at the public door only those that a reporter may read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM public.custody_acts(%s)", [subject])
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return [_event(row) for row in rows]


def at(places: Sequence[tuple[str, int]]) -> list[Event]:
    """The acts at these places: (subject, seq)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT event.*, detail.sealed, detail.founding "
            "FROM unnest(%s::text[], %s::bigint[]) AS place (subject, seq) "
            "JOIN public.custody_custodyevent event USING (subject, seq) "
            "LEFT JOIN public.custody_custodydetail detail ON detail.event_id = event.id",
            [[subject for subject, _seq in places], [seq for _subject, seq in places]],
        )
        names = [column.name for column in cursor.description]
        return [_event(dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def places(subjects: Iterable[str], name: str) -> list[tuple[str, int]]:
    """Where the acts of this name stand on these chains: (subject, seq)."""
    acts = CustodyEvent.objects.filter(subject__in=list(subjects), event=name)
    return list(acts.values_list("subject", "seq"))


def stream(subject: str) -> Iterator[Event]:
    """The acts of a long chain in order, without their details; memory does not grow with it."""
    rows = CustodyEvent.objects.filter(subject=subject).order_by("seq").values()
    for row in rows.iterator(chunk_size=1_000):
        yield _event({**row, "sealed": b"", "founding": ""})


def gone() -> Iterator[str]:
    """Acts that have a place in the tree and were removed."""
    with connection.cursor() as cursor:
        cursor.execute(_GONE)
        for (event_id,) in cursor.fetchall():
            yield f"event {event_id}: it has a place in the tree and is gone"


def chain_fault(events: Iterable[Event]) -> str:
    """Why the acts are not one unbroken chain from the first, or an empty text."""
    seq, leaf = 0, NO_LEAF
    for event in events:
        if event.seq != seq + 1:
            return f"act {seq + 1} is missing"
        if event.previous != leaf:
            return f"act {event.seq} does not follow the act before it"
        seq, leaf = event.seq, event.leaf
    return ""


def as_written(at: datetime) -> str:
    """A time as the text of an act has it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _event(row: dict[str, object]) -> Event:
    at = row["at"]
    assert isinstance(at, datetime)
    sealed = bytes(row["sealed"] or b"")  # type: ignore[call-overload]
    return Event(
        id=row["id"],  # type: ignore[arg-type]
        subject=str(row["subject"]),
        seq=row["seq"],  # type: ignore[arg-type]
        name=str(row["event"]),
        object=str(row["object"]),
        object_sha256=str(row["object_sha256"]),
        actor=str(row["actor"]),
        door=str(row["door"]),
        at=at,
        detail_hash=str(row["detail_hash"]),
        previous=str(row["previous"]),
        canonical=str(row["canonical"]),
        leaf=str(row["leaf"]),
        sealed=sealed,
        founding=str(row["founding"] or ""),
        fault=_fault(row, sealed, at),
    )


def _fault(row: dict[str, object], sealed: bytes, at: datetime) -> str:
    canonical = str(row["canonical"])
    if hashlib.sha256(b"\x00" + canonical.encode()).hexdigest() != row["leaf"]:
        return "its leaf is not the hash of its text"
    try:
        written = json.loads(canonical)
        differs = [column for column in _COLUMNS if written[column] != row[column]]
        if written["at"] != as_written(at):
            differs.append("at")
    except (ValueError, KeyError, TypeError):
        return "its text is not an event"
    if differs:
        return f"the column {differs[0]} differs from the signed text"
    if sealed and hashlib.sha256(sealed).hexdigest() != row["detail_sealed_sha256"]:
        return "its detail is not the one that was recorded"
    return ""
