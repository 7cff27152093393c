"""The reporter's yes, not now or never to one partner, signed with the return code's key: nobody
else can make one.

The statement is canonical JSON (RFC 8785). Which answer holds is decided by the ledger: the latest
act whose row, signature and statement fit. A row without such an act counts for nothing, in either
direction.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import transaction
from django.utils import timezone

from reporting import on_record, people, signed
from reporting.custody.record import founding
from reporting.models import Consent, PartnerOffer, Report
from reporting.on_record import Entry, OnRecord
from reporting.sessions import Visit
from reporting.vault import codes
from reporting.vault.keys import Secret
from reporting.vault.untrusted_json import read_object

LASTS = timedelta(days=180)
PURPOSE = "hand over a full package"
_LOST = frozenset({on_record.ROW_GONE, on_record.OTHER_BYTES, on_record.OTHER_TIME})


class ConsentMissing(Exception):
    """No valid, unexpired yes of the reporter to this partner."""


@dataclass(frozen=True)
class Stated:
    """One answer about a partner, as the reporter signed it and the ledger recorded it. `at`: the
    ledger's time."""

    id: str
    partner: str
    answer: Consent.Answer
    at: datetime
    expires_at: datetime
    row: Consent


def give(visit: Visit, offer: PartnerOffer, answer: Consent.Answer) -> Consent:
    """Keep the reporter's answer about one partner; it replaces earlier ones by being later."""
    signed_at = timezone.now()
    expires_at = signed_at + LASTS
    person = people.harmed(visit.report)
    statement = rfc8785.dumps(
        {
            "report": visit.report.pk,
            "person": person.pk,
            "partner": offer.partner,
            "partner_name": offer.name,
            "words_shown": offer.plain_words,
            "purpose": PURPOSE,
            "answer": answer.value,
            "signed_at": signed_at.isoformat(),
            "expires_at": expires_at.isoformat(),
        }
    )
    consent = Consent(
        report=visit.report,
        person=person,
        partner=offer.partner,
        answer=answer,
        expires_at=expires_at,
        statement=statement.decode(),
        signature=codes.sign(visit.signing_seed, statement),
    )
    with transaction.atomic():
        consent.at = signed.record_signed(
            visit,
            "consent:answered",
            detail={"consent": consent.pk, "partner": offer.partner, "answer": answer.value},
            about=consent.pk,
            about_sha256=bytes.fromhex(on_record.stored_sha256(consent)),
            sha256=hashlib.sha256(statement).hexdigest(),
        ).at
        consent.save(force_insert=True)
    return consent


def stated(known: OnRecord) -> list[Stated]:
    """Every answer that counts, in the order of the ledger. A statement counts once: put there
    again, it is a copy."""
    counted: dict[str, Stated] = {}
    for entry in known.consents:
        answer = _stated(entry)
        if answer is not None:
            counted.setdefault(answer.row.statement, answer)
    return list(counted.values())


def latest(known: OnRecord, partner: str) -> Stated | None:
    """What was answered last about a partner, whatever it was.

    None where a later answer is gone or was changed: it may have taken this one back.
    """
    answers = [answer for answer in stated(known) if answer.partner == partner]
    lost = [entry.at for entry in known.consents if entry.fault in _LOST and entry.at]
    if not answers or any(at >= answers[-1].at for at in lost):
        return None
    return answers[-1]


def current(report: Report, partner: str, secret: Secret | None = None) -> Consent:
    """The latest answer about a partner, if it is a valid yes. Raises ConsentMissing.

    Without the report's key the signature over the act is not checked, only the one over the
    statement.
    """
    answer = latest(on_record.of(report.pk, secret, only=Consent), partner)
    if answer is None:
        raise ConsentMissing(
            "The reporter has not been asked about this partner, has not answered, or the latest "
            "answer is not as recorded."
        )
    if answer.answer != Consent.Answer.YES:
        raise ConsentMissing("The latest answer about this partner is not a yes.")
    if answer.expires_at <= timezone.now():
        raise ConsentMissing(f"The yes expired on {answer.expires_at:%d %B %Y}. Please ask again.")
    return answer.row


def _stated(entry: Entry[Consent]) -> Stated | None:
    """None for a row that is not as recorded, not signed, or states something else than its columns
    or than we ask.

    Only a yes needs the detail of its act: whoever shreds the detail of another answer undoes none.
    """
    row, event = entry.row, entry.event
    if row is None or event is None:
        return None
    if entry.fault and (entry.fault != on_record.NOT_READABLE or row.answer == Consent.Answer.YES):
        return None
    try:
        statement = _read(row)
        signed_at = datetime.fromisoformat(statement["signed_at"])
        expires_at = datetime.fromisoformat(statement["expires_at"])
        said = (statement["report"], statement["person"], statement["partner"], statement["answer"])
        purpose = statement["purpose"]
    except (InvalidSignature, KeyError, TypeError, ValueError):
        return None
    in_time = abs(signed_at - event.at) <= signed.CLOCKS_DIFFER and expires_at <= signed_at + LASTS
    fits = (
        said == (row.report_id, row.person_id, row.partner, row.answer)
        and expires_at == row.expires_at
    )
    if not in_time or not fits or purpose != PURPOSE:
        return None
    return Stated(row.pk, row.partner, Consent.Answer(row.answer), event.at, expires_at, row)


def _read(row: Consent) -> dict[str, Any]:
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(founding(row.report_id).signing_key))
    key.verify(bytes(row.signature), row.statement.encode())
    return read_object(row.statement)
