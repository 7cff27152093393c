"""Acts of the public door's role with no reporter there: what would spoil a genuine package, make a
sound ledger "broken" or undo a decision is refused by the database."""

from __future__ import annotations

import contextlib
import hashlib
import io
import secrets
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from cases import records
from cases.casework import examination
from cases.casework import quarantine as decisions
from cases.exports import gather
from cases.models import QuarantineDecision
from cases.operations.acting import acting_as
from cases.reports import reading
from reporting import ids, intake, quarantine, questions, stored
from reporting.custody import events
from reporting.custody.record import founding
from reporting.models import Answer, Consent, Quarantine, Report
from reporting.vault.fields import seal_bytes
from tests import factories
from tests.attacks.tools import withheld
from tests.cases.office import Desk, Office
from tests.reporting import ledger

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs("openssl")]
NOTHING = bytes(32)


def act(
    subject: str, event: str, about: str, *, sealed: bytes = b"", sha256: bytes = NOTHING
) -> None:
    """One act of the public role, in a transaction of its own unless the caller began one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT public.custody_append(%s, %s, 'reporter', %s, %s, %s, %s, '', NULL)",
            [subject, event, about, sha256, hashlib.sha256(b"x").digest(), sealed],
        )


def refused(subject: str, event: str, about: str, *, sha256: bytes = NOTHING) -> bool:
    try:
        with acting_as("public"), transaction.atomic():
            act(subject, event, about, sha256=sha256)
    except DatabaseError:
        return True
    return False


@pytest.mark.parametrize(
    "about",
    [
        "14 bytes \n'\"$`",
        "../../../../ab",
        "ééééééé€€€€€€€",
        'a"bcdefghijklm',
        "\x01\x02\x03456789abcde",
        "\u2028bcdefghijklmn",
        "r-000000000000",
        "R-00000000000\n",
        "X-000000000000",
    ],
)
@pytest.mark.parametrize("event", ["looks:shown", "answer:taken_out", "evidence:quarantined"])
def test_an_act_is_about_the_id_of_a_thing_of_its_kind(event: str, about: str) -> None:
    visit = factories.draft()
    assert refused(visit.report.pk, event, about)


@pytest.mark.parametrize("event", ["looks:shown", "message:read", "report:opened_by_reporter"])
def test_an_act_about_the_report_is_about_nothing_else(office: Office, event: str) -> None:
    report = office.visit.report
    for thing in (*_things(office).values(), ids.report()):
        assert refused(report.pk, event, thing)
    assert not refused(report.pk, event, report.pk)


def _things(office: Office) -> dict[str, str]:
    report = office.visit.report
    return {
        "answer": Answer.objects.filter(report=report, question="words").earliest("at").pk,
        "file": office.file.pk,
        "link": report.items.get(kind="link").pk,
        "consent": report.consents.get().pk,
    }


@pytest.mark.parametrize(
    ("event", "thing"),
    [
        ("answer:saved", "answer"),
        ("evidence:acquired", "file"),
        ("evidence:acquired", "link"),
        ("consent:answered", "consent"),
        ("answer:taken_out", "answer"),
        ("evidence:taken_out", "file"),
    ],
)
def test_what_was_given_is_not_given_or_taken_out_again(
    office: Office, event: str, thing: str
) -> None:
    assert refused(office.visit.report.pk, event, _things(office)[thing])


def test_a_report_is_begun_and_sent_once(office: Office) -> None:
    report = office.visit.report.pk
    for event in ("report:started", "report:submitted"):
        assert refused(report, event, report)
        assert refused(report, event, report, sha256=stored.report_sha256(report))


def test_an_act_names_no_other_hash_of_the_report_than_its_own(office: Office) -> None:
    """It would count as the newest that changed the report: then nothing of it is as recorded."""
    report = office.visit.report.pk
    assert refused(report, "looks:shown", report, sha256=secrets.token_bytes(32))


def test_nothing_is_taken_out_that_is_there_or_was_never_given() -> None:
    visit, other = factories.draft(), factories.draft()
    answer = Answer.objects.get(report=visit.report, question="words")
    assert refused(visit.report.pk, "answer:taken_out", answer.pk)
    assert refused(visit.report.pk, "answer:taken_out", ids.answer())
    with acting_as("public"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT public.reporting_take_out(%s, %s)", [visit.report.pk, answer.pk])
        act(visit.report.pk, "answer:taken_out", answer.pk)
    assert refused(other.report.pk, "answer:taken_out", answer.pk)


def test_no_act_that_is_taken_spoils_a_package(office: Office, tmp_path: Path) -> None:
    """Unsigned acts of every kind that is left: their details stay here, those of the reporter's
    own acts go."""
    report = office.visit.report.pk
    for event in ("looks:shown", "message:read", "report:opened_by_reporter"):
        with acting_as("public"):
            act(report, event, report)
    left_out = withheld(office.unpacked(office.package(), tmp_path))
    assert [what for what, why in left_out.items() if why == gather._FAULT] == [
        what for what in left_out if what.endswith("(report:opened_by_reporter)")
    ]
    assert not [what for what in left_out if what.endswith("(report:submitted)")]
    assert list(records.faults()) == []
    factories.sequence()
    call_command("verify_ledger", stdout=io.StringIO())


class TestQuarantine:
    def squat(self, report: str, thing: str) -> None:
        with acting_as("public"), transaction.atomic():
            Quarantine.objects.create(thing=thing, report_id=report)
            act(report, "evidence:quarantined", thing)

    def test_nothing_is_quarantined_that_is_not_of_the_report(self, office: Office) -> None:
        """Neither a thing of nobody, nor that of another report: its own office could not lock it
        any more."""
        attackers = factories.draft().report.pk
        things = _things(office)
        for thing in (ids.answer(), "X-000000000000", things["answer"], things["file"]):
            with pytest.raises(DatabaseError):
                self.squat(attackers, thing)
        assert not Quarantine.objects.exists()
        for thing in (things["answer"], things["file"], things["link"]):
            examination.may_show_a_child(office.visit.report, thing, by=office.worker)
            assert thing in quarantine.closed(office.visit.report.pk)

    def test_an_age_that_says_a_child_closes_the_files(self) -> None:
        visit, attackers = factories.draft(), factories.draft()
        item = factories.file(visit)
        with pytest.raises(DatabaseError):
            self.squat(attackers.report.pk, item.pk)
        intake.answer(visit, questions.BY_KEY["age"], "13_15")
        assert item.pk in quarantine.closed(visit.report.pk)

    def test_neither_act_nor_row_comes_alone(self, office: Office) -> None:
        report, thing = office.visit.report.pk, office.file.pk
        assert refused(report, "evidence:quarantined", thing)
        with acting_as("public"), pytest.raises(DatabaseError):
            Quarantine.objects.create(thing=thing, report_id=report)

    @pytest.mark.parametrize("choice", ["destroyed", "preserved", "quarantined"])
    def test_what_is_closed_is_not_closed_again(self, office: Office, choice: str) -> None:
        """It would annul a decision, or a proposal that waits for its second person."""
        report, thing = office.visit.report, office.file.pk
        examination.may_show_a_child(report, thing, by=office.worker)
        if choice != "quarantined":
            _decide(thing, QuarantineDecision.Choice(choice), office)
        with pytest.raises(DatabaseError, match="was closed before"):
            _close_again(report.pk, thing)
        assert Quarantine.objects.get().state == choice
        assert quarantine.states(report.pk) == {thing: choice}

    def test_a_row_does_not_go_back_by_an_act_that_another_one_followed(
        self, office: Office
    ) -> None:
        """A transaction that began before the thing was closed sees the act that closed it."""
        thing = office.file.pk
        examination.may_show_a_child(office.visit.report, thing, by=office.worker)
        _decide(thing, QuarantineDecision.Choice.DESTROYED, office)
        with factories.forging(), connection.cursor() as cursor:  # as if both came after it began
            cursor.execute("UPDATE custody_custodyevent SET at = at + interval '1 hour'")
        with acting_as("public"), pytest.raises(DatabaseError):
            Quarantine.objects.update(state=Quarantine.State.CLOSED)


def _close_again(report: str, thing: str) -> None:
    with acting_as("public"), transaction.atomic():
        Quarantine.objects.update(state=Quarantine.State.CLOSED)
        act(report, "evidence:quarantined", thing)


def _decide(thing: str, choice: QuarantineDecision.Choice, office: Office) -> None:
    officer = factories.staff("safeguarding")
    row = Quarantine.objects.get(pk=thing)
    decisions.confirm(
        decisions.propose(row, choice, "authority ref 12", by=officer), by=office.supervisor
    )


@pytest.mark.parametrize(("age", "taken"), [("4 minutes 50 seconds", 1), ("301 seconds", 0)])
def test_what_is_committed_long_after_its_time_is_refused(age: str, taken: int) -> None:
    """verify_ledger takes ten minutes for tampering. The owner writes what a transaction that was
    held open would."""
    subject = ledger.subject_with(1)
    with contextlib.suppress(IntegrityError), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO custody_custodyevent SELECT (jsonb_populate_record(act, "
            "jsonb_build_object('id', id + 1, 'seq', seq + 1, 'at', now() - %s::interval))).* "
            "FROM custody_custodyevent act WHERE subject = %s AND seq = 2",
            [age, subject],
        )
    assert len(events.of(subject)) == 2 + taken


@pytest.mark.usefixtures("running_opener")
@pytest.mark.parametrize(
    "detail",
    [
        b"[" * 3_500,
        b'{"sha256":' + b"[" * 3_000,
        b'{"sha256":"x","signed_at":"2026-01-01","signature":5}',
        b'{"sha256":{"a":1e400},"signed_at":"2026-01-01T00:00:00+00:00","signature":""}',
        b'{"sha256":"\\ud800","signed_at":"\\ud800","signature":"\\ud800"}',
        b"\xff\xfe",
        b'{"sha256":[[[[1]]]],"signed_at":5,"signature":"AAAA"}',
    ],
    ids=["deep", "deep value", "number", "infinite", "half a character", "bytes", "lists"],
)
def test_no_detail_closes_a_page(detail: bytes) -> None:
    visit = factories.sent()
    report = visit.report.pk
    text = b"0" * 32 + detail
    sealed = seal_bytes(text, founding(report).public_key)
    with acting_as("public"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT public.custody_append(%s, 'message:read', 'reporter', %s, %s, %s, %s, '', "
            "NULL)",
            [report, report, NOTHING, hashlib.sha256(text).digest(), sealed],
        )
    assert factories.ADULT_EXTORTION["words"] in Desk("reader", "caseworker").does(
        f"/office/report/{report}/"
    )
    factories.sweep()
    assert visit.report.assessments.get(current=True).reasons[0]["rule"] != "unopened"


def test_a_detail_is_no_larger_than_an_act_of_its_kind_needs() -> None:
    visit = factories.draft()
    report = visit.report.pk
    with acting_as("public"):
        act(report, "looks:shown", report, sealed=bytes(4096))
        with pytest.raises(DatabaseError, match="malformed"):
            act(report, "looks:shown", report, sealed=bytes(4097))
        with pytest.raises(DatabaseError, match="malformed"), transaction.atomic():
            act(report, "evidence:acquired", ids.evidence_item(), sealed=bytes(131_073))


def test_a_report_takes_ten_thousand_acts_and_a_page_names_a_hundred_faults() -> None:
    visit = factories.sent()
    report = visit.report.pk
    with acting_as("public"), pytest.raises(DatabaseError, match="malformed"):
        _looks(report, 10_001)
    with acting_as("public"):
        _looks(report, reading.FAULTS_SHOWN + 20)
    opened = reading.read(Report.objects.get(pk=report), visit.secret)
    assert opened.faults[reading.FAULTS_SHOWN :] == [("…", "and 20 more")]


def _looks(report: str, times: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM generate_series(1, %s) n, LATERAL public.custody_append(%s, "
            "'looks:shown', 'reporter', %s, %s, %s, convert_to(n::text, 'UTF8'), '', NULL)",
            [times, report, report, NOTHING, NOTHING],
        )


def test_a_consent_says_what_its_statement_says(office: Office) -> None:
    """A row of other columns would be a fault of the record for good."""
    given = Consent.objects.get(report=office.visit.report)
    given.pk, given.statement, given.signature = ids.consent(), "{}", b"x" * 64
    with pytest.raises(DatabaseError, match="not what an act recorded"):
        _give(given)


def _give(consent: Consent) -> None:
    sha256 = hashlib.sha256(consent.statement.encode() + bytes(consent.signature)).digest()
    with acting_as("public"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT at FROM public.custody_append(%s, 'consent:answered', 'reporter', %s, %s, %s, "
            "'', '', NULL)",
            [consent.report_id, consent.pk, sha256, NOTHING],
        )
        (consent.at,) = cursor.fetchone()
        consent.save(force_insert=True)
