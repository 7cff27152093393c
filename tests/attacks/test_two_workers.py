"""Two workers: each report is assessed once and each package built once (code review, 0)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from cases import claims, tasks
from cases.models import Assessment, Claim, Package
from cases.operations.acting import acting_as
from cases.referrals import disclosure
from cases.triage import queue
from reporting import evidence
from reporting.custody.models import CustodyEvent
from tests import factories
from tests.attacks.tools import beside
from tests.cases.office import Office, sequencing

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("openssl"),
    pytest.mark.needs("pango"),
]


class _Together:
    """Replaces a question: two threads get their first answer only when both have asked."""

    def __init__(self, asked: Callable[..., list[Any]]) -> None:
        self._asked = asked
        self._barrier = threading.Barrier(2, timeout=30)
        self._met: set[int] = set()

    def __call__(self, **options: Any) -> list[Any]:
        answer = self._asked(**options)
        if threading.get_ident() not in self._met:
            self._met.add(threading.get_ident())
            self._barrier.wait()
        return answer


def _two_sweeps() -> None:
    for sweep in [beside(factories.sweep), beside(factories.sweep)]:
        sweep.result(120)


def _opened(subject: str, act: str) -> int:
    return CustodyEvent.objects.filter(subject=subject, event=act).count()


def test_two_workers_assess_each_report_once(
    running_opener: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    visits = [factories.sent() for _ in range(3)]
    monkeypatch.setattr(queue, "unassessed", _Together(queue.unassessed))
    _two_sweeps()
    for visit in visits:
        assert _opened(visit.report.pk, "report:assessed") == 1
        (assessment,) = Assessment.objects.filter(report=visit.report)
        assert assessment.band == Assessment.Band.P1
        assert factories.told(visit) == [("Our computer", "sorted it by urgency")]
    assert not Claim.objects.exists()


def test_two_workers_take_the_hashes_of_new_files_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_with_new_files", _Together(tasks._with_new_files))
    _two_sweeps()
    assert _opened(office.visit.report.pk, "evidence:measured") == 1
    assert _opened(office.visit.report.pk, "evidence:verified") == 1


def test_two_workers_build_a_package_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.sweep()
    referral = office.draft()
    disclosure.approve(referral, by=office.supervisor)
    monkeypatch.setattr(disclosure, "approved", _Together(disclosure.approved))
    with sequencing():
        _two_sweeps()
    assert _opened(office.visit.report.pk, "package:built") == 1
    package = Package.objects.get()
    assert sorted(evidence.store().names()) == sorted([office.file.vault_name, package.vault_name])
    referral.refresh_from_db()
    assert (referral.state, referral.build_failure) == ("built", "")


def test_a_worker_that_comes_later_does_nothing_again(office: Office) -> None:
    """It had read that the work waits before the other one did it."""
    report, waiting = office.visit.report.pk, factories.sent().report.pk
    referral = office.draft()
    disclosure.approve(referral, by=office.supervisor)
    for _ in range(2):
        tasks.assess(waiting)
        tasks.measure(report)
        with sequencing():
            tasks.build(referral.pk)
    assert _opened(waiting, "report:assessed") == 1
    assert _opened(report, "evidence:measured") == 1
    assert _opened(report, "package:built") == 1


def test_a_claim_of_a_killed_worker_ends(transactional_db: None) -> None:
    with acting_as("worker"):
        with claims.claim("build F-1") as first, claims.claim("build F-1") as second:
            assert (first, second) == (True, False)
        assert not Claim.objects.exists()
        assert claims._take("build F-1", -claims.LEASE)  # its lease has run out
        with claims.claim("build F-1") as again:
            assert again


def test_a_worker_that_outlives_its_lease_releases_no_claim_of_another(
    transactional_db: None,
) -> None:
    with acting_as("worker"):
        with claims.claim("build F-1", -claims.LEASE) as first:
            assert claims._take("build F-1", claims.LEASE)  # another worker, after the lease
        assert first
        assert Claim.objects.filter(work="build F-1").exists()
