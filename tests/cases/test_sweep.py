"""The worker's sweep: what fails is marked, so that no report is opened again and again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cases import certificates, tasks
from cases.exports import gather
from cases.models import Referral
from cases.referrals import disclosure
from cases.triage import queue
from reporting.custody.models import CustodyEvent
from reporting.models import OfficeWrap
from tests import factories
from tests.cases.office import Office, sequencing

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("openssl"),
    pytest.mark.needs("pango"),
]


def test_a_failed_build_is_marked_and_not_retried(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    referral = office.draft()
    disclosure.approve(referral, by=office.supervisor)
    monkeypatch.setattr(gather, "SEQUENCED_WITHIN", 0)  # no sequencer runs in this test
    tasks.sweep()
    referral.refresh_from_db()
    assert (referral.state, referral.build_failure) == (Referral.State.APPROVED, "NotSequenced")
    told = factories.told(office.visit)
    tasks.sweep()
    assert factories.told(office.visit) == told
    assert disclosure.approved() == []


def test_nothing_is_signed_with_an_expired_certificate(
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


def test_a_report_that_cannot_be_opened_goes_first_and_delays_no_other(
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
    tried = CustodyEvent.objects.filter(subject=broken.report.pk, event="report:assessed")
    assert tried.count() == 1
    assert factories.told(broken) == []  # no key was given, so nobody looked
    assert factories.told(other) == [("Our computer", "sorted it by urgency")]


def test_without_an_opener_nothing_is_written(transactional_db: None) -> None:
    visit = factories.sent()
    before = CustodyEvent.objects.count()
    tasks.sweep()
    assert CustodyEvent.objects.count() == before
    assert queue.waiting()[0].report.pk == visit.report.pk
