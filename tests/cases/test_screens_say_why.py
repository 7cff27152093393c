"""What staff read when an act is refused: what happened, and what to do next."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from cases.models import PartnerKey, Referral
from cases.triage import queue
from reporting import consent, intake
from reporting.models import Consent, Message, PartnerOffer, Quarantine, Report
from reporting.vault import keys
from tests import factories
from tests.cases.office import Desk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("running_opener")]


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
    assert "has not been asked about this partner" in worker.does(refer, **fields)
    with monkeypatch.context() as short:
        short.setattr(consent, "LASTS", timedelta(seconds=-1))
        consent.give(visit, PartnerOffer.objects.get(), Consent.Answer.YES)
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
    assert "The package is not ready. Nothing was changed." in supervisor.does(
        f"/office/referral/{referral.pk}/", what="hand_over"
    )
    referral.refresh_from_db()
    assert referral.state == Referral.State.PREPARED


def test_deciding_says_what_is_missing_or_that_it_is_already_decided(
    worker: Desk, supervisor: Desk
) -> None:
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


def test_an_unreachable_opener_is_reported(worker: Desk, settings: Any, tmp_path: Path) -> None:
    visit = factories.sent()
    settings.OPENER_SOCKET = tmp_path / "nobody"
    assert "The attempt is on record" in worker.does(f"/office/report/{visit.report.pk}/")


def test_whoever_reads_a_report_can_quarantine_a_file_before_there_is_a_case(worker: Desk) -> None:
    visit = factories.draft()
    item = factories.file(visit)
    intake.submit(visit)
    page, offers = f"/office/report/{visit.report.pk}/", f'name="thing" value="{item.pk}"'
    assert offers in worker.does(page)
    assert "Nobody opens, copies or exports it" in worker.does(f"{page}lock/", thing=item.pk)
    assert Quarantine.objects.get(thing=item.pk).state == Quarantine.State.CLOSED
    assert offers not in worker.does(page)
    assert "holds no such thing" in worker.does(f"{page}lock/", thing="E-000000000000")
