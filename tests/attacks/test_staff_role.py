"""What the staff door's role can do past the pages: no rule of two people is undone with one
statement.

Security review, 21. Whoever holds the staff door can speak as anybody who signs in there; what is
tried here is that the database still wants both acts, by two people, in the record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from cases import records
from cases.casework import examination, quarantine
from cases.models import QuarantineDecision, Referral
from cases.operations.acting import acting_as
from cases.referrals import disclosure
from cases.staff.models import StaffMember
from reporting import intake
from reporting import quarantine as closing
from reporting.custody.record import record
from reporting.models import EvidenceItem, Quarantine, Report
from tests import factories
from tests.cases.office import Office

pytestmark = pytest.mark.django_db(transaction=True)


class Locked:
    """A file in quarantine, an officer and a supervisor."""

    def __init__(self) -> None:
        self.officer, self.supervisor = (
            factories.staff("safeguarding"),
            factories.staff("supervisor"),
        )
        visit = factories.draft()
        self.item = factories.file(visit)
        self.report: Report = visit.report
        intake.submit(visit)
        examination.may_show_a_child(self.report, self.item.pk, by=self.officer)
        self.row = Quarantine.objects.get(pk=self.item.pk)

    def decide(
        self, proposed_by: StaffMember, confirmed_by: StaffMember, choice: str = "released"
    ) -> None:
        QuarantineDecision.objects.create(
            quarantine=self.row,
            choice=choice,
            proposed_by=proposed_by,
            confirmed_by=confirmed_by,
            confirmed_at=timezone.now(),
        )

    def act(self, name: str, by: StaffMember, choice: str = "released") -> None:
        record(
            self.report.pk,
            name,
            actor=by.actor,
            detail={},
            about=self.item.pk,
            about_sha256=hashlib.sha256(choice.encode()).digest(),
        )

    def release(self) -> None:
        Quarantine.objects.filter(pk=self.item.pk).update(state=Quarantine.State.RELEASED)


def _alone(locked: Locked) -> None:
    locked.release()


def _with_an_act_only(locked: Locked) -> None:
    locked.act("quarantine:released", locked.supervisor)
    locked.release()


def _with_a_decision_only(locked: Locked) -> None:
    locked.decide(locked.officer, locked.supervisor)
    locked.release()


def _one_person_twice(locked: Locked) -> None:
    locked.decide(locked.supervisor, locked.supervisor)
    locked.act("quarantine:proposed", locked.supervisor)
    locked.act("quarantine:released", locked.supervisor)
    locked.release()


def _acts_of_one_person(locked: Locked) -> None:
    locked.decide(locked.officer, locked.supervisor)
    locked.act("quarantine:proposed", locked.supervisor)
    locked.act("quarantine:released", locked.supervisor)
    locked.release()


def _by_the_act_alone(locked: Locked) -> None:
    """The ledger decides what is open: an act must not be enough, whatever the rows say."""
    locked.act("quarantine:released", locked.supervisor)


def _by_acts_of_two_and_no_decision(locked: Locked) -> None:
    locked.act("quarantine:proposed", locked.officer)
    locked.act("quarantine:released", locked.supervisor)


def _another_proposal(locked: Locked) -> None:
    locked.decide(locked.officer, locked.supervisor)
    locked.act("quarantine:proposed", locked.officer, "preserved")
    locked.act("quarantine:released", locked.supervisor)
    locked.release()


def _another_choice(locked: Locked) -> None:
    locked.decide(locked.officer, locked.supervisor, "preserved")
    locked.act("quarantine:proposed", locked.officer)
    locked.act("quarantine:released", locked.supervisor)
    locked.release()


@pytest.mark.parametrize(
    "attempt",
    [
        _alone,
        _with_an_act_only,
        _with_a_decision_only,
        _one_person_twice,
        _acts_of_one_person,
        _by_the_act_alone,
        _by_acts_of_two_and_no_decision,
        _another_choice,
        _another_proposal,
    ],
)
def test_one_person_releases_nothing(attempt: Callable[[Locked], None]) -> None:
    locked = Locked()
    with pytest.raises(DatabaseError), acting_as("staff"), transaction.atomic():
        attempt(locked)
    assert locked.item.pk in closing.closed(locked.report.pk)
    assert list(records.faults()) == []


def test_two_people_release_it_and_their_decision_is_good_once() -> None:
    locked = Locked()
    choice = QuarantineDecision.Choice.RELEASED
    decision = quarantine.propose(locked.row, choice, "a form", by=locked.officer)
    quarantine.confirm(decision, by=locked.supervisor)
    assert locked.item.pk not in closing.closed(locked.report.pk)
    examination.may_show_a_child(locked.report, locked.item.pk, by=locked.officer)
    with pytest.raises(DatabaseError), acting_as("staff"):
        locked.release()
    assert locked.item.pk in closing.closed(locked.report.pk)


@pytest.mark.parametrize("who", ["confirmer", "somebody else"])
def test_an_earlier_decision_opens_nothing_that_was_closed_since(who: str) -> None:
    """The confirmer of last time, or anybody, alone: what was closed again needs a proposal of its
    own."""
    locked = Locked()
    choice = QuarantineDecision.Choice.RELEASED
    decision = quarantine.propose(locked.row, choice, "a form", by=locked.officer)
    quarantine.confirm(decision, by=locked.supervisor)
    examination.may_show_a_child(locked.report, locked.item.pk, by=locked.officer)
    alone = locked.supervisor if who == "confirmer" else factories.staff("supervisor")

    def decide_alone() -> None:
        with acting_as("staff"), transaction.atomic():
            locked.act("quarantine:released", alone)
            locked.release()

    with pytest.raises(DatabaseError):
        decide_alone()
    assert locked.item.pk in closing.closed(locked.report.pk)
    again = quarantine.propose(locked.row, choice, "looked again", by=locked.officer)
    quarantine.confirm(again, by=locked.supervisor)
    assert locked.item.pk not in closing.closed(locked.report.pk)


@pytest.mark.parametrize("end", ["destroyed", "preserved"])
def test_what_two_people_closed_for_good_is_not_released_by_one_more_decision(end: str) -> None:
    locked = Locked()
    choice = QuarantineDecision.Choice(end)
    quarantine.confirm(
        quarantine.propose(locked.row, choice, "ref", by=locked.officer), by=locked.supervisor
    )

    def decide_again() -> None:
        with acting_as("staff"), transaction.atomic():
            locked.decide(locked.officer, locked.supervisor)
            locked.act("quarantine:proposed", locked.officer)
            locked.act("quarantine:released", locked.supervisor)
            locked.release()

    with pytest.raises(DatabaseError, match="two people"):
        decide_again()
    assert locked.item.pk in closing.closed(locked.report.pk)


def test_quarantine_is_not_forgotten() -> None:
    locked = Locked()
    for statement in (
        "DELETE FROM reporting_quarantine",
        "UPDATE reporting_quarantine SET thing = 'E-000000000000'",
        "UPDATE reporting_evidenceitem SET state = 'kept'",
    ):
        with (
            acting_as("staff"),
            pytest.raises(DatabaseError, match="permission denied"),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert locked.item.pk in closing.closed(locked.report.pk)


@pytest.mark.parametrize(
    "change",
    [
        "state = 'received'",
        "state = 'accepted'",
        "state = 'withdrawn'",
        "state = 'erased'",
        "state = 'draft'",
    ],
)
def test_no_report_is_moved_without_its_act(change: str) -> None:
    visit = factories.sent()
    factories.case(visit, factories.staff())
    state = Report.objects.get(pk=visit.report.pk).state
    if f"state = '{state}'" == change:
        change = "state = 'in_triage'"
    with pytest.raises(DatabaseError), acting_as("staff"), connection.cursor() as cursor:
        cursor.execute(f"UPDATE reporting_report SET {change}")
    assert Report.objects.get(pk=visit.report.pk).state == state


def test_whoever_prepared_a_referral_does_not_approve_it_by_a_statement(
    running_opener: None,
) -> None:
    office = Office()
    referral = office.draft(by=office.supervisor)
    with pytest.raises(DatabaseError), acting_as("staff"), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases_referral SET state = 'approved', approved_by_id = prepared_by_id,"
            " approved_at = now()"
        )
    with pytest.raises(DatabaseError), acting_as("staff"), connection.cursor() as cursor:
        cursor.execute("UPDATE cases_referral SET state = 'approved'")
    with pytest.raises(disclosure.SamePerson):
        disclosure.approve(referral, by=office.supervisor)
    assert Referral.objects.get(pk=referral.pk).state == Referral.State.PREPARED


def test_the_staff_role_writes_nothing_that_a_reporter_said() -> None:
    visit = factories.sent()
    for table in ("answer", "evidenceitem", "consent", "person", "filegroup", "receipt"):
        with (
            acting_as("staff"),
            pytest.raises(DatabaseError, match="permission denied"),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"INSERT INTO reporting_{table} DEFAULT VALUES")
    with pytest.raises(DatabaseError), acting_as("staff"):
        visit.report.messages.create(
            report=visit.report, from_office=False, sealed=b"\x01", at=timezone.now()
        )
    assert EvidenceItem.objects.count() == 0
