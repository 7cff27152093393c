"""Promise 6 for the office's own words: whatever a person of the office or a partner writes lies sealed, in every table."""

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
from tests import factories
from tests.cases.office import Office, sequencing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("running_opener")]

CANARY = "Ptarmigan"


def _rows() -> dict[str, str]:
    """Every table as text; bytes appear in hexadecimal."""
    found = {}
    with connection.cursor() as cursor:
        for table in grants.tables():
            cursor.execute(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t")
            found[table] = cursor.fetchone()[0]
    return found


@pytest.mark.needs("openssl")
@pytest.mark.needs("pango")
def test_no_word_of_office_or_partner_lies_in_the_clear() -> None:
    office, officer = Office(), factories.staff("safeguarding")
    report = office.visit.report
    queue.assess(report)
    decisions.override_band(report, 0, f"{CANARY} band", by=office.worker)
    acts.add_note(office.case, f"{CANARY} note", by=office.worker)
    acts.write_to_reporter(report, f"{CANARY} message", by=office.worker)
    examination.reveal(office.file, f"{CANARY} look", by=office.worker)
    emergency.tell(office.case, report, told_to=f"{CANARY} whom", called_back=f"{CANARY} number", said=f"{CANARY} said",
                   threat_to_life=True, by=office.worker)  # fmt: skip
    referral = office.draft(legal_basis=Referral.LegalBasis.COURT_ORDER, words=f"{CANARY} order")
    disclosure.approve(referral, by=office.supervisor)
    with sequencing():
        disclosure.package(referral)
    collection = handover.find(handover.by_code(referral, by=office.worker))
    handover.acknowledge(collection, "rejected", f"{CANARY} reference")
    examination.may_show_a_child(office.file, by=office.worker)
    quarantine.propose(
        office.file, QuarantineDecision.Choice.PRESERVED, f"{CANARY} why", by=officer
    )
    declined = factories.draft()
    intake.submit(declined)
    decisions.decline(declined.report, f"{CANARY} decline", out_of_scope=False, by=office.worker)
    assert CustodyEvent.objects.count() > 30
    for table, rows in _rows().items():
        assert CANARY not in rows, table
        assert CANARY.encode().hex() not in rows, table


def test_the_search_would_find_one() -> None:
    visit = factories.sent()
    decisions.override_band(visit.report, 0, "x", by=factories.staff())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cases_assessment SET said = %s", [CANARY.encode()])
    assert CANARY.encode().hex() in _rows()["cases_assessment"]
