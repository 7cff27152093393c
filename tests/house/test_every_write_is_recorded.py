"""Traced in the database: a transaction that writes rows also writes a custody event."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from cases import records
from cases.casework import acts, examination, quarantine
from cases.models import QuarantineDecision
from cases.operations import grants, rotation
from cases.referrals import disclosure, emergency
from cases.reports import reading
from cases.triage import decisions
from reporting import answers, consent, evidence, intake, messages, questions, receipts
from reporting.actors import job
from reporting.custody.models import CustodyEvent
from reporting.models import Consent, PartnerOffer, Quarantine
from reporting.vault import keys
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("running_opener")]

# Tables whose rows are not an act on a report or a case.
_NO_ACT = {
    "reporting_reportersession",  # an open tab
    "reporting_uploadreservation",  # room for a file that is on its way
    "custody_checkpoint",  # the ledger's signature
    "custody_place",  # the sequencer's places and tiles for events that are recorded
    "custody_tile",
    "custody_waitingevent",
    "reporting_receipt",  # the ledger's proof for an event that is recorded
    "reporting_pulse",  # written by the monitor
    "reporting_colleague",  # the role behind an actor's id
    "cases_claim",  # work in hand
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
            "CREATE FUNCTION trace() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN "
            "INSERT INTO public.trace VALUES (pg_current_xact_id(), TG_TABLE_NAME);"
            " RETURN NULL; END $$"
        )
        for table in _tables():
            cursor.execute(
                f"CREATE TRIGGER trace AFTER INSERT OR UPDATE OR DELETE ON {table}"
                " FOR EACH ROW EXECUTE FUNCTION trace()"
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
            "SELECT DISTINCT name FROM trace WHERE xid NOT IN"
            " (SELECT xid FROM trace WHERE name = 'custody_custodyevent')"
        )
        return {name for (name,) in cursor.fetchall()} - _NO_ACT


def _acts() -> set[str]:
    return set(CustodyEvent.objects.values_list("event", flat=True))


def test_no_act_writes_without_an_event(traced: None) -> None:
    worker, supervisor, officer = (
        factories.staff(role) for role in ("caseworker", "supervisor", "safeguarding")
    )
    partner_key = factories.partner_key(keys.new_secret(), by=worker, checked_by=supervisor)
    visit = factories.draft()
    item, second = factories.file(visit), factories.file(visit)
    factories.lines(visit)
    evidence.remove_from_draft(visit, factories.file(visit).pk)
    intake.answer(visit, questions.BY_KEY["words"], "again")
    earlier = next(given for given in answers.of_visit(visit) if given.key == "words")
    answers.take_out(visit, earlier.id)
    intake.submit(visit)
    intake.answer(visit, questions.BY_KEY["told"], "the school")
    messages.write(visit, "hello")
    factories.sweep()
    decisions.override_band(visit.report, 0, "they called", by=worker)
    case = factories.case(visit, worker)
    reading.open_report(visit.report, by=worker)
    acts.add_note(case, "note", by=worker)
    reading.notes(case, by=worker)
    acts.write_to_reporter(visit.report, "hello", by=worker)
    acts.move(case, case.State.ASSESSMENT, by=worker)
    examination.reveal(item, "to see it", by=worker)
    examination.may_show_a_child(second.report, second.pk, by=worker)
    decision = quarantine.propose(
        Quarantine.objects.get(), QuarantineDecision.Choice.RELEASED, "a form", by=officer
    )
    quarantine.read_reason(decision, by=supervisor)
    quarantine.confirm(decision, by=supervisor)
    returned, _token = receipts.redeem(visit.code)
    messages.mark_read_by_reporter(returned)
    given = factories.yes(returned, partner_key)
    referral = disclosure.draft(case, visit.report, partner_key, items=[item.pk], by=worker)
    disclosure.approve(referral, by=supervisor)
    offer = PartnerOffer.objects.get(partner=given.partner)
    consent.give(returned, offer, Consent.Answer.NEVER)
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
    rotation.renew(visit.report.pk, by=job("rotate"))
    rotation.drop_old(visit.report.pk, by=job("rotate"))
    evidence.verify(item, by=job("verify"))
    assert _unrecorded() == set()
    assert len(_acts()) > 35
    assert list(records.faults()) == []


def test_the_trace_finds_a_write_without_an_event(traced: None) -> None:
    factories.draft()
    with factories.forging(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE reporting_answer ENABLE ALWAYS TRIGGER trace")
        cursor.execute("DELETE FROM reporting_answer")
    assert _unrecorded() == {"reporting_answer"}
