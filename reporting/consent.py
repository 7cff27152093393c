"""The reporter's yes, not now or never to one partner, signed with the return code's key: nobody
else can make one.

The statement is canonical JSON (RFC 8785). The ledger decides which answer holds: that of the
latest act. Its statement says which partner it is about and what was answered, not the columns of
its row.

- An act whose row is gone or changed is no yes to the partner that its signed detail names. Without
  the report's key the detail cannot be read, and it is no yes to any partner.
- Whoever took over the public door can record an act and a statement, but not sign them. A
  statement that lies there as it was recorded and is not signed by the reporter takes nothing back,
  nor, with the key, does an act that is not. Without the key, such an act counts if its statement
  is the reporter's own; a copy of an earlier statement counts for nothing.
- A yes holds for a partner of the name that the reporter was shown. The words that were shown stand
  in the statement, which is in the package; whether they were true only people can judge.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import transaction
from django.utils import timezone

from reporting import on_record, people, signed
from reporting.custody.events import Event
from reporting.custody.record import founding
from reporting.models import Consent, PartnerOffer, Report
from reporting.on_record import OnRecord
from reporting.sessions import Visit
from reporting.vault import codes
from reporting.vault.keys import Secret
from reporting.vault.untrusted_json import read_object

LASTS = timedelta(days=180)
PURPOSE = "hand over a full package"
_EVERY = ""  # instead of a partner's id


class ConsentMissing(Exception):
    """No valid, unexpired yes of the reporter to this partner."""


@dataclass(frozen=True)
class Stated:
    """One answer about a partner, as the reporter signed it and the ledger recorded it. `at` and
    `seq`: of its act. `name`: the partner's, as it was shown."""

    partner: str
    name: str
    answer: Consent.Answer
    at: datetime
    seq: int
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


def latest(known: OnRecord, partner: str) -> Stated | None:
    """What was answered last about a partner, whatever it was.

    None where the last answer is not as recorded, or an act after it is not or is gone: it may have
    taken this one back.
    """
    last: Stated | None = None
    for about, stated in _heard(known):
        if about in (partner, _EVERY):
            last = stated
    if last is None or known.chain_fault:
        return None
    broken = any(act.fault and act.seq > last.seq for act in known.acts)
    return None if broken else last


def current(report: Report, partner: str, name: str, secret: Secret | None = None) -> Consent:
    """The latest answer about a partner, if it is a valid yes to a partner of this name. Raises
    ConsentMissing.

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
    if answer.name != name:
        raise ConsentMissing(
            "The reporter was asked about this partner under another name. Please ask again."
        )
    if answer.expires_at <= timezone.now():
        raise ConsentMissing(f"The yes expired on {answer.expires_at:%d %B %Y}. Please ask again.")
    return answer.row


def _heard(known: OnRecord) -> Iterator[tuple[str, Stated | None]]:
    """What each act says, in the order of the ledger: the partner, or `_EVERY`, and None for what
    is not as recorded."""
    statements: set[str] = set()
    for entry in known.consents:
        row, event = entry.row, entry.event
        if event is None or known.is_unsigned(event):
            continue
        if row is None or event.fault or on_record.stored_sha256(row) != event.object_sha256:
            yield str(entry.detail.get("partner", _EVERY)), None
        elif row.statement not in statements and _is_signed(row):
            statements.add(row.statement)
            yield _stated(row, event, entry.fault)


def _is_signed(row: Consent) -> bool:
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(founding(row.report_id).signing_key))
    try:
        key.verify(bytes(row.signature), row.statement.encode())
    except InvalidSignature:
        return False
    return True


def _stated(row: Consent, event: Event, fault: str) -> tuple[str, Stated | None]:
    """Of a statement that the reporter signed: None where it states something else than its row, or
    than we ask."""
    try:
        statement = read_object(row.statement)
        partner, name = str(statement["partner"]), str(statement["partner_name"])
        signed_at = datetime.fromisoformat(statement["signed_at"])
        expires_at = datetime.fromisoformat(statement["expires_at"])
        said = (statement["report"], statement["person"], partner, statement["answer"])
        in_time = abs(signed_at - event.at) <= signed.CLOCKS_DIFFER
        fits = (
            said == (row.report_id, row.person_id, row.partner, row.answer)
            and statement["purpose"] == PURPOSE
            and expires_at == row.expires_at
            and expires_at <= signed_at + LASTS
        )
    except (KeyError, TypeError, ValueError):
        return _EVERY, None
    if fault or not in_time or not fits:
        return partner, None
    answer = Consent.Answer(row.answer)
    return partner, Stated(partner, name, answer, event.at, event.seq, expires_at, row)
