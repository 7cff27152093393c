"""Promise 6 for the office: text that staff or a partner write is sealed in every table."""

from __future__ import annotations

import pytest
from django.db import connection

from cases.casework import acts, examination, quarantine
from cases.models import QuarantineDecision, Referral
from cases.operations import grants
from cases.referrals import disclosure, emergency, handover
from cases.triage import decisions, queue
from reporting import intake
from reporting.custody.models import CustodyEvent
from reporting.models import Quarantine
from tests import factories
from tests.cases.office import Office, sequencing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("running_opener")]

CANARY = "Ptarmigan"


def _tables_as_text() -> dict[str, str]:
    """Every table as text; bytes appear in hexadecimal."""
    texts = {}
    with connection.cursor() as cursor:
        for table in grants.tables():
            cursor.execute(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t")
            texts[table] = cursor.fetchone()[0]
    return texts


@pytest.mark.needs("openssl")
@pytest.mark.needs("pango")
def test_no_word_of_office_or_partner_is_stored_in_the_clear() -> None:
    office, officer = Office(), factories.staff("safeguarding")
    report = office.visit.report
    queue.assess(report)
    decisions.override_band(report, 0, f"{CANARY} band", by=office.worker)
    acts.add_note(office.case, f"{CANARY} note", by=office.worker)
    acts.write_to_reporter(report, f"{CANARY} message", by=office.worker)
    examination.reveal(office.file, f"{CANARY} look", by=office.worker)
    emergency.tell(
        office.case,
        report,
        told_to=f"{CANARY} whom",
        called_back=f"{CANARY} number",
        said=f"{CANARY} said",
        threat_to_life=True,
        by=office.worker,
    )
    referral = office.draft(legal_basis=Referral.LegalBasis.COURT_ORDER, words=f"{CANARY} order")
    disclosure.approve(referral, by=office.supervisor)
    with sequencing():
        disclosure.package(referral)
    code = handover.by_code(referral, by=office.worker)
    handover.answered_by_partner(code, "rejected", f"{CANARY} reference")
    examination.may_show_a_child(office.file.report, office.file.pk, by=office.worker)
    closed = Quarantine.objects.get(thing=office.file.pk)
    quarantine.propose(closed, QuarantineDecision.Choice.PRESERVED, f"{CANARY} why", by=officer)
    declined = factories.draft()
    intake.submit(declined)
    decisions.decline(declined.report, f"{CANARY} decline", out_of_scope=False, by=office.worker)
    assert CustodyEvent.objects.count() > 30
    for table, text in _tables_as_text().items():
        assert CANARY not in text, table
        assert CANARY.encode().hex() not in text, table


def test_the_search_finds_a_planted_canary() -> None:
    worker = factories.staff()
    acts.add_note(factories.case(factories.sent(), worker), "x", by=worker)
    with factories.forging(), connection.cursor() as cursor:
        cursor.execute("UPDATE cases_note SET sealed = %s", [CANARY.encode()])
        cursor.execute("UPDATE reporting_receipt SET certificate = %s", [CANARY])
    texts = _tables_as_text()
    assert CANARY.encode().hex() in texts["cases_note"]
    assert CANARY in texts["reporting_receipt"]
