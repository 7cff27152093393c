"""From an approved referral to the material of its package."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings

from cases.exports.material import Event, Exhibit, Identifier, Material, Withheld
from cases.models import Referral
from cases.reports import reading
from reporting import acts, answers, consent, evidence, on_record, quarantine, questions
from reporting.actors import Actor
from reporting.custody import extract
from reporting.custody.record import founding
from reporting.models import EvidenceItem
from reporting.on_record import Entry, OnRecord
from reporting.vault.keys import Secret

SEQUENCED_WITHIN = 15  # seconds; the sequencer works five times a second


_FAULT = "it is not as it was recorded"
_NO_ACT = "none: no act is about it"


class RecordBroken(Exception):
    """The acts of the report are not one unbroken chain: nothing leaves before somebody found out
    why."""


class NotSequenced(Exception):
    """The sequencer has not signed a checkpoint over the newest events. `permanent` is False: the
    build is tried again."""

    permanent = False


def material(referral: Referral, *, by: Actor) -> Material:
    """Opens the report against the event `package:built`, waits until it is under a checkpoint,
    reads what goes.

    Everything read is compared with its act; what is not as recorded is left out and named. Raises
    opener.Refused, NotSequenced, evidence.HashMismatch, RecordBroken, consent.ConsentMissing.
    """
    report = referral.report
    partner = referral.partner_key.partner_id if referral.partner_key else ""
    secret = evidence.office_key(
        report.pk,
        "package:built",
        detail={
            "referral": referral.pk,
            "partner": partner,
            "recipient": referral.partner_key.partner.name if referral.partner_key else "",
            "public_key": referral.partner_key.public_key if referral.partner_key else "",
            "profile": referral.profile,
            "office": settings.OPERATOR_NAME,
        },
        by=by,
        about=referral.pk,
    )
    chain = _wait_until_sequenced(report.pk)
    known = on_record.of(report.pk, secret)
    if known.chain_fault:
        raise RecordBroken(f"the record of this report is broken: {known.chain_fault}")
    if referral.consent and referral.partner_key:
        # With the key: also the signature over its act.
        given = consent.current(report, partner, referral.partner_key.partner.name, secret)
        if given.pk != referral.consent_id:
            raise consent.ConsentMissing("The reporter answered again. Please prepare a new one.")
    said, items = reading.said(known, secret), reading.items(known)
    shared = statement(said, referral.profile)
    stated = frozenset(answer.id for answer in shared)
    events = [_event(entry, known, referral, stated) for entry in chain.entries]
    ca = x509.load_pem_x509_certificate(Path(settings.CA_CERTIFICATE_FILE).read_bytes())
    return Material(
        name=f"EVP-{referral.case_id}-{referral.pk}",
        operator=settings.OPERATOR_NAME,
        referral=referral,
        report=report,
        secret=secret,
        statement=shared,
        harms=_harms(known, secret, stated),
        exhibits=exhibits(items, referral),
        identifiers=identifiers(items),
        withheld=withheld(items, referral, said) + _withheld_details(events),
        events=events,
        checkpoint=chain.checkpoint,
        checkpoint_key=Path(settings.CHECKPOINT_PUBLIC_KEY_FILE).read_bytes(),
        ca_fingerprint=ca.fingerprint(SHA256()).hex(":").upper(),
        basis=basis(referral, known),
        signing_key=bytes.fromhex(founding(report.pk).signing_key),
        built_at=max(act.at for act in known.acts if act.name == "package:built"),
    )


def _harms(known: OnRecord, secret: Secret, stated: frozenset[str]) -> list[str]:
    """The codes of every harm that the partner's statement names, in the order of the record."""
    answered = [
        answer
        for answer in answers.read(known.answers, secret)
        if answer.id in stated and answer.key == "what"
    ]
    return list(dict.fromkeys(code for answer in answered for code in answer.value or []))


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


def statement(said: list[reading.Said], profile: str = "le-full") -> list[reading.Said]:
    """The answers that a partner of this profile gets: as recorded, and named by their question."""
    return [answer for answer in said if not _why_kept_back(answer, profile)]


def _why_kept_back(answer: reading.Said, profile: str) -> str:
    if answer.fault:
        return _FAULT if answer.fault != reading.CLOSED else reading.CLOSED
    question = questions.BY_KEY.get(answer.key)
    if question is None:
        return "a question that is no longer asked"
    return "" if profile in question.shared else question.kept_back


def exhibits(items: list[reading.OpenItem], referral: Referral) -> list[Exhibit]:
    """The chosen files that may be opened, numbered."""
    files = [
        item for item in items if item.kind == EvidenceItem.Kind.FILE and _goes(item, referral)
    ]
    return [
        Exhibit(f"E{number:04d}", item.entry, facts)
        for number, item in enumerate(files, start=1)
        if (facts := evidence.facts(item.entry))
    ]


def _goes(item: reading.OpenItem, referral: Referral) -> bool:
    return item.openable and item.entry.id in referral.items


def identifiers(items: list[reading.OpenItem]) -> list[Identifier]:
    texts = [item for item in items if item.kind != EvidenceItem.Kind.FILE and item.openable]
    return [Identifier(item.kind, item.text, item.entry.id) for item in texts]


def withheld(
    items: list[reading.OpenItem], referral: Referral, said: list[reading.Said]
) -> list[Withheld]:
    """What was left out and why, with the commitment by which it could be proven later."""
    left_out = []
    for item in items:
        is_file = item.kind == EvidenceItem.Kind.FILE
        if item.openable and (not is_file or _goes(item, referral)):
            continue
        why = "not part of this referral" if item.openable else item.fault
        left_out.append(
            Withheld(f"{item.kind or 'item'} {item.entry.id}", why, _commitment(item.entry))
        )
    for answer in said:
        if why := _why_kept_back(answer, referral.profile):
            commitment = f"act answer:saved about {answer.id}" if answer.at else _NO_ACT
            left_out.append(Withheld(f"answer {answer.id} to: {answer.wording}", why, commitment))
    return left_out


def _commitment(entry: Entry[EvidenceItem]) -> str:
    return f"object_sha256 {entry.event.object_sha256}" if entry.event else _NO_ACT


def _event(
    entry: extract.Entry, known: OnRecord, referral: Referral, stated: frozenset[str]
) -> Event:
    """Raises HashMismatch when the detail beside an act the partner is to read is not the one that
    was recorded."""
    row = json.loads(entry.canonical)
    if entry.founding:
        return Event(
            entry.seq, entry.canonical, entry.founding.encode(), "", entry.tree_index, entry.proof
        )
    why = _why_withheld(row, known.details.get(row["id"]), referral, stated)
    if not why and row["id"] in known.frozen:
        why = _FAULT
    revealed = b"" if why else _revealed(entry, row, known)
    return Event(entry.seq, entry.canonical, revealed, why, entry.tree_index, entry.proof)


def _revealed(entry: extract.Entry, row: dict[str, Any], known: OnRecord) -> bytes:
    text = known.plain.get(row["id"], b"")
    if hashlib.sha256(text).hexdigest() != row["detail_hash"]:
        raise evidence.HashMismatch(
            f"the detail of act {entry.seq} is not the one that was recorded"
        )
    return text


def _why_withheld(
    row: dict[str, Any],
    detail: dict[str, Any] | None,
    referral: Referral,
    stated: frozenset[str] = frozenset(),
) -> str:
    """Why this partner does not get the detail of an act; an empty text when it does. Unknown acts:
    not.

    `stated`: the answers in the partner's statement; the details of their acts hold the hash and
    the signature by which the partner can check them. Those of other answers never leave.
    """
    act = acts.BY_NAME.get(row["event"])
    in_statement = row["event"] == "answer:saved" and row["object"] in stated
    if act is None or not (act.partner_sees or in_statement):
        return "between the office and the reporter"
    if detail is None:
        return _FAULT
    partner = referral.partner_key.partner_id if referral.partner_key else ""
    if (
        detail.get("partner", partner) != partner
        or detail.get("referral", referral.pk) != referral.pk
    ):
        return "it concerns another partner"
    if act.about is acts.Thing.ITEM and row["object"] in _withheld_items(referral):
        return "it concerns an item that is not in this package"
    return ""


def _withheld_items(referral: Referral) -> frozenset[str]:
    """Files that were not chosen, and whatever is quarantined."""
    files = EvidenceItem.objects.filter(report_id=referral.report_id, kind=EvidenceItem.Kind.FILE)
    not_chosen = files.exclude(pk__in=referral.items).values_list("pk", flat=True)
    return frozenset(not_chosen) | quarantine.closed(referral.report_id)


def _withheld_details(events: list[Event]) -> list[Withheld]:
    left_out = []
    for event in events:
        if event.withheld:
            row = json.loads(event.canonical)
            what = f"detail of act {event.number} ({row['event']})"
            left_out.append(Withheld(what, event.withheld, f"detail_hash {row['detail_hash']}"))
    return left_out


def basis(referral: Referral, known: OnRecord) -> str:
    """Why this may leave, as the partner reads it."""
    if referral.consent:
        return (
            f"Consent {referral.consent.pk} of the reporter, "
            f"valid until {referral.consent.expires_at:%Y-%m-%d}"
        )
    prepared = [
        act for act in known.acts if act.name == "referral:prepared" and act.object == referral.pk
    ]
    detail = known.details.get(prepared[-1].id) if prepared else None
    kind, _, words = str((detail or {}).get("basis", "")).partition(": ")
    label = dict(Referral.LegalBasis.choices).get(kind, "")
    return f"{label}: {words}"
