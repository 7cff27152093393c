"""Sending and taking out do not pass each other: what the receipt names is there. Security review,
12."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import wait

import pytest
from django.db import connection, transaction

from cases import records
from cases.operations.acting import acting_as
from reporting import answers, evidence, intake, office, on_record
from reporting.actors import REPORTER
from reporting.custody.record import record
from reporting.models import Answer, EvidenceItem
from reporting.sessions import Visit
from reporting.vault.keys import Secret
from tests import factories
from tests.attacks.tools import beside, waits_for_a_lock

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 30


def _answer(visit: Visit) -> Callable[[], object]:
    answer = Answer.objects.get(report=visit.report, question="words").pk
    return lambda: answers.take_out(visit, answer)


def _file(visit: Visit) -> Callable[[], object]:
    item = EvidenceItem.objects.get(report=visit.report, kind="file").pk
    return lambda: evidence.remove_from_draft(visit, item)


@pytest.fixture
def visit() -> Visit:
    visit = factories.draft()
    factories.file(visit)
    return visit


def _counts(visit: Visit) -> tuple[int, int]:
    known = on_record.of(visit.report.pk, visit.secret)
    assert known.faults == []
    return len(known.answers), len(known.items)


@pytest.mark.parametrize("taking", [_answer, _file])
def test_taking_out_waits_for_sending_and_takes_nothing(
    visit: Visit,
    taking: Callable[[Visit], Callable[[], object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The attack: the removal is under way while the reporter sends, and is committed after the
    receipt."""
    take_out, before = taking(visit), _counts(visit)
    reached, go_on = threading.Event(), threading.Event()
    wrap = office.wrap_report

    def stops_in_the_middle(report_id: str, secret: Secret) -> None:
        wrap(report_id, secret)
        reached.set()
        assert go_on.wait(SECONDS)

    monkeypatch.setattr(office, "wrap_report", stops_in_the_middle)
    sending = beside(lambda: intake.submit(visit))
    assert reached.wait(SECONDS)
    late = beside(take_out)
    assert waits_for_a_lock(late)
    go_on.set()
    assert sending.result(SECONDS)
    assert isinstance(late.exception(SECONDS), answers.CannotTakeOut | evidence.NotOpenable)
    assert _counts(visit) == before
    assert list(records.faults()) == []


def test_the_database_itself_lets_no_removal_pass_a_report_that_is_being_sent(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A captured public door calls the function without taking our lock first."""
    before = _counts(visit)
    answer = Answer.objects.get(report=visit.report, question="words").pk
    reached, go_on = threading.Event(), threading.Event()
    wrap = office.wrap_report

    def stops_before_anything_is_locked_in_sql(report_id: str, secret: Secret) -> None:
        reached.set()
        assert go_on.wait(SECONDS)
        wrap(report_id, secret)

    monkeypatch.setattr(office, "wrap_report", stops_before_anything_is_locked_in_sql)
    sending = beside(lambda: intake.submit(visit))
    assert reached.wait(SECONDS)
    late = beside(lambda: _called(visit, answer))
    assert waits_for_a_lock(late)
    go_on.set()
    assert sending.result(SECONDS)
    assert late.result(SECONDS) is None
    assert _counts(visit) == before


def _called(visit: Visit, thing: str) -> str | None:
    """What the function returns, with the act that it asks for and no signature."""
    with acting_as("public"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT public.reporting_take_out(%s, %s)", [visit.report.pk, thing])
        taken: str | None = cursor.fetchone()[0]
        if taken is not None:
            record(visit.report.pk, "answer:taken_out", actor=REPORTER, detail={}, about=thing)
    return taken


@pytest.mark.parametrize("taking", [_answer, _file])
def test_sending_waits_for_what_is_being_taken_out(
    visit: Visit, taking: Callable[[Visit], Callable[[], object]]
) -> None:
    """The receipt's manifest is made under the same lock: it names what is left."""
    take_out, before = taking(visit), _counts(visit)
    with transaction.atomic():
        take_out()
        sending = beside(lambda: intake.submit(visit))
        assert not wait([sending], timeout=1).done
    assert sending.result(SECONDS)
    assert sum(_counts(visit)) == sum(before) - 1
    assert list(records.faults()) == []


@pytest.mark.parametrize("taking", [_answer, _file])
def test_nothing_is_taken_out_by_a_statement_that_began_before_sending(
    visit: Visit, taking: Callable[[Visit], Callable[[], object]]
) -> None:
    """As the attack did it: the row is named while the report is a draft, and removed after it was
    sent."""
    thing = taking(visit)
    intake.submit(visit)
    before = _counts(visit)
    with pytest.raises((answers.CannotTakeOut, evidence.NotOpenable)):
        thing()
    row = on_record.of(visit.report.pk).answers[0].id
    with acting_as("public"), connection.cursor() as cursor:
        cursor.execute("SELECT public.reporting_take_out(%s, %s)", [visit.report.pk, row])
        assert cursor.fetchone() == (None,)
    assert _counts(visit) == before
