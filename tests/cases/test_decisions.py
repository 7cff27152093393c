"""Accepting a report: both chains record it, and only one of two decisions takes effect."""

from __future__ import annotations

from typing import Any

import pytest

from cases.models import Case
from cases.triage import decisions
from reporting import evidence, on_record
from reporting.custody.models import CustodyEvent
from reporting.models import Report
from reporting.vault.keys import Secret
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def _act(subject: str, name: str, secret: Secret) -> tuple[CustodyEvent, dict[str, Any]]:
    event = CustodyEvent.objects.get(subject=subject, event=name)
    detail = on_record.of(subject, secret).details[event.id]
    assert detail is not None
    return event, detail


def test_accepting_writes_both_chains_and_each_names_the_head_of_the_other(
    running_opener: None,
) -> None:
    visit, worker = factories.sent(), factories.staff()
    case = factories.case(visit, worker)
    case_key = evidence.office_key(case.pk, "case:opened", detail={}, by=worker.actor)
    on_report, detail_on_report = _act(visit.report.pk, "report:accepted", visit.secret)
    on_case, detail_on_case = _act(case.pk, "case:report_accepted", case_key)
    assert (detail_on_report["case"], detail_on_report["case_head"]) == (case.pk, on_case.previous)
    assert detail_on_case["report"] == visit.report.pk
    assert detail_on_case["report_head"] == on_report.leaf


def test_of_two_simultaneous_decisions_one_takes_effect() -> None:
    visit, worker, other = factories.sent(), factories.staff(), factories.staff()
    stale = Report.objects.get(pk=visit.report.pk)
    decisions.accept(visit.report, by=worker)
    with pytest.raises(decisions.AlreadyDecided, match="Nothing was changed"):
        decisions.accept(stale, by=other)
    assert Case.objects.count() == 1
