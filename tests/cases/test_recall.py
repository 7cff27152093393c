"""What was handed over and lost its basis: closed, called back, told."""

from __future__ import annotations

import pytest
from django.test import Client

from cases.casework import examination
from cases.errors import NotNext
from cases.models import Referral
from cases.referrals import handover, recall
from cases.reports import reading
from reporting import consent
from reporting.actors import REPORTER
from reporting.custody.models import CustodyEvent
from reporting.models import Consent, Look, PartnerOffer, Report
from tests.cases.office import Office

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("openssl"),
    pytest.mark.needs("pango"),
]

PARTNER = {"origin": "http://localhost:8300"}


def test_a_yes_taken_back_before_the_hand_over_keeps_the_package_here(office: Office) -> None:
    package = office.package()
    offer = PartnerOffer.objects.get(partner=office.partner_key.partner_id)
    consent.give(office.visit, offer, Consent.Answer.NEVER, by=REPORTER)
    with pytest.raises(consent.ConsentMissing):
        handover.by_code(package.referral, by=office.worker)
    package.referral.refresh_from_db()
    assert package.referral.state == Referral.State.BUILT


def test_a_file_locked_after_the_build_does_not_leave(office: Office) -> None:
    package = office.package()
    examination.may_show_a_child(office.file, by=office.worker)
    with pytest.raises(handover.ItemQuarantined, match="does not leave"):
        handover.by_code(package.referral, by=office.worker)


def test_a_file_locked_after_the_hand_over_can_no_longer_be_collected(office: Office) -> None:
    code = handover.by_code(office.package().referral, by=office.worker)
    assert handover.find(code)
    examination.may_show_a_child(office.file, by=office.worker)
    with pytest.raises(handover.UnknownCollection):
        handover.find(code)
    assert CustodyEvent.objects.filter(subject=office.case.pk, event="referral:closed").count() == 1


class TestTakenBack:
    """She took back her yes after the hand-over."""

    def _take_back(self, office: Office, answer: Consent.Answer = Consent.Answer.NEVER) -> None:
        offer = PartnerOffer.objects.get(partner=office.partner_key.partner_id)
        consent.give(office.visit, offer, answer, by=REPORTER)

    def test_what_nobody_collected_is_closed_by_the_computer(self, office: Office) -> None:
        referral = office.package().referral
        code = handover.by_code(referral, by=office.worker)
        assert recall.notice_what_she_took_back() == 0
        self._take_back(office)
        assert recall.notice_what_she_took_back() == 1
        assert recall.notice_what_she_took_back() == 0
        with pytest.raises(handover.UnknownCollection):
            handover.find(code)
        referral.refresh_from_db()
        assert referral.state == Referral.State.RECALLED
        assert recall.to_tell() == []
        assert (
            Look.objects.filter(
                report=office.visit.report, act__startswith="closed what was waiting"
            ).count()
            == 1
        )

    def test_what_was_collected_is_on_the_first_page_until_the_partner_was_told(
        self, office: Office
    ) -> None:
        referral = office.package().referral
        code = handover.by_code(referral, by=office.worker)
        handover.collected(handover.find(code))
        with pytest.raises(NotNext):
            recall.recall(referral, by=office.worker)
        self._take_back(office)
        reading.open_report(
            Report.objects.get(pk=office.visit.report.pk), by=office.worker
        )  # read before the worker looked
        assert recall.notice_what_she_took_back() == 0
        assert recall.notice_what_she_took_back(everywhere=True) == 1
        assert recall.to_tell() == [referral]
        page = Client().post("/partner/package/", {"code": code}, headers=PARTNER).content.decode()
        assert "taken back the agreement" in page
        assert "Collect the locked package" not in page
        assert (
            Client().post("/partner/package/collect/", {"code": code}, headers=PARTNER).status_code
            == 302
        )
        recall.recall(referral, by=office.worker)
        assert recall.to_tell() == []
        events = CustodyEvent.objects.filter(
            subject=office.case.pk, event__in=["referral:taken_back", "referral:recalled"]
        )
        assert events.count() == 2

    def test_a_yes_after_a_no_is_a_yes(self, office: Office) -> None:
        handover.by_code(office.package().referral, by=office.worker)
        self._take_back(office, Consent.Answer.NOT_NOW)
        self._take_back(office, Consent.Answer.YES)
        assert recall.notice_what_she_took_back() == 0
