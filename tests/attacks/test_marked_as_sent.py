"""The public door's role alone marks a draft as sent: nobody sorts, reads or decides it, and the
queue shows one marked line."""

from __future__ import annotations

import json

import pytest
from django.db import connection, transaction
from django.test import Client

from cases import records
from cases.models import Assessment, Case
from cases.operations.acting import acting_as
from cases.triage import decisions, queue
from reporting import intake, office, sent, stored
from reporting.custody.models import CustodyEvent
from reporting.custody.record import record
from reporting.models import Receipt, Report
from reporting.sessions import Visit
from reporting.vault import keys
from tests import factories
from tests.cases.office import Desk

pytestmark = pytest.mark.django_db(transaction=True)
LINE = "Not as recorded: not sent by the reporter"


def _mark(visit: Visit, proof: str = "") -> None:
    """All that the role may write: wraps that nobody can open, the act, a receipt."""
    report = visit.report.pk
    ids = [keys.key_id(key) for key in office.public_keys()]
    with acting_as("public"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT public.reporting_wrap_for_office(%s, %s, %s)",
            [report, ids, [b"\x02junk" for _ in ids]],
        )
        recorded = record(
            report,
            "report:submitted",
            actor="reporter",
            detail={},
            about_sha256=stored.report_sha256(report),
        )
        Receipt.objects.create(
            report_id=report,
            body=json.dumps({"head": {"seq": recorded.seq}}),
            signature=b"",
            certificate="",
            sent=proof,
        )


@pytest.fixture
def marked(running_opener: None) -> Visit:
    visit = factories.draft({"safe": "no", "words": "he is here"})
    _mark(visit)
    visit.report.refresh_from_db()
    return visit


def test_it_is_set_aside_and_one_marked_line(marked: Visit) -> None:
    desk = Desk("reader", "supervisor")
    assert desk.sees("/office/").count(LINE) == 1  # before the worker comes by
    factories.sweep()
    marked.report.refresh_from_db()
    assert marked.report.state == Report.State.NOT_SENT
    page = desk.sees("/office/")
    assert (page.count(LINE), page.count(marked.report.pk)) == (1, 1)
    assert [line.report for line in queue.waiting()] == []
    assert not Assessment.objects.exists()
    factories.sweep()
    acts = CustodyEvent.objects.filter(subject=marked.report.pk)
    assert not acts.filter(event__in=["report:assessed", "report:banded"]).exists()
    assert acts.filter(event="report:not_sent").count() == 1
    assert list(records.faults()) == []


def test_nobody_reads_or_decides_it(marked: Visit) -> None:
    desk, worker = Desk("reader", "caseworker"), factories.staff()
    path = f"/office/report/{marked.report.pk}/"
    assert "The reporter did not send this" in desk.does(path)
    for decide in (
        lambda: decisions.accept(marked.report, by=worker),
        lambda: decisions.decline(marked.report, "x", out_of_scope=True, by=worker),
    ):
        with pytest.raises(sent.NotSentByReporter):
            decide()
    assert not Case.objects.exists()
    factories.sweep()
    assert not Assessment.objects.exists()
    assert "Open and read" not in desk.sees(path)


def test_its_reporter_is_told(marked: Visit) -> None:
    factories.sweep()
    client = Client()
    client.post("/back/", {"code": marked.code}, headers={"origin": "http://localhost:8100"})
    answer = client.get("/mine/")
    assert answer.status_code == 409
    assert "it was not you" in answer.content.decode()
    with pytest.raises(sent.NotSentByReporter):
        intake.submit(marked)


def test_a_signature_of_another_report_or_act_does_not_send_it(running_opener: None) -> None:
    other = factories.sent()
    visit = factories.draft()
    _mark(visit, Receipt.objects.get(report=other.report).sent)
    assert sent.by_reporter([visit.report.pk, other.report.pk]) == {other.report.pk}
    junk = factories.draft()
    _mark(junk, '{"signature": 1}')
    assert sent.by_reporter([junk.report.pk]) == frozenset()


def test_drafts_marked_in_numbers_keep_no_other_report_waiting(running_opener: None) -> None:
    """The rules look at the hundred oldest."""
    for _ in range(3):
        _mark(factories.draft({"words": "x"}))
    genuine = factories.sent()
    factories.sweep()
    assert [line.report.pk for line in queue.waiting()] == [genuine.report.pk]
    assert queue.waiting()[0].assessment is not None


def test_the_office_sets_nothing_aside_that_a_reporter_sent() -> None:
    visit = factories.sent()
    factories.sweep()
    visit.report.refresh_from_db()
    assert visit.report.state == Report.State.RECEIVED
