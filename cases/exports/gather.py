"""From an approved referral to the material of its package."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings

from cases.exports.material import (
    WITHHELD_ANSWERS,
    WITHHELD_DETAILS,
    Event,
    Exhibit,
    Identifier,
    Material,
)
from cases.models import Referral
from cases.reports import reading
from reporting import evidence
from reporting.actors import Actor
from reporting.custody import extract
from reporting.custody.record import founding, unsalted
from reporting.models import EvidenceItem
from reporting.vault.keys import Secret

SEQUENCED_WITHIN = 15  # seconds; the sequencer works five times a second


class NotSequenced(Exception):
    """The sequencer has not signed a checkpoint over the newest events. `permanent` is False: the build is tried again."""

    permanent = False


def material(referral: Referral, *, by: Actor) -> Material:
    """Opens the report against the event `package:built`, waits until that event is under a checkpoint, reads everything."""
    report = referral.report
    partner = referral.partner_key.partner if referral.partner_key else None
    detail = {
        "referral": referral.pk,
        "partner": partner.pk if partner else "",
        "profile": referral.profile,
    }
    look = ("Our computer", f"packed what goes to {partner.name if partner else 'a partner'}")
    secret = evidence.office_key(report.pk, "package:built", detail=detail, by=by, look=look)
    chain = _wait_until_sequenced(report.pk)
    items = list(EvidenceItem.objects.filter(report=report).order_by("at", "id"))
    said = reading.said(report, secret)
    events = [_event(entry, referral, secret) for entry in chain.entries]
    ca = x509.load_pem_x509_certificate(Path(settings.CA_CERTIFICATE_FILE).read_bytes())
    return Material(
        name=f"EVP-{referral.case_id}-{referral.pk}",
        operator=settings.OPERATOR_NAME,
        referral=referral,
        report=report,
        secret=secret,
        said=said,
        incidents=list(report.incidents.order_by("id")),
        exhibits=exhibits(items, referral, secret),
        identifiers=identifiers(items, secret),
        withheld=withheld(items, referral, said) + _withheld_details(events),
        events=events,
        checkpoint=chain.checkpoint,
        checkpoint_key=Path(settings.CHECKPOINT_PUBLIC_KEY_FILE).read_bytes(),
        ca_fingerprint=ca.fingerprint(SHA256()).hex(":").upper(),
        basis=basis(referral, secret),
        signing_key=bytes.fromhex(founding(report.pk).signing_key),
        built_at=datetime.now(UTC),
    )


def _wait_until_sequenced(subject: str) -> extract.Chain:
    deadline = time.monotonic() + SEQUENCED_WITHIN
    while True:
        try:
            return extract.chain(subject)
        except extract.NotCovered:
            if time.monotonic() > deadline:
                raise NotSequenced(
                    "the newest events are not under a checkpoint yet; is the sequencer running?"
                ) from None
            time.sleep(0.2)


def _goes(item: EvidenceItem, referral: Referral) -> bool:
    return item.pk in referral.items and item.state in EvidenceItem.OPENABLE


def exhibits(items: list[EvidenceItem], referral: Referral, secret: Secret) -> list[Exhibit]:
    files = [
        item for item in items if item.kind == EvidenceItem.Kind.FILE and _goes(item, referral)
    ]
    return [
        Exhibit(f"E{number:04d}", item, evidence.acquisition(item, secret))
        for number, item in enumerate(files, start=1)
    ]


def identifiers(items: list[EvidenceItem], secret: Secret) -> list[Identifier]:
    texts = [item for item in items if item.kind != EvidenceItem.Kind.FILE]
    return [
        Identifier(item.kind, evidence.acquisition(item, secret)["text"], item.pk) for item in texts
    ]


def withheld(
    items: list[EvidenceItem], referral: Referral, said: list[reading.Said]
) -> list[dict[str, str]]:
    """What was left out and why, with the commitment by which it could be proven later."""
    found = []
    for item in items:
        if item.kind == EvidenceItem.Kind.FILE and not _goes(item, referral):
            locked = item.state not in EvidenceItem.OPENABLE
            why = (
                "locked: may not be opened, copied or exported"
                if locked
                else "not part of this referral"
            )
            found.append(
                {"what": f"file {item.pk}", "why": why, "ciphertext_sha256": item.ciphertext_sha256}
            )
    for one in said:
        if one.key in WITHHELD_ANSWERS:
            found.append(
                {
                    "what": f"answer to: {one.wording}",
                    "why": WITHHELD_ANSWERS[one.key],
                    "commitment": f"sealed_sha256 {one.sealed_sha256}, recorded by an act answer:saved",
                }
            )
    return found


def _event(entry: extract.Entry, referral: Referral, secret: Secret) -> Event:
    """Raises HashMismatch when the detail beside an event is not the one the ledger recorded."""
    revealed = (
        entry.founding.encode() if entry.founding else evidence.open_bytes(entry.sealed, secret)
    )
    row = json.loads(entry.canonical)
    if hashlib.sha256(revealed).hexdigest() != row["detail_hash"]:
        raise evidence.HashMismatch(
            f"the detail of act {entry.seq} is not the one that was recorded"
        )
    why = _why_withheld(row["event"], unsalted(revealed), referral)
    return Event(entry.seq, entry.canonical, revealed, why, entry.tree_index, entry.proof)


def _why_withheld(event: str, detail: dict[str, Any], referral: Referral) -> str:
    """Why this partner does not get the detail of an act; an empty text when it does."""
    partner = referral.partner_key.partner_id if referral.partner_key else ""
    if (
        detail.get("partner", partner) != partner
        or detail.get("referral", referral.pk) != referral.pk
    ):
        return "it concerns another recipient"
    if event == "evidence:revealed" and detail["item"] not in referral.items:
        return "it concerns a file that is not in this package"
    return WITHHELD_DETAILS.get(event, "")


def _withheld_details(events: list[Event]) -> list[dict[str, str]]:
    return [
        {
            "what": f"detail of act {event.number} ({row['event']})",
            "why": event.withheld,
            "commitment": f"detail_hash {row['detail_hash']}",
        }
        for event in events
        if event.withheld and (row := json.loads(event.canonical))
    ]


def basis(referral: Referral, secret: Secret) -> str:
    """Why this may leave, as the partner reads it."""
    if referral.consent:
        return f"Consent {referral.consent.pk} of the reporter, valid until {referral.consent.expires_at:%Y-%m-%d}"
    words = evidence.open_text(referral.words, secret)
    return f"{referral.get_legal_basis_display()}: {words}"
