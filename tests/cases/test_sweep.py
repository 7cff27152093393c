"""The worker: what fails is marked and rests, so that no report is opened again and again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cases import tasks
from cases.exports import gather
from cases.models import Referral
from cases.operations import certificates
from cases.referrals import disclosure
from cases.triage import queue
from reporting.custody.models import CustodyEvent
from reporting.models import Look, OfficeWrap
from tests import factories
from tests.cases.office import Office, sequencing

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("openssl"),
    pytest.mark.needs("pango"),
]


def test_a_build_that_fails_is_said_and_rests(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    referral = office.draft()
    disclosure.approve(referral, by=office.supervisor)
    monkeypatch.setattr(gather, "SEQUENCED_WITHIN", 0)  # no sequencer runs in this test
    tasks.sweep()
    referral.refresh_from_db()
    assert (referral.state, referral.build_failure) == (Referral.State.APPROVED, "NotSequenced")
    looks = Look.objects.filter(report=office.visit.report).count()
    tasks.sweep()
    assert Look.objects.filter(report=office.visit.report).count() == looks
    assert disclosure.approved() == []


def test_nothing_is_sealed_with_a_certificate_that_has_run_out(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    referral = office.draft()
    disclosure.approve(referral, by=office.supervisor)
    monkeypatch.setattr(certificates, "time_left", lambda path: timedelta(seconds=-1))
    with sequencing():
        tasks.sweep()
    referral.refresh_from_db()
    assert (referral.state, referral.build_failure) == (
        Referral.State.APPROVED,
        "CertificateExpired",
    )


def test_a_report_that_cannot_be_opened_goes_to_the_top_and_holds_up_no_other(
    running_opener: None,
) -> None:
    broken, other = factories.sent(), factories.sent()
    OfficeWrap.objects.filter(subject=broken.report.pk).delete()
    tasks.sweep()
    tasks.sweep()
    (first, second) = queue.waiting()
    assert first.assessment is not None
    assert (first.report.pk, first.assessment.band) == (broken.report.pk, 0)
    assert "could not open" in first.assessment.reasons[0]["reason"]
    assert second.report.pk == other.report.pk
    assert Look.objects.filter(report=broken.report).count() == 1


def test_without_an_opener_nothing_is_written(transactional_db: None) -> None:
    visit = factories.sent()
    before = CustodyEvent.objects.count()
    tasks.sweep()
    assert CustodyEvent.objects.count() == before
    assert queue.waiting()[0].report.pk == visit.report.pk
