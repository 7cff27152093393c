"""A ledger for tests: chains written by the public door, placed by a sequencer, and what a database
owner can do to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from cases.operations.acting import acting_as
from reporting import ids
from reporting.custody import checkpoints, openings, sequencer, verify
from reporting.custody.record import record, start_chain
from reporting.vault.keys import new_secret, public_key_of

ORIGIN = settings.LEDGER_ORIGIN
ACT = "report:opened_by_reporter"  # an act of the public door that stores nothing


def subject_with(events: int) -> str:
    """A report with its first event and as many more."""
    subject, secret = ids.report(), new_secret()
    with acting_as("public"):
        start_chain(
            subject, public_key=public_key_of(secret), signing_key=b"k" * 32, actor="reporter"
        )
        for number in range(events):
            record(subject, ACT, actor="reporter", detail={"number": number})
    return subject


def log() -> checkpoints.CheckpointLog:
    return checkpoints.CheckpointLog(settings.CHECKPOINTS_LOG)


def start(
    stamps: Mapping[str, Callable[[bytes], bytes]] | None = None,
) -> sequencer.Sequencer:
    """A sequencer after the one before it has died."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")
    key = checkpoints.private_key(settings.CHECKPOINT_KEY_FILE)
    with acting_as("sequencer"):
        return sequencer.Sequencer(ORIGIN, key, log(), stamps)


def place() -> int:
    """One round of a new sequencer, under its role."""
    running = start()
    with acting_as("sequencer"):
        return running.round()


def verdict(**options: Any) -> verify.Verdict:
    key = checkpoints.public_key(settings.CHECKPOINT_PUBLIC_KEY_FILE)
    return verify.verify(log(), key=key, **options)


def past_the_triggers(sql: str, *values: Any) -> None:
    """Change rows as a database owner can, with the triggers switched off."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, values or None)


def rows(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return list(cursor.fetchall())


def two_chains() -> None:
    """Two chains of five events under one checkpoint each; an opening that was used."""
    for _ in range(2):
        subject = subject_with(4)
        with acting_as("staff"):
            opening = record(subject, "report:opened", actor="S-000000000000", detail={})
        with acting_as("opener"):
            openings.use(opening.id, "S-000000000000")
        place()


class Clock:
    """Stands for a module's `datetime`, at a time of its own."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self, zone: Any) -> datetime:
        return self._now
