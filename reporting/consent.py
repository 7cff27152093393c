"""Her yes, not now or never to one recipient, signed with her return code's key: nobody else can make one.

The statement is canonical JSON (RFC 8785); its Ed25519 signature is checked against the key in the report's first custody event.
"""

from __future__ import annotations

import json
from datetime import timedelta

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import transaction
from django.utils import timezone

from reporting import news, people
from reporting.actors import Actor
from reporting.custody.record import founding, record
from reporting.models import Consent, PartnerOffer, Report
from reporting.sessions import Visit
from reporting.vault import codes

LASTS = timedelta(days=180)


class ConsentMissing(Exception):
    """No valid, unexpired yes of hers to this recipient."""


class ConsentForged(Exception):
    """A consent row whose signature is not hers."""


def give(visit: Visit, offer: PartnerOffer, answer: Consent.Answer, *, by: Actor) -> Consent:
    """Keep her answer about one recipient; it replaces earlier ones by being later."""
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
            "purpose": "hand over a full package",
            "answer": answer.value,
            "signed_at": signed_at.isoformat(),
            "expires_at": expires_at.isoformat(),
        }
    )
    signature = codes.sign(visit.signing_seed, statement)
    with transaction.atomic():
        consent = Consent.objects.create(
            report=visit.report,
            person=person,
            partner=offer.partner,
            answer=answer,
            signed_at=signed_at,
            expires_at=expires_at,
            statement=statement.decode(),
            signature=signature,
        )
        news.note(visit.report)
        detail = {"consent": consent.pk, "partner": offer.partner, "answer": answer.value}
        record(visit.report.pk, "consent:answered", actor=by, detail=detail)
    return consent


def latest(report: Report, partner: str) -> Consent | None:
    """What she answered last about a partner, whatever it was."""
    return (
        Consent.objects.filter(report=report, partner=partner).order_by("-signed_at", "-id").first()
    )


def current(report: Report, partner: str) -> Consent:
    """The latest answer about a partner, if it is a valid yes. Raises ConsentMissing, ConsentForged."""
    consent = latest(report, partner)
    if consent is None:
        raise ConsentMissing(
            "The reporter has not been asked about this recipient, or has not answered."
        )
    check_signature(consent)
    if consent.answer != Consent.Answer.YES:
        raise ConsentMissing("The latest answer about this recipient is not a yes.")
    if consent.expires_at <= timezone.now():
        raise ConsentMissing(f"The yes expired on {consent.expires_at:%d %B %Y}. Please ask again.")
    return consent


def check_signature(consent: Consent) -> None:
    """Raises ConsentForged when the row is not what she signed."""
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(founding(consent.report_id).signing_key))
    signed = json.loads(consent.statement)
    columns = {
        "report": consent.report_id,
        "person": consent.person_id,
        "partner": consent.partner,
        "answer": consent.answer,
        "signed_at": consent.signed_at.isoformat(),
        "expires_at": consent.expires_at.isoformat(),
    }
    try:
        key.verify(bytes(consent.signature), consent.statement.encode())
    except InvalidSignature:
        raise ConsentForged("The signature on this consent is not the reporter's.") from None
    if any(signed.get(name) != value for name, value in columns.items()):
        raise ConsentForged("This consent was changed after it was signed.")
