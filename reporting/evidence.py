"""The only door to plaintext, and the only way in for evidence.

`acquire` keeps what was sealed; `office_key` opens a report for the office, and only against a committed custody event;
`quarantine` closes an item for everybody at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from reporting.actors import Actor
from reporting.custody.record import record
from reporting.models import EvidenceItem, FileGroup, Look, Person, Report
from reporting.vault import opener, reader
from reporting.vault.fields import seal_record
from reporting.vault.keys import PublicKey, Secret
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
    "quarantine",
]

open_text = reader.open_text
open_record = reader.open_record
open_bytes = reader.open_bytes


class NotOpenable(Exception):
    """The item is quarantined, destroyed or failed its check: nobody opens, copies or exports it."""


def store() -> Store:
    """On a disk, or on S3-compatible storage where VAULT_S3_BUCKET is set."""
    if settings.VAULT_S3_BUCKET:
        from reporting.vault.s3 import (
            S3Store,
        )  # a large import that an office on a disk never needs

        return S3Store(settings.VAULT_S3_BUCKET, endpoint=settings.VAULT_S3_ENDPOINT)
    return DiskStore(Path(settings.VAULT_DIR), floor=settings.FREE_SPACE_FLOOR_BYTES)


def acquire(
    sealed: Sealed,
    group: FileGroup,
    *,
    vault_name: str,
    file_name: str,
    public_key: PublicKey,
    by: Actor,
) -> EvidenceItem:
    """Keep a file whose bytes are already durable in the vault. Name, size and plain hashes go into the sealed acquisition."""
    facts = {
        "file_name": file_name,
        "size": sealed.size,
        "sha256": sealed.sha256,
        "segments": [list(segment) for segment in sealed.segments],
        "how": "sent through the form",
    }
    with transaction.atomic():
        item = EvidenceItem.objects.create(
            report_id=group.report_id,
            person_id=group.person_id,
            group=group,
            kind=EvidenceItem.Kind.FILE,
            acquisition=seal_record(facts, public_key),
            vault_name=vault_name,
            ciphertext_size=sealed.ciphertext_size,
            ciphertext_sha256=sealed.ciphertext_sha256,
        )
        record(
            group.report_id,
            "evidence:acquired",
            actor=by,
            detail={
                "item": item.id,
                "kind": item.kind,
                "ciphertext_sha256": item.ciphertext_sha256,
            },
        )
    return item


def acquire_text(
    kind: EvidenceItem.Kind,
    text: str,
    *,
    report: Report,
    person: Person,
    public_key: PublicKey,
    by: Actor,
) -> EvidenceItem:
    """A link or an account of the other side, exactly as she typed it."""
    with transaction.atomic():
        item = EvidenceItem.objects.create(
            report=report,
            person=person,
            kind=kind,
            acquisition=seal_record({"text": text, "how": "typed into the form"}, public_key),
        )
        record(
            report.id, "evidence:acquired", actor=by, detail={"item": item.id, "kind": kind.value}
        )
    return item


def remove_from_draft(item: EvidenceItem, *, by: Actor) -> None:
    """Before she sends, what she takes out is gone: row first, then the bytes. A quarantined item stays."""
    with transaction.atomic():
        item = (
            EvidenceItem.objects.select_for_update(of=("self",))
            .select_related("report")
            .get(pk=item.pk)
        )
        if item.report.state != Report.State.DRAFT or item.state == EvidenceItem.State.QUARANTINED:
            raise NotOpenable("this can no longer be taken out")
        name, item_id, report_id = item.vault_name, item.id, item.report_id
        item.delete()
        record(report_id, "evidence:taken_out", actor=by, detail={"item": item_id})
    if name:
        store().remove(name)


def quarantine(item: EvidenceItem, *, reason: str, by: Actor) -> None:
    """May show a child: nothing opens, copies, exports or erases it until the named officer decides. Never undone here."""
    with transaction.atomic():
        changed = EvidenceItem.objects.filter(
            pk=item.pk, state__in=_can_become(EvidenceItem.State.QUARANTINED)
        ).update(state=EvidenceItem.State.QUARANTINED)
        if changed:
            record(
                item.report_id,
                "evidence:quarantined",
                actor=by,
                detail={"item": item.id, "reason": reason},
            )
    item.state = EvidenceItem.State.QUARANTINED


def verify(item: EvidenceItem, *, by: Actor) -> bool:
    """Re-hash the ciphertext against the ledger's hash; needs no key. A mismatch or a missing object freezes the item."""
    try:
        with store().open(item.vault_name) as source:
            whole = reader.ciphertext_sha256(source) == item.ciphertext_sha256
    except FileNotFoundError:
        whole = False
    state = EvidenceItem.State.VERIFIED if whole else EvidenceItem.State.INTEGRITY_FAILED
    with transaction.atomic():
        changed = EvidenceItem.objects.filter(pk=item.pk, state__in=_can_become(state)).update(
            state=state
        )
        if changed:
            event = "evidence:verified" if whole else "evidence:integrity_failed"
            record(item.report_id, event, actor=by, detail={"item": item.id, "matched": whole})
    return whole


def office_key(
    subject: str,
    event: str,
    *,
    detail: dict[str, Any],
    by: Actor,
    look: tuple[str, str] | None = None,
) -> Secret:
    """The key of a report or case for the office, against a custody event committed before it is asked for.

    `look`: (who, act) for the reporter's list of who looked. Raises reporting.vault.opener.Refused.
    """
    with transaction.atomic(durable=True):
        if look:
            Look.objects.create(report_id=subject, who=look[0], act=look[1])
        recorded = record(subject, event, actor=by, detail=detail)
    return opener.ask(settings.OPENER_SOCKET, recorded.id)


def acquisition(item: EvidenceItem, secret: Secret) -> dict[str, Any]:
    return open_record(item.acquisition, secret)


def open_sealed(item: EvidenceItem, secret: Secret) -> Iterator[bytes]:
    """The original's bytes in pieces of at most 8 MiB. Raises NotOpenable, HashMismatch (see reader.open_segments)."""
    item.refresh_from_db(fields=["state"])
    if item.state not in EvidenceItem.OPENABLE:
        raise NotOpenable(f"the item is {item.get_state_display()}")
    facts = acquisition(item, secret)
    sealed = Sealed(
        size=facts["size"],
        sha256=facts["sha256"],
        ciphertext_size=item.ciphertext_size,
        ciphertext_sha256=item.ciphertext_sha256,
        segments=tuple((offset, length, digest) for offset, length, digest in facts["segments"]),
    )
    with store().open(item.vault_name) as source:
        yield from reader.open_segments(source, secret, sealed)


def _can_become(state: EvidenceItem.State) -> list[str]:
    return [before for before, after in EvidenceItem.NEXT.items() if state in after]
