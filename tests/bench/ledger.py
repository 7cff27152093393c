"""The ledger: appends by 32 writers, the sequencer, its start, proofs, `verify_ledger`.

Yardsticks: for appends, the same rows with the same indexes and no chain; for the sequencer, the
same places inserted and committed with no tree; for its start, one reading of all leaves by the
database; for a proof, one event read by its key; for verifying, the canonical rows copied out of
the database and hashed.
"""

from __future__ import annotations

import hashlib
import random
import statistics
import time
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection, transaction

from config.local.office import Office
from reporting.custody import checkpoints, extract, sequencer, tree, verify
from reporting.custody.models import CustodyEvent
from tests.bench import ledger_rows, rounds, say

_ROLE = "holdfast_public"
_WRITERS, _SECONDS = 32, 8
_VERIFIED = 300_000
_WAITING = 50_000
_WHOLE = 1_000_000
_PROOFS = 5  # a round


def _sequencer() -> sequencer.Sequencer:
    """A sequencer as its command makes it, but that it asks nobody for time stamps."""
    connection.close()  # the lock of the one before goes with its session
    return sequencer.Sequencer(
        origin=settings.LEDGER_ORIGIN,
        key=checkpoints.private_key(settings.CHECKPOINT_KEY_FILE),
        log=checkpoints.CheckpointLog(settings.CHECKPOINTS_LOG),
    )


def _place_all() -> None:
    running = _sequencer()
    while running.round():
        continue


def _verify() -> int:
    """What `verify_ledger` does; how many events it saw."""
    key = checkpoints.public_key(settings.CHECKPOINT_PUBLIC_KEY_FILE)
    log = checkpoints.CheckpointLog(settings.CHECKPOINTS_LOG)
    verdict = verify.verify(log, key=key)
    if verdict.faults:
        raise RuntimeError(f"the loaded ledger is not sound: {verdict.faults[:3]}")
    return verdict.events


def _prove(act: tuple[str, int]) -> str:
    """An inclusion proof of one act (subject, seq) as a receipt gets it."""
    return extract.proofs([act])[act]


def _compared(
    what: str,
    unit: str,
    goal: rounds.Goal,
    how_many: int,
    ours: Callable[[], float],
    yardstick: Callable[[], float],
) -> rounds.Row:
    """The row of two measurements, taken in turns."""
    our_figures, of_yardstick = rounds.interleave(how_many, ours, yardstick)
    return rounds.compared(
        "ledger", what, unit, ours=our_figures, yardstick=of_yardstick, goal=goal
    )


def run(office: Office, how_many: int) -> list[rounds.Row]:
    with psycopg.connect(office.postgres.owner_url(), autocommit=True) as owner:
        append = _append(office, owner, how_many)
        _place_all()
        say(f"ledger: {_verify():,} events, the appended ones among them, verify")
        ledger_rows.clear(owner)
        settings.CHECKPOINTS_LOG.unlink()
        ledger_rows.load(owner, first=1, events=_VERIFIED)
        _place_all()
        verified = _verified(owner, how_many)
        placed = _sequence(office, owner, how_many)
        rest = _WHOLE - CustodyEvent.objects.count()
        say(f"ledger: {rest:,} more events are loaded, {_WHOLE:,} in all")
        ledger_rows.load(owner, first=_WHOLE, events=rest)
        _place_all()  # and signs a checkpoint over all of them
        return [append, placed, _start(owner, how_many), *_proof(how_many), verified]


def _append(
    office: Office, owner: psycopg.Connection[tuple[object, ...]], how_many: int
) -> rounds.Row:
    say(f"ledger: {_WRITERS} writers append")
    owner.execute(f"ALTER ROLE {_ROLE} CONNECTION LIMIT -1".encode())
    url = office.environment("public")["DATABASE_URL"]
    append, bare = office.folder / "append.sql", office.folder / "bare.sql"

    def written_by(script: Path) -> Callable[[], float]:
        def written() -> float:
            owner.execute("CHECKPOINT")
            return ledger_rows.pgbench(url, script, writers=_WRITERS, seconds=_SECONDS)

        return written

    append.write_text(ledger_rows.append_script())
    ledger_rows.load(owner, first=1, events=ledger_rows.SUBJECTS, chain=1)
    ledger_rows.pgbench(url, append, writers=1, seconds=1)  # an event to copy the values of
    bare.write_text(ledger_rows.bare_script(owner, _ROLE))

    return _compared(
        f"append, {_WRITERS} writers · the same rows and indexes without a chain",
        "1/s",
        rounds.Goal("ratio", "≥", 0.55),
        how_many,
        written_by(append),
        written_by(bare),
    )


def _verified(owner: psycopg.Connection[tuple[object, ...]], how_many: int) -> rounds.Row:
    say("ledger: verify_ledger")

    def ours() -> float:
        began = time.perf_counter()
        return _verify() / (time.perf_counter() - began)

    def copied_and_hashed() -> float:
        began, count = time.perf_counter(), 0
        with owner.cursor().copy(
            "COPY (SELECT canonical FROM custody_custodyevent ORDER BY id) TO STDOUT"
        ) as copy:
            for row in copy:
                hashlib.sha256(row).digest()
                count += 1
        return count / (time.perf_counter() - began)

    return _compared(
        f"verify {_VERIFIED:,} events · the rows copied out and hashed",
        "1/s",
        rounds.Goal("ours", "≥", 150_000),
        how_many,
        ours,
        copied_and_hashed,
    )


def _sequence(
    office: Office, owner: psycopg.Connection[tuple[object, ...]], how_many: int
) -> rounds.Row:
    say(f"ledger: the sequencer places {_WAITING:,} events a round")
    running = _sequencer()
    owner.execute("CREATE TABLE bare.place (tree_index bigint PRIMARY KEY, id bigint UNIQUE)")
    loaded = _VERIFIED

    def placed() -> float:
        nonlocal loaded
        ledger_rows.load(owner, first=loaded, events=_WAITING)
        loaded += _WAITING
        began, count = time.perf_counter(), 0
        while count < _WAITING:
            count += running.round()
        return count / (time.perf_counter() - began)

    def inserted() -> float:
        owner.execute("TRUNCATE bare.place")
        began = time.perf_counter()
        for first in range(0, _WAITING, sequencer.BATCH):
            owner.execute(
                "INSERT INTO bare.place SELECT n, n FROM generate_series(%s::bigint, %s) n",
                [first, first + sequencer.BATCH - 1],
            )
        return _WAITING / (time.perf_counter() - began)

    return _compared(
        f"sequence {_WAITING:,} events, signed · their places inserted without a tree",
        "1/s",
        rounds.Goal("ours", "≥", 20_000),
        how_many,
        placed,
        inserted,
    )


def _start(owner: psycopg.Connection[tuple[object, ...]], how_many: int) -> rounds.Row:
    say("ledger: the sequencer starts")

    def started() -> float:
        began = time.perf_counter()
        _sequencer()
        return time.perf_counter() - began

    def read() -> float:
        began = time.perf_counter()
        owner.execute("SELECT count(leaf) FROM custody_custodyevent").fetchone()
        return time.perf_counter() - began

    return _compared(
        f"start of the sequencer on {_WHOLE:,} events · one reading of all leaves",
        "s",
        rounds.Goal("ours", "≤", 2),
        how_many,
        started,
        read,
    )


def _proof(how_many: int) -> list[rounds.Row]:
    say("ledger: proofs")
    last = checkpoints.CheckpointLog(settings.CHECKPOINTS_LOG).last()
    assert last is not None
    key = checkpoints.public_key(settings.CHECKPOINT_PUBLIC_KEY_FILE)
    checkpoint = checkpoints.read(last.note, key)
    chance = random.Random(11)
    ids = list(CustodyEvent.objects.values_list("id", flat=True).order_by("id"))
    rows_read: list[int] = []

    def an_act() -> tuple[str, int, str]:
        columns = CustodyEvent.objects.values_list("subject", "seq", "leaf")
        return columns.get(id=chance.choice(ids))

    def proved() -> float:
        times = []
        for subject, seq, leaf in [an_act() for _ in range(_PROOFS)]:
            with transaction.atomic():
                before = _rows_read()
                began = time.perf_counter()
                proof = _prove((subject, seq))
                times.append((time.perf_counter() - began) * 1000)
                rows_read.append(_rows_read() - before)
            _check(proof, leaf, checkpoint)
        return statistics.median(times)

    def read_by_key() -> float:
        times = []
        with connection.cursor() as cursor:
            for event_id in chance.choices(ids, k=500):
                began = time.perf_counter()
                cursor.execute(
                    "SELECT canonical FROM custody_custodyevent WHERE id = %s", [event_id]
                )
                cursor.fetchone()
                times.append((time.perf_counter() - began) * 1000)
        return statistics.median(times)

    return [
        _compared(
            f"inclusion proof in {_WHOLE:,} events · one event read by its key",
            "ms",
            rounds.Goal("ours", "≤", 5),
            how_many,
            proved,
            read_by_key,
        ),
        rounds.counted(
            "ledger",
            f"rows read for a proof in {_WHOLE:,} events (2²⁰), the most",
            "rows",
            ours=max(rows_read),
            goal=rounds.Goal("ours", "≤", 24),
        ),
    ]


def _rows_read() -> int:
    """How many rows this transaction has fetched from the ledger's tables so far."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint"
            " FROM pg_stat_xact_user_tables WHERE relname LIKE 'custody%'"
        )
        return int(cursor.fetchone()[0])


def _check(proof: str, leaf: str, checkpoint: checkpoints.SignedCheckpoint) -> None:
    """A proof that does not hold would be fast for nothing. C2SP tlog-proof, as text."""
    lines = proof.split("\n\n")[0].splitlines()
    index = int(next(line for line in lines if line.startswith("index ")).split()[1])
    hashes = [b64decode(line) for line in lines[lines.index(f"index {index}") + 1 :]]
    tree.verify_inclusion(bytes.fromhex(leaf), index, checkpoint.size, hashes, checkpoint.root)
