"""What cannot be assessed or measured does not stay before what can: each try is put off after it
failed, and the next in the row come."""

from __future__ import annotations

from typing import Any

import pytest

from cases import claims, tasks
from cases.models import Claim
from cases.operations.acting import acting_as
from cases.triage import queue
from reporting import evidence, intake, receipts
from reporting.models import EvidenceItem, Receipt, Report
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep names the first of each kind, where it names a hundred."""
    unassessed, new_files = queue.unassessed, tasks._with_new_files
    monkeypatch.setattr(queue, "unassessed", lambda **options: unassessed(1, **options))
    monkeypatch.setattr(tasks, "_with_new_files", lambda **options: new_files(1, **options))


@pytest.mark.usefixtures("running_opener", "one_at_a_time")
def test_a_report_that_cannot_be_assessed_or_recorded_hides_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    junk, genuine = factories.sent(), factories.sent()
    _cannot(monkeypatch, queue, "assess", junk.report.pk)
    _cannot(monkeypatch, queue, "could_not_assess", junk.report.pk)
    with pytest.raises(ValueError, match="cannot"):
        factories.sweep()
    factories.sweep()
    assert genuine.report.assessments.exists()
    assert claims.held("assess") == {junk.report.pk}


@pytest.mark.usefixtures("running_opener", "one_at_a_time")
def test_files_that_cannot_be_opened_hide_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    junk, genuine = _with_a_file(), _with_a_file()
    first = min((junk, genuine), key=lambda item: item.report_id)
    second = genuine if first is junk else junk
    _cannot(monkeypatch, evidence, "measure", first.report_id)
    for _round in range(2):
        factories.sweep()
    second.refresh_from_db()
    assert second.state == EvidenceItem.State.VERIFIED


@pytest.mark.usefixtures("running_opener", "one_at_a_time")
def test_what_was_put_off_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    item = _with_a_file()
    with monkeypatch.context() as broken:
        _cannot(broken, evidence, "measure", item.report_id)
        factories.sweep()
    factories.sweep()
    item.refresh_from_db()
    assert item.state == EvidenceItem.State.KEPT
    Claim.objects.update(until="2026-01-01T00:00:00Z")
    factories.sweep()
    item.refresh_from_db()
    assert item.state == EvidenceItem.State.VERIFIED


def test_a_receipt_that_says_nothing_keeps_no_other_from_its_proof() -> None:
    junk, genuine = factories.sent(), factories.sent()
    for body in ("x", '{"head":{"seq":99999999999999999999}}', "[" * 5_000):
        Receipt.objects.filter(report=junk.report).update(body=body)
        factories.sequence()
        receipts.confirm()
        assert Receipt.objects.get(report=genuine.report).proof
        with acting_as("staff"):
            assert len(queue.waiting()) == 2


def _with_a_file() -> EvidenceItem:
    visit = factories.draft()
    item = factories.file(visit)
    intake.submit(visit)
    return item


def _cannot(patch: pytest.MonkeyPatch, module: object, name: str, report_id: str) -> None:
    works = getattr(module, name)

    def fails(report: Report, **options: Any) -> Any:
        if report.pk == report_id:
            raise ValueError("it cannot be done")
        return works(report, **options)

    patch.setattr(module, name, fails)
