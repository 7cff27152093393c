"""What a caseworker reads when something cannot be done: what happened, that nothing was lost, what to do next."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases.models import PartnerKey, Referral
from cases.operations.seed import person
from cases.staff.models import StaffMember
from cases.triage import queue
from reporting import consent, intake
from reporting.actors import REPORTER
from reporting.models import Consent, Message, PartnerOffer, Report
from reporting.vault import keys
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("running_opener")]
ORIGIN = {"origin": "http://localhost:8200"}


class Desk:
    def __init__(self, name: str, role: str) -> None:
        self.user: StaffMember = person(name, role)
        self._client = Client()
        self._client.force_login(self.user)

    def does(self, path: str, **fields: str) -> str:
        return self._client.post(path, fields, headers=ORIGIN, follow=True).content.decode()


@pytest.fixture
def worker() -> Desk:
    return Desk("worker", "caseworker")


@pytest.fixture
def supervisor() -> Desk:
    return Desk("supervisor", "supervisor")


def test_a_referral_says_at_each_step_what_is_missing(
    worker: Desk, supervisor: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = factories.sent()
    case = factories.case(visit, supervisor.user)
    partner_key = factories.partner_key(
        keys.new_secret(), by=worker.user, checked_by=supervisor.user
    )
    refer, fields = (
        f"/office/case/{case.pk}/refer/",
        {"report": visit.report.pk, "partner_key": str(partner_key.pk)},
    )
    assert "Please choose who it goes to" in worker.does(refer, report=visit.report.pk)
    assert "Please choose who it goes to" in worker.does(
        refer, report=visit.report.pk, partner_key="9999"
    )
    assert "has not been asked about this recipient" in worker.does(refer, **fields)
    with monkeypatch.context() as short:
        short.setattr(consent, "LASTS", timedelta(seconds=-1))
        consent.give(visit, PartnerOffer.objects.get(), Consent.Answer.YES, by=REPORTER)
    assert "Please ask again" in worker.does(refer, **fields)
    factories.yes(visit, partner_key)
    PartnerKey.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert "Ask the partner for a new one" in worker.does(refer, **fields)
    PartnerKey.objects.update(expires_at=timezone.now() + timedelta(days=1))
    assert not Referral.objects.exists()
    assert "somebody else approves it" in supervisor.does(refer, **fields)
    referral = Referral.objects.get()
    assert "somebody else must approve it" in supervisor.does(
        f"/office/referral/{referral.pk}/", what="approve"
    )
    assert "may not approve a referral" in worker.does(
        f"/office/referral/{referral.pk}/", what="approve"
    )
    assert "not ready, or was handed over already" in supervisor.does(
        f"/office/referral/{referral.pk}/", what="hand_over"
    )
    referral.refresh_from_db()
    assert referral.state == Referral.State.PREPARED


def test_deciding_says_what_is_missing_and_who_was_faster(worker: Desk, supervisor: Desk) -> None:
    visit = factories.sent()
    queue.assess(visit.report)
    decide = f"/office/report/{visit.report.pk}/decide/"
    assert "Please write a few words" in worker.does(decide, what="decline", text=" ")
    assert "Please write a few words" in worker.does(decide, what="band", band="0")
    assert not Message.objects.exists()
    assert Report.objects.get().state == Report.State.RECEIVED
    assert "C-" in supervisor.does(decide, what="accept")
    assert "already decided" in worker.does(decide, what="decline", text="not for us")
    assert not Message.objects.exists()


def test_an_opener_that_is_gone_is_said(worker: Desk, settings: Any, tmp_path: Path) -> None:
    visit = factories.sent()
    settings.OPENER_SOCKET = tmp_path / "nobody"
    assert "The attempt is on record" in worker.does(f"/office/report/{visit.report.pk}/")


def test_a_file_is_locked_by_whoever_reads_the_report_before_there_is_a_case(worker: Desk) -> None:
    visit = factories.draft()
    item = factories.file(visit)
    intake.submit(visit)
    assert "May show a child: lock" in worker.does(f"/office/report/{visit.report.pk}/")
    assert "Nobody opens, copies or exports it" in worker.does(f"/office/look/{item.pk}/lock/")
    item.refresh_from_db()
    assert item.state == "quarantined"
    assert "May show a child: lock" not in worker.does(f"/office/report/{visit.report.pk}/")
