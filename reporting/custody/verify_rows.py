"""Reading every event once, with its place and its detail: 150,000 a second and more in one
process.

The rows come as COPY BINARY, the fixed columns first, so that one `struct` takes them. The text
that the leaf hashes is built again from the columns. A row that does not fit this way is evidence
and is read again slowly, so that the fault is named.
"""

from __future__ import annotations

import hashlib
import json
import struct
from binascii import hexlify
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import DataError, connection
from psycopg.pq import ExecStatus

from reporting.custody.record import NO_LEAF
from reporting.custody.tree import SIZE

CLOCK_TOLERANCE = timedelta(seconds=10)
LONGEST_TRANSACTION = timedelta(minutes=10)  # from an event's time to its commit
SHREDS = "report:expired"  # the act after which a draft's details are gone
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # of PostgreSQL's binary timestamps, in microseconds
_HEADER = 19  # bytes before the first row
_TRAILER = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_ROW = struct.Struct(">6xq4xq4xq4xq4x64s4x64s4x64s4x64s4x64s4x14s4x14s4xii")
# The lengths before the columns are passed over: one that is wrong moves a byte of a length into a
# column, none of these bytes is in a signed text, and so the text does not come out.
_TEXT = (
    b'{"actor":"%b","at":"%b.%06dZ","detail_hash":"%b","detail_sealed_sha256":"%b","door":"%b",'
    b'"event":"%b","id":%d,"object":"%b","object_sha256":"%b","previous":"%b","seq":%d,'
    b'"subject":"%b"}'
)
_COPY = """
    COPY (SELECT event.id, event.seq, event.at, coalesce(place.tree_index, -1), event.leaf,
            event.detail_hash, event.detail_sealed_sha256, event.previous, event.object_sha256,
            event.subject, event.object, octet_length(event.canonical),
            concat(event.actor, E'\\x01', event.door, E'\\x01', event.event, E'\\x01',
                detail.founding),
            event.canonical, detail.sealed
        FROM public.custody_custodyevent event
        LEFT JOIN public.custody_place place ON place.event_id = event.id
        LEFT JOIN public.custody_custodydetail detail ON detail.event_id = event.id
        ORDER BY event.id) TO STDOUT (FORMAT binary)
"""
_COLUMNS = (
    "id", "subject", "seq", "event", "object", "object_sha256", "actor", "door", "detail_hash",
    "detail_sealed_sha256", "previous",
)  # fmt: skip


class Faults:
    """What is wrong, in the order it was found; the first `LIMIT` are kept as sentences."""

    LIMIT = 100

    def __init__(self) -> None:
        self.count = 0
        self.sentences: list[str] = []

    def add(self, sentence: str) -> None:
        self.count += 1
        if len(self.sentences) < self.LIMIT:
            self.sentences.append(sentence)

    def extend(self, sentences: Iterable[str]) -> None:
        for sentence in sentences:
            self.add(sentence)

    def merge(self, others: Faults) -> None:
        self.extend(others.sentences)
        self.count += others.count - len(others.sentences)


class Windows:
    """Between which times the event at a place must lie, by the times of the checkpoints around it.

    It was committed after the checkpoint before it was signed, so its time is at most one
    transaction older; and before the checkpoint that covers it. `newest`: the latest event time
    below each checkpoint's size.
    """

    def __init__(self, sizes: Sequence[int], signed: Sequence[int], now: datetime) -> None:
        """`sizes`, rising: of the checkpoints; `signed`: when, in microseconds since 2000."""
        self.sizes = sizes
        latest = microseconds(now)
        tolerance, transaction = _duration(CLOCK_TOLERANCE), _duration(LONGEST_TRANSACTION)
        covered = [*signed, latest]
        self.ceilings = [min(time, latest) + tolerance for time in covered]
        # Where the clock was set back between two checkpoints, the earlier of both counts.
        befores = [covered[0], *signed]
        self.floors = [
            min(before, after) - transaction if number else -(1 << 63)
            for number, (before, after) in enumerate(zip(befores, covered, strict=True))
        ]
        self.newest = [-(1 << 63)] * len(covered)

    def window(self, index: int) -> tuple[int, int, int]:
        """Number of the window that holds a place, its first place and the first place after it."""
        number = bisect_right(self.sizes, index)
        begin = self.sizes[number - 1] if number else 0
        end = self.sizes[number] if number < len(self.sizes) else 1 << 63
        return number, begin, end

    def newest_below(self, size: int) -> datetime | None:
        """The time of the newest event that the checkpoint of this size covers."""
        covered = self.newest[: bisect_right(self.sizes, size - 1) + 1]
        newest = max(covered, default=-(1 << 63))
        return None if newest == -(1 << 63) else time_of(newest)


@dataclass
class Rows:
    """What one reading found. `leaves`: the hashes of the placed events by place, zeros where there
    is none. `bare`: how many events have no row in the detail table."""

    leaves: bytearray
    count: int = 0
    placed: int = 0
    bare: int = 0
    heads: dict[bytes, tuple[int, bytes, int]] = field(default_factory=dict)
    unplaced: list[int] = field(default_factory=list)
    odd: list[int] = field(default_factory=list)
    missing: dict[bytes, int] = field(default_factory=dict)
    shredded: set[bytes] = field(default_factory=set)


def read(places: int, windows: Windows, faults: Faults) -> Rows:
    """`places`: how many rows the place table has."""
    rows, others = Rows(bytearray(places * SIZE)), Faults()
    with connection.cursor() as cursor:
        # In the order of the primary keys nothing is sorted and nothing is held in memory.
        cursor.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_sort = off")
        _read(copy_binary(_COPY), places, windows, rows, others)
        cursor.execute("SET LOCAL enable_hashjoin = on; SET LOCAL enable_sort = on")
    _explain(rows.odd, faults)
    faults.merge(others)
    _explain_missing(rows, faults)
    return rows


def copy_binary(statement: str) -> Iterator[bytes]:
    """The rows of a COPY BINARY, from libpq itself: `Cursor.copy` costs half a microsecond more."""
    connection.ensure_connection()
    libpq = connection.connection.pgconn
    libpq.send_query(statement.encode())
    result = libpq.get_result()
    if result.status != ExecStatus.COPY_OUT:
        raise DataError(result.error_message.decode())
    skipped, (size, data) = _HEADER, libpq.get_copy_data(0)
    while size > 0:
        yield bytes(data[skipped:])
        skipped, (size, data) = 0, libpq.get_copy_data(0)
    while result := libpq.get_result():
        if result.status != ExecStatus.COMMAND_OK:
            raise DataError(result.error_message.decode())


def _read(copy: Iterable[bytes], places: int, windows: Windows, rows: Rows, faults: Faults) -> None:
    """The loop over a million rows: one function, local names, nothing made that is not needed."""
    unpack, width, odd = _ROW.unpack_from, _ROW.size, rows.odd.append
    sha256, heads, leaves = hashlib.sha256, rows.heads, rows.leaves
    of_leaf = sha256(b"\x00").copy
    head_of = heads.get
    newest, ceilings, floors = windows.newest, windows.ceilings, windows.floors
    first = (0, NO_LEAF.encode(), -(1 << 63))
    number, begin, end = windows.window(0)
    count, placed, bare, second, clock = 0, 0, 0, -1, b""
    for data in copy:
        if len(data) < width:
            if data != _TRAILER:
                odd(int.from_bytes(data[6:14], "big"))
            continue
        count += 1
        (
            event_id,
            seq,
            at,
            index,
            leaf,
            detail_hash,
            sealed_sha256,
            previous,
            object_sha256,
            subject,
            about,
            length,
            size,
        ) = unpack(data)
        here = width + size
        try:
            actor, door, event, founding = data[width:here].split(b"\x01", 3)
            seconds, micro = divmod(at, 1_000_000)
            if seconds != second:
                clock = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S").encode()
                second = seconds
        except (ValueError, OverflowError):
            odd(event_id)
            continue
        text = _TEXT % (
            actor, clock, micro, detail_hash, sealed_sha256, door, event, event_id, about,
            object_sha256, previous, seq, subject,
        )  # fmt: skip
        leaf_hash = of_leaf()
        leaf_hash.update(text)
        digest = leaf_hash.digest()
        here += 4
        if hexlify(digest) != leaf or length != len(text) or not data.startswith(text, here):
            odd(event_id)
            digest = sha256(b"\x00" + data[here : here + length]).digest()

        last_seq, last_leaf, last_at = head_of(subject, first)
        if seq != last_seq + 1:
            faults.add(f"{name_of(subject)}: entry {last_seq + 1} is missing (the next is {seq})")
        elif previous != last_leaf:
            faults.add(f"{_where(subject, seq, event_id)}: does not follow the entry before it")
        if at < last_at:
            faults.add(f"{_where(subject, seq, event_id)}: its time is before the entry before it")
        heads[subject] = (seq, leaf, at)

        here += length
        sealed = data[here + 4 :]
        if sealed:
            if hexlify(sha256(sealed).digest()) != sealed_sha256 or founding or seq == 1:
                faults.add(f"{_where(subject, seq, event_id)}: its detail is not what was recorded")
        elif seq == 1:
            if not detail_hash == sealed_sha256 == sha256(founding).hexdigest().encode():
                faults.add(
                    f"{_where(subject, seq, event_id)}: its public keys are not those recorded"
                )
        elif founding:
            faults.add(f"{_where(subject, seq, event_id)}: its detail is not what was recorded")
        elif sealed_sha256 != _NOTHING:
            rows.missing.setdefault(subject, event_id)
        if not sealed and data[here:] == _NULL:
            bare += 1
        if event == _SHREDS:
            rows.shredded.add(subject)

        if index < 0:
            rows.unplaced.append(event_id)
            window = len(ceilings) - 1
        else:
            if index >= places:
                faults.add(
                    f"{_where(subject, seq, event_id)}: its place {index} is not in the tree"
                )
            else:
                leaves[index * SIZE : (index + 1) * SIZE] = digest
                placed += 1
            if not begin <= index < end:
                number, begin, end = windows.window(index)
            window = number
            if at > newest[window]:
                newest[window] = at
        if not floors[window] <= at <= ceilings[window]:
            faults.add(_time_fault(_where(subject, seq, event_id), at, window, windows))
    rows.count, rows.placed, rows.bare = count, placed, bare


_NOTHING = hashlib.sha256(b"").hexdigest().encode()
_SHREDS = SHREDS.encode()


def _time_fault(where: str, at: int, window: int, windows: Windows) -> str:
    if at > windows.ceilings[-1]:
        return f"{where}: its time is in the future"
    if at > windows.ceilings[window]:
        return (
            f"{where}: its time is after the checkpoint of {windows.sizes[window]} that covers it"
        )
    return f"{where}: its time is long before it was recorded"


def _where(subject: bytes, seq: int, event_id: int) -> str:
    return f"{name_of(subject)} entry {seq} (event {event_id})"


def name_of(subject: bytes) -> str:
    """For a fault: of a row that does not fit, this can be any bytes."""
    return subject.decode(errors="replace")


def _explain(ids: list[int], faults: Faults) -> None:
    """Rows that did not fit the fast way, read slowly: what exactly is wrong with them."""
    columns = ", ".join(f"event.{column}" for column in (*_COLUMNS, "canonical", "leaf"))
    ids.sort()
    for start in range(0, len(ids), 1_000):
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {columns}, to_char(event.at AT TIME ZONE 'UTC', %s) AS at "  # noqa: S608
                "FROM public.custody_custodyevent event WHERE event.id = ANY (%s) "
                "ORDER BY event.id",
                ['YYYY-MM-DD"T"HH24:MI:SS.US"Z"', ids[start : start + 1_000]],
            )
            names = [column.name for column in cursor.description]
            for values in cursor.fetchall():
                row = dict(zip(names, values, strict=True))
                if fault := _row_fault(row):
                    faults.add(f"{row['subject']} entry {row['seq']} (event {row['id']}): {fault}")


def _row_fault(row: dict[str, object]) -> str:
    canonical = row["canonical"]
    if not isinstance(canonical, str):
        return "it has no text"
    if hashlib.sha256(b"\x00" + canonical.encode()).hexdigest() != row["leaf"]:
        return "its leaf is not the hash of its text"
    try:
        written = json.loads(canonical)
        again = json.dumps(written, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if again != canonical or written.keys() != {*_COLUMNS, "at"}:
            return "its text is not an event"
        differs = [column for column in (*_COLUMNS, "at") if written[column] != row[column]]
    except (ValueError, TypeError, AttributeError):
        return "its text is not an event"
    return f"the column {differs[0]} differs from the signed text" if differs else ""


def _explain_missing(rows: Rows, faults: Faults) -> None:
    """Details may only be missing where a draft was forgotten, and a report that was sent is no
    draft."""
    forgotten = [name_of(subject) for subject in rows.missing.keys() & rows.shredded]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT event.subject FROM public.custody_custodyevent event "
            "WHERE event.subject = ANY (%s) AND event.event = 'report:submitted'",
            [forgotten],
        )
        sent = {subject.encode() for (subject,) in cursor.fetchall()}
    for subject, event_id in rows.missing.items():
        if subject not in rows.shredded or subject in sent:
            faults.add(
                f"{name_of(subject)} (first: event {event_id}): details are missing "
                "and no act says that it was erased"
            )


def microseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)


def _duration(time: timedelta) -> int:
    return time // timedelta(microseconds=1)


def time_of(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
