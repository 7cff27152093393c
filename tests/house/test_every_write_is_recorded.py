"""The walks under a database trace: a transaction that wrote rows also wrote a custody event, or is on the short list."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from cases.casework import acts, examination
from cases.operations import grants
from cases.referrals import disclosure, emergency
from cases.reports import reading
from cases.triage import decisions, queue
from reporting import intake, messages, questions, receipts
from reporting.actors import REPORTER
from reporting.vault import keys
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("running_opener")]

# Tables whose rows are no act upon a report or a case.
_NO_ACT = {
    "reporting_reportersession",  # an open tab
    "custody_custodyopening",  # the opener's own book: it names the event
    "custody_checkpoint",  # the ledger's signature
    "reporting_receipt",  # its proof: what the ledger itself says of an event that is there
    "reporting_pulse",  # the monitor's
    "cases_partner",
    "cases_partnerkey",
    "reporting_partneroffer",
}


@pytest.fixture
def traced() -> Iterator[None]:
    """A trigger on every table notes which transaction wrote it."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE trace (xid xid8, name text)")
        cursor.execute(
            "CREATE FUNCTION trace() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "INSERT INTO trace VALUES (pg_current_xact_id(), TG_TABLE_NAME); RETURN NULL; END $$"
        )
        for table in _tables():
            cursor.execute(
                f"CREATE TRIGGER trace AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION trace()"
            )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE trace; DROP FUNCTION trace CASCADE")


def _tables() -> list[str]:
    return [
        table for table in grants.tables() if table.startswith(("reporting_", "custody_", "cases_"))
    ]


def _unrecorded() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT name FROM trace WHERE xid NOT IN (SELECT xid FROM trace WHERE name = 'custody_custodyevent')"
        )
        return {name for (name,) in cursor.fetchall()} - _NO_ACT


def test_both_walks_leave_no_write_without_an_event(traced: None) -> None:
    worker, supervisor = factories.staff(), factories.staff("supervisor")
    partner_key = factories.partner_key(keys.new_secret(), by=worker, checked_by=supervisor)
    visit = factories.draft()
    item, second = factories.file(visit), factories.file(visit)
    factories.lines(visit)
    intake.submit(visit)
    intake.answer(visit, questions.BY_KEY["told"], "the school", by=REPORTER)
    queue.assess(visit.report)
    decisions.override_band(visit.report, 0, "she called", by=worker)
    case = factories.case(visit, worker)
    reading.open_report(visit.report, by=worker)
    acts.add_note(case, "note", by=worker)
    reading.notes(case, by=worker)
    acts.write_to_reporter(visit.report, "hello", by=worker)
    acts.move(case, case.State.ASSESSMENT, by=worker)
    examination.reveal(item, "to see it", by=worker)
    examination.may_show_a_child(second, by=worker)
    receipts.redeem(visit.code)
    messages.mark_read(visit.report, from_office=True, by=REPORTER)
    factories.yes(visit, partner_key)
    referral = disclosure.draft(case, visit.report, partner_key, items=[item.pk], by=worker)
    disclosure.approve(referral, by=supervisor)
    emergency.review(
        emergency.tell(
            case,
            visit.report,
            told_to="999",
            called_back="999",
            said="address",
            threat_to_life=True,
            by=worker,
        ),
        by=supervisor,
    )
    decisions.decline(factories.sent().report, "not for us", out_of_scope=True, by=worker)
    decisions.join(factories.sent().report, case, by=worker)
    assert _unrecorded() == set()


def test_the_trace_would_see_one(traced: None) -> None:
    visit = factories.draft()
    visit.report.answers.all().delete()
    assert _unrecorded() == {"reporting_answer"}
