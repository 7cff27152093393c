"""Who is in danger first is what the record says: no role and no owner changes a band unseen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from cases import records
from cases.models import Assessment
from cases.operations.acting import acting_as
from cases.triage import decisions, queue
from reporting import intake, questions
from reporting.actors import job
from reporting.custody.record import record
from reporting.sessions import Visit
from tests import factories
from tests.cases.office import Desk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def visit(running_opener: None) -> Visit:
    visit = factories.sent({"safe": "no", "what": ["stalking"]})
    queue.assess(visit.report)
    return visit


def _lower() -> None:
    Assessment.objects.update(band=3)


def _other_reasons() -> None:
    Assessment.objects.update(reasons=[])


def _no_longer_current() -> None:
    Assessment.objects.update(current=False)


def _another_beside_it() -> None:
    Assessment.objects.update(current=False)
    before = Assessment.objects.latest("pk")
    before.pk, before.current, before.band = None, True, 3
    before.save(force_insert=True)


def _removed() -> None:
    Assessment.objects.all().delete()


CHANGES = [_lower, _other_reasons, _no_longer_current, _another_beside_it]


@pytest.mark.parametrize("role", ["worker", "staff"])
@pytest.mark.parametrize("change", CHANGES)
def test_no_role_changes_a_band_without_its_act(
    visit: Visit, role: str, change: Callable[[], None]
) -> None:
    with (
        pytest.raises(DatabaseError, match="in cases_assessment is not what an act recorded"),
        acting_as(role),
    ):
        change()
    assert Assessment.objects.get(current=True).band == 0


def test_an_act_that_records_something_else_is_not_enough(visit: Visit) -> None:
    def lower() -> None:
        with acting_as("worker"):
            band = f"B-{visit.report.pk.removeprefix('R-')}"
            record(visit.report.pk, "report:banded", actor=job("assess"), detail={}, about=band)
            _lower()

    with pytest.raises(DatabaseError, match="in cases_assessment is not what an act recorded"):
        lower()


@pytest.mark.parametrize("change", [*CHANGES, _removed])
def test_what_the_owner_changes_is_one_marked_line_and_named(
    visit: Visit, change: Callable[[], None]
) -> None:
    with factories.forging():
        change()
    why = "its band is not as recorded"
    assert [(fault.id, fault.why) for fault in records.faults()] == [(visit.report.pk, why)]
    (line,) = queue.waiting()
    assert line.fault == why
    desk = Desk("reader", "caseworker")
    page = desk.sees("/office/")
    assert page.count(f"Not as recorded: {why}") == 1
    assert "P3" not in page
    report = f"/office/report/{visit.report.pk}/"
    shown = desk.sees(report)
    assert shown.count("Not as recorded: the band") == 1
    assert "actionable" not in shown
    case = decisions.accept(visit.report, by=desk.user)
    shown = desk.sees(f"/office/case/{case.pk}/")
    assert shown.count(f"Not as recorded: the band of {visit.report.pk}") == 1
    assert 'class="band"' not in shown


@pytest.mark.parametrize("change", [*CHANGES, _removed])
def test_the_next_assessment_goes_on_from_the_record(
    visit: Visit, change: Callable[[], None]
) -> None:
    decisions.override_band(visit.report, 1, "they called", by=factories.staff())
    with factories.forging():
        change()
    intake.answer(visit, questions.BY_KEY["safe"], "yes")
    after = queue.assess(visit.report)
    assert after.band <= 1
    assert list(records.faults()) == []


def test_a_page_of_the_queue_is_compared_at_once(visit: Visit) -> None:
    few = _queries_of_a_page()
    for _ in range(3):
        queue.assess(factories.sent({"safe": "no", "what": ["stalking"]}).report)
    assert _queries_of_a_page() == few


def _queries_of_a_page() -> int:
    with CaptureQueriesContext(connection) as queries:
        queue.waiting()
    return len(queries)
