"""Messages between reporter and office, sealed to the report's key both ways."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from reporting import budgets, embedded, on_record, quarantine, signed
from reporting.actors import Actor
from reporting.custody.record import founding, record
from reporting.models import Message, Report
from reporting.on_record import NOT_READABLE, OTHER_BYTES, OnRecord
from reporting.sessions import Visit
from reporting.vault import reader
from reporting.vault.fields import seal_bytes
from reporting.vault.keys import Secret, WrongKey


@dataclass(frozen=True)
class OpenMessage:
    """`new`: the other side has not read it. `text` is empty where there is a `fault` or it is
    `closed` (quarantined)."""

    id: str
    from_office: bool
    text: str
    at: datetime | None
    new: bool
    fault: str = ""
    closed: bool = False


def write(visit: Visit, text: str) -> Message:
    """From the reporter who is here. Raises budgets.TooMuch, embedded.FileInText."""
    embedded.check(text)
    sealed = seal_bytes(text.encode(), visit.public_key)
    message = Message(report=visit.report, from_office=False, sealed=sealed)
    with transaction.atomic():
        visit.report.hold()
        budgets.check_text(visit.report, len(sealed))
        message.at = signed.record_signed(
            visit,
            "message:posted",
            detail={"message": message.pk, "from_office": False},
            about=message.pk,
            about_sha256=bytes.fromhex(on_record.stored_sha256(message)),
            sha256=hashlib.sha256(text.encode()).hexdigest(),
        ).at
        message.save(force_insert=True)
    return message


def post(report: Report, text: str, *, by: Actor) -> Message:
    """From the office."""
    sealed = seal_bytes(text.encode(), founding(report.pk).public_key)
    message = Message(report=report, from_office=True, sealed=sealed)
    with transaction.atomic():
        message.at = record(
            report.pk,
            "message:posted",
            actor=by,
            detail={
                "message": message.pk,
                "from_office": True,
                "sha256": hashlib.sha256(text.encode()).hexdigest(),
            },
            about=message.pk,
            about_sha256=bytes.fromhex(on_record.stored_sha256(message)),
        ).at
        message.save(force_insert=True)
    return message


def thread(known: OnRecord, secret: Secret) -> list[OpenMessage]:
    """All messages of a report, oldest first; what is not as recorded stays in the list, unread."""
    closed = quarantine.closed(known.report)
    office_read, reporter_read = (_read_until(known, from_office=side) for side in (True, False))
    opened = []
    for entry in known.messages:
        row, fault, text = entry.row, entry.fault, ""
        if row and not fault and entry.id not in closed:
            text, fault = _open(row, secret, entry.detail.get("sha256"))
        from_office = row.from_office if row else bool(entry.detail.get("from_office"))
        until = reporter_read if from_office else office_read
        new = bool(entry.event and entry.event.seq > until)
        opened.append(
            OpenMessage(
                entry.id, from_office, text, entry.at, new, fault, closed=entry.id in closed
            )
        )
    return opened


def _open(row: Message, secret: Secret, sha256: object) -> tuple[str, str]:
    try:
        plain = reader.open_bytes(row.sealed, secret)
        text = plain.decode()
    except (WrongKey, ValueError):
        return "", NOT_READABLE
    return ("", OTHER_BYTES) if hashlib.sha256(plain).hexdigest() != sha256 else (text, "")


def _read_until(known: OnRecord, *, from_office: bool) -> int:
    """The place in the chain up to which one side has read, by its last act `message:read`."""
    mine = {True: {"staff"}, False: {"public"}}[from_office]
    seqs = [act.seq for act in known.believed if act.name == "message:read" and act.door in mine]
    return max(seqs, default=0)


def unread(messages: Iterable[OpenMessage], *, from_office: bool) -> bool:
    return any(message.new for message in messages if message.from_office == from_office)


def mark_read_by_reporter(visit: Visit) -> None:
    """The reporter has seen what the office wrote. Recorded, because `read` is a fact that both
    sides may rely on."""
    with transaction.atomic():
        signed.record_signed(visit, "message:read", detail={})


def mark_read_by_office(report: Report, *, by: Actor) -> None:
    record(report.pk, "message:read", actor=by, detail={})
