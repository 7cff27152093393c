"""The page of a case: reading is an act of a person, and what was taken back is not there."""

from __future__ import annotations

import pytest

from cases.triage import decisions
from reporting.models import Report
from tests import factories
from tests.cases.office import Desk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("running_opener")]
READ = ("Caseworker", "read your report")


def test_only_the_button_opens_a_report_and_each_press_is_one_reading() -> None:
    """Security review, 31: each GET, and each button beside it, opened all reports of the case."""
    visit, desk = factories.sent(), Desk("reader", "caseworker")
    page = f"/office/case/{factories.case(visit, desk.user).pk}/"
    assert "They want 500" not in desk.sees(page)
    desk.does(f"{page}act/", what="note", text="a note")
    assert READ not in factories.told(visit)
    assert "They want 500" in desk.does(page)
    assert factories.told(visit).count(READ) == 1


def test_a_report_that_was_taken_back_is_not_opened_and_not_named() -> None:
    first, second, desk = factories.sent(), factories.sent(), Desk("reader", "caseworker")
    case = factories.case(first, desk.user)
    decisions.join(Report.objects.get(pk=second.report.pk), case, by=desk.user)
    with factories.forging():  # nothing takes a report back yet
        Report.objects.filter(pk=second.report.pk).update(state=Report.State.WITHDRAWN)
    page = f"/office/case/{case.pk}/"
    for shown in (desk.sees(page), desk.does(page)):
        assert first.report.pk in shown
        assert second.report.pk not in shown
    assert READ not in factories.told(second)
