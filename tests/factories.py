"""States, built by calling the real functions."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

from django.conf import settings
from django.db import connection

from cases import partners
from cases.models import Case, PartnerKey
from cases.staff.models import StaffMember
from cases.triage import decisions
from reporting import consent, evidence, intake, people, questions, sessions
from reporting.actors import REPORTER
from reporting.custody import checkpoints, sequencer
from reporting.models import Consent, EvidenceItem, PartnerOffer, Report
from reporting.vault import keys

_numbers = itertools.count(1)

ADULT_EXTORTION: dict[str, Any] = {
    "safe": "yes",
    "control": "no",
    "who": "me",
    "age": "adult",
    "what": ["financial_extortion"],
    "words": "They want 500 by Friday or they send it to my sister.",
    "deadline": "Friday, 500",
}


def staff(role: str = "caseworker") -> StaffMember:
    return StaffMember.objects.create_user(
        f"{role}-{next(_numbers)}", password="a long enough password", role=role
    )


def draft(answers: dict[str, Any] | None = None) -> sessions.Visit:
    visit = intake.start(language="en", by=REPORTER).visit
    for key, value in (ADULT_EXTORTION if answers is None else answers).items():
        intake.answer(visit, questions.BY_KEY[key], value, by=REPORTER)
    return visit


def file(
    visit: sessions.Visit, data: bytes = b"photo bytes", name: str = "photo.jpg"
) -> EvidenceItem:
    group = intake.open_file_group(visit, "yes", by=REPORTER)
    return intake.add_file(visit, group, name, [data], by=REPORTER)


def lines(visit: sessions.Visit) -> None:
    person = people.harmed(visit.report)
    for kind, text in (
        (EvidenceItem.Kind.LINK, "https://example.org/x"),
        (EvidenceItem.Kind.ACCOUNT, "@bad.guy"),
    ):
        evidence.acquire_text(
            kind,
            text,
            report=visit.report,
            person=person,
            public_key=visit.public_key,
            by=REPORTER,
        )


def sent(answers: dict[str, Any] | None = None) -> sessions.Visit:
    visit = draft(answers)
    intake.submit(visit)
    visit.report.refresh_from_db()
    return visit


def case(visit: sessions.Visit, by: StaffMember) -> Case:
    decisions.take(visit.report, by=by)
    return decisions.accept(Report.objects.get(pk=visit.report.pk), by=by)


def partner_key(secret: keys.Secret, *, by: StaffMember, checked_by: StaffMember) -> PartnerKey:
    partner = partners.add("Example police", "police", plain_words="They ask for your name only if you agree.",
                           reviewed_on=date(2026, 11, 1), by=checked_by)  # fmt: skip
    found = partners.add_key(partner, keys.public_key_of(secret), by=by)
    partners.check_key(found, by=checked_by)
    return found


def yes(visit: sessions.Visit, found: PartnerKey) -> Consent:
    offer = PartnerOffer.objects.get(partner=found.partner_id)
    return consent.give(visit, offer, Consent.Answer.YES, by=REPORTER)


def sequence() -> None:
    """One round of a real sequencer over what is committed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")
    key = checkpoints.private_key(settings.CHECKPOINT_KEY_FILE)
    log = checkpoints.CheckpointLog(settings.CHECKPOINTS_LOG)
    sequencer.Sequencer("test.example/ledger", key, log).round()
