"""States, built by calling the real functions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from django.conf import settings
from django.db import connection

from cases import partners, tasks
from cases.models import Case, PartnerKey
from cases.operations.acting import acting_as
from cases.staff.models import StaffMember
from cases.triage import decisions
from reporting import consent, intake, looks, on_record, questions, sessions
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
    visit = intake.start(language="en").visit
    for key, value in (ADULT_EXTORTION if answers is None else answers).items():
        intake.answer(visit, questions.BY_KEY[key], value)
    return visit


def file(
    visit: sessions.Visit, data: bytes = b"photo bytes", name: str = "photo.jpg"
) -> EvidenceItem:
    group = intake.open_file_group(visit, "yes")
    return intake.add_file(visit, group, name, [data])


def lines(visit: sessions.Visit) -> None:
    intake.add_lines(visit, EvidenceItem.Kind.LINK, ["https://example.org/x"])
    intake.add_lines(visit, EvidenceItem.Kind.ACCOUNT, ["@bad.guy"])


def sent(answers: dict[str, Any] | None = None) -> sessions.Visit:
    visit = draft(answers)
    intake.submit(visit)
    visit.report.refresh_from_db()
    return visit


def case(visit: sessions.Visit, by: StaffMember) -> Case:
    decisions.take(visit.report, by=by)
    return decisions.accept(Report.objects.get(pk=visit.report.pk), by=by)


def partner_key(secret: keys.Secret, *, by: StaffMember, checked_by: StaffMember) -> PartnerKey:
    partner = partners.add(
        "Example police",
        "police",
        plain_words="They ask for your name only if you agree.",
        reviewed_on=date(2026, 11, 1),
        by=checked_by,
    )
    added = partners.add_key(partner, keys.public_key_of(secret), by=by)
    partners.check_key(added, by=checked_by)
    return added


def yes(visit: sessions.Visit, key: PartnerKey) -> Consent:
    offer = PartnerOffer.objects.get(partner=key.partner_id)
    return consent.give(visit, offer, Consent.Answer.YES)


def sequence() -> None:
    """One round of a real sequencer over what is committed."""
    key = checkpoints.private_key(settings.CHECKPOINT_KEY_FILE)
    log = checkpoints.CheckpointLog(settings.CHECKPOINTS_LOG)
    with acting_as("sequencer"):
        sequencer.Sequencer("test.example/ledger", key, log).round()
    with connection.cursor() as cursor:  # as its end would: the next one is another sequencer
        cursor.execute("SELECT pg_advisory_unlock_all()")


def sweep() -> None:
    """What the worker does every two seconds, each piece at once."""
    with acting_as("worker"):
        tasks.sweep()


@contextmanager
def forging() -> Iterator[None]:
    """As a database owner who switches the triggers off: rows without acts, acts without rows."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = origin")


@contextmanager
def past_the_consent_check() -> Iterator[None]:
    """Consents are stored whatever their statement says: readers are tried without what the
    database refuses before them."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE reporting_consent DISABLE TRIGGER consent_recorded")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE reporting_consent ENABLE TRIGGER consent_recorded")


def told(visit: sessions.Visit) -> list[tuple[str, str]]:
    """What the reporter reads of who looked, oldest first: (who, what was done)."""
    with acting_as("public"):
        known = on_record.of(visit.report.pk, visit.secret, for_reporter=True)
        return [(line.who, line.act) for line in reversed(looks.shown(known, since=None))]
