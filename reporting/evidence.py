"""Evidence items: kept, checked, opened. Opening a report's key for the office, against a committed
custody event.

`acquire` keeps what was sealed; `office_key` asks the opener; `open_sealed` gives an original's
bytes, and refuses what is quarantined, failed its check or is not as the ledger recorded it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from reporting import on_record, quarantine, signed
from reporting.actors import Actor
from reporting.custody.record import record
from reporting.models import EvidenceItem, FileGroup, Person, Report
from reporting.on_record import Entry
from reporting.records import Acquisition, UnknownRecord
from reporting.sessions import Visit
from reporting.vault import opener, reader
from reporting.vault.digests import Digests, Hasher
from reporting.vault.keys import Secret
from reporting.vault.reader import HashMismatch
from reporting.vault.sealer import Sealed
from reporting.vault.store import DiskStore, Store

__all__ = [
    "HashMismatch",
    "NotOpenable",
    "acquire",
    "office_key",
    "open_record",
    "open_sealed",
    "open_text",
]

open_text = reader.open_text
open_record = reader.open_record
open_bytes = reader.open_bytes


class NotOpenable(Exception):
    """The item is quarantined, failed its check, or is not as recorded: nobody opens, copies or
    exports it."""


def store() -> Store:
    """On a disk, or on S3-compatible storage where VAULT_S3_BUCKET is set."""
    if settings.VAULT_S3_BUCKET:
        return _s3_store(settings.VAULT_S3_BUCKET, settings.VAULT_S3_ENDPOINT)
    return DiskStore(Path(settings.VAULT_DIR), floor=settings.FREE_SPACE_FLOOR_BYTES)


@cache
def _s3_store(bucket: str, endpoint: str) -> Store:
    from reporting.vault.s3 import S3Store  # a large import that an office on a disk never needs

    return S3Store(bucket, endpoint=endpoint)


def acquire(
    visit: Visit, sealed: Sealed, group: FileGroup, *, vault_name: str, file_name: str
) -> EvidenceItem:
    """Keep a file whose bytes are already durable in the vault. The caller holds the report's lock
    and asked the age gate.

    Its act names the row, and with it the SHA-256 of the object in the vault; name, size and plain
    SHA-256 lie in the act's sealed detail, which the row holds as its acquisition.
    """
    item = EvidenceItem(
        report=visit.report,
        person_id=group.person_id,
        group=group,
        kind=EvidenceItem.Kind.FILE,
        vault_name=vault_name,
        ciphertext_size=sealed.ciphertext_size,
        ciphertext_sha256=sealed.ciphertext_sha256,
    )
    facts = Acquisition(
        item=item.pk,
        kind=item.kind,
        how="sent through the form",
        sha256=sealed.sha256,
        file_name=file_name,
        size=sealed.size,
    )
    return _keep(visit, item, facts)


def acquire_text(
    visit: Visit, kind: EvidenceItem.Kind, text: str, *, person: Person
) -> EvidenceItem:
    """A link or an account of the other side, exactly as it was typed. The caller holds the
    report's lock."""
    item = EvidenceItem(report=visit.report, person=person, kind=kind)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    facts = Acquisition(
        item=item.pk, kind=kind.value, how="typed into the form", sha256=sha256, text=text
    )
    return _keep(visit, item, facts)


def _keep(visit: Visit, item: EvidenceItem, facts: Acquisition) -> EvidenceItem:
    recorded = signed.record_signed(
        visit,
        "evidence:acquired",
        detail=facts.to_record(),
        about=item.pk,
        about_sha256=bytes.fromhex(on_record.stored_sha256(item)),
        sha256=facts.sha256,
    )
    item.acquisition, item.at = recorded.sealed, recorded.at
    item.save(force_insert=True)
    return item


def remove_from_draft(visit: Visit, item_id: str) -> None:
    """Before sending, what the reporter takes out is gone: row and act first, then the bytes.
    Raises NotOpenable."""
    with transaction.atomic():
        visit.report.hold()
        with connection.cursor() as cursor:
            cursor.execute("SELECT public.reporting_take_out(%s, %s)", [visit.report.pk, item_id])
            vault_name = cursor.fetchone()[0]
        if vault_name is None:
            raise NotOpenable("this can no longer be taken out")
        signed.record_signed(visit, "evidence:taken_out", detail={"item": item_id}, about=item_id)
    if vault_name:
        store().remove(vault_name)


def measure(report: Report, *, by: Actor) -> int:
    """Open every new file of a sent report once, check it, and take all its hashes; how many.

    The act of each file keeps MD5, SHA-1 and SHA-512 beside SHA-256, so that an export copies them
    instead of reading the file four times. A file that does not match is frozen. Raises
    reporting.vault.opener.Refused.
    """
    kept = EvidenceItem.objects.filter(
        report=report, kind=EvidenceItem.Kind.FILE, state=EvidenceItem.State.KEPT
    )
    new = set(kept.values_list("pk", flat=True)) - quarantine.closed(report.pk)
    if not new:
        return 0
    secret = office_key(report.pk, "evidence:measured", detail={}, by=by)
    entries = [entry for entry in on_record.of(report.pk, secret).items if entry.id in new]
    measured = 0
    for entry in entries:
        if entry.row:
            _settle(entry.row, _digests(entry, secret), by=by)
            measured += 1
    return measured


def _digests(entry: Entry[EvidenceItem], secret: Secret) -> Digests | None:
    """None where the file is not the one that was recorded."""
    try:
        known = check_openable(entry)
        assert entry.row is not None
        with store().open(entry.row.vault_name) as source:
            return reader.all_digests(source, secret, _sealed(entry, known))
    except (NotOpenable, HashMismatch, FileNotFoundError, ValueError):
        return None


def verify(item: EvidenceItem, *, by: Actor) -> bool:
    """Re-hash the object in the vault against the ledger; needs no key. A mismatch or a missing
    object freezes the item."""
    if item.pk in quarantine.closed(item.report_id):
        return True  # nobody opens or hashes it
    entry = _entry(item)
    row = entry.row
    whole = bool(row and not entry.fault and not vault_fault(row.vault_name, row.ciphertext_sha256))
    if not whole:
        _settle(item, None, by=by)
    return whole


def vault_fault(vault_name: str, sha256: str) -> str:
    """Why an object in the vault is not the one that its row names, or an empty text. Needs no
    key."""
    try:
        with store().open(vault_name) as source:
            whole = reader.ciphertext_sha256(source) == sha256
    except (FileNotFoundError, ValueError):
        return "its object is not in the vault"
    return "" if whole else "its object in the vault is not the one that was recorded"


def _settle(item: EvidenceItem, digests: Digests | None, *, by: Actor) -> None:
    """The state of an item after a check, with its act; nothing when the state stays."""
    state = EvidenceItem.State.VERIFIED if digests else EvidenceItem.State.INTEGRITY_FAILED
    before = [earlier for earlier, later in EvidenceItem.NEXT.items() if state in later]
    detail = {
        "item": item.pk,
        "matched": digests is not None,
        **(asdict(digests) if digests else {}),
    }
    with transaction.atomic():
        if EvidenceItem.objects.filter(pk=item.pk, state__in=before).update(state=state):
            record(
                item.report_id, f"evidence:{state.value}", actor=by, detail=detail, about=item.pk
            )


def _entry(item: EvidenceItem) -> Entry[EvidenceItem]:
    entries = on_record.of(item.report_id, only=EvidenceItem).items
    return next(entry for entry in entries if entry.id == item.pk)


def office_key(
    subject: str, event: str, *, detail: dict[str, Any], by: Actor, about: str = ""
) -> Secret:
    """The key of a report or case for the office, against a custody event committed before it is
    asked for.

    The reporter sees the act once the key was given. Raises reporting.vault.opener.Refused.
    """
    with transaction.atomic(durable=True):
        recorded = record(subject, event, actor=by, detail=detail, about=about)
    return opener.ask(settings.OPENER_SOCKET, recorded.id)


def acquisition(item: EvidenceItem, secret: Secret) -> Acquisition:
    """How an item came in, as its row says; whoever shows or exports it compares the row with its
    act first.

    Raises WrongKey, records.UnknownRecord.
    """
    return Acquisition.from_record(
        reader.record_of(reader.open_bytes(item.acquisition, secret)[32:])
    )


def facts(entry: Entry[EvidenceItem]) -> Acquisition | None:
    """How an item came in, from its act; None where it is not as recorded."""
    if entry.fault or entry.row is None:
        return None
    try:
        known = Acquisition.from_record(entry.detail)
    except UnknownRecord:
        return None
    return known if (known.item, known.kind) == (entry.id, entry.row.kind) else None


def check_openable(entry: Entry[EvidenceItem]) -> Acquisition:
    """Raises NotOpenable for whatever nobody may open; the one question that every path asks."""
    known = facts(entry)
    if known is None or entry.row is None:
        raise NotOpenable(
            "This item is not as it was recorded. It is frozen: nobody opens or exports it."
        )
    if entry.id in quarantine.closed(entry.row.report_id):
        raise NotOpenable("This item is locked: nobody opens, copies or exports it.")
    if entry.failed:
        raise NotOpenable("The bytes of this item are not those that came in. It is frozen.")
    return known


def open_sealed(
    entry: Entry[EvidenceItem], secret: Secret, hasher: Hasher | None = None
) -> Iterator[bytes]:
    """The original's bytes in pieces of at most 1 MiB; `hasher` takes them on the way. Raises
    NotOpenable, HashMismatch (see reader.open_segments)."""
    known = check_openable(entry)
    assert entry.row is not None
    with store().open(entry.row.vault_name) as source:
        yield from reader.open_segments(source, secret, _sealed(entry, known), hasher)


def _sealed(entry: Entry[EvidenceItem], known: Acquisition) -> Sealed:
    assert entry.row is not None
    return Sealed(
        size=known.size,
        sha256=known.sha256,
        ciphertext_size=entry.row.ciphertext_size,
        ciphertext_sha256=entry.row.ciphertext_sha256,
    )
