"""Hand-overs whose basis has ended: closed, recalled, and the partner told."""

from __future__ import annotations

import pytest
from django.test import Client

from cases.casework import examination
from cases.errors import NotNext
from cases.models import Referral
from cases.referrals import handover, recall
from cases.reports import reading
from reporting import consent
from reporting.custody.models import CustodyEvent
from reporting.models import Consent, PartnerOffer, Report
from tests import factories
from tests.cases.office import Office

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("openssl"),
    pytest.mark.needs("pango"),
]

PARTNER = {"origin": "http://localhost:8300"}


def test_a_consent_withdrawn_before_the_hand_over_stops_it(office: Office) -> None:
    package = office.package()
    offer = PartnerOffer.objects.get(partner=office.partner_key.partner_id)
    consent.give(office.visit, offer, Consent.Answer.NEVER)
    with pytest.raises(consent.ConsentMissing):
        handover.by_code(package.referral, by=office.worker)
    package.referral.refresh_from_db()
    assert package.referral.state == Referral.State.BUILT


def test_a_file_quarantined_after_the_build_is_not_handed_over(office: Office) -> None:
    package = office.package()
    examination.may_show_a_child(office.file.report, office.file.pk, by=office.worker)
    with pytest.raises(handover.ItemQuarantined, match="does not leave"):
        handover.by_code(package.referral, by=office.worker)


def test_a_file_quarantined_after_the_hand_over_can_no_longer_be_collected(office: Office) -> None:
    code = handover.by_code(office.package().referral, by=office.worker)
    assert handover.find(code)
    examination.may_show_a_child(office.file.report, office.file.pk, by=office.worker)
    with pytest.raises(handover.UnknownCollection):
        handover.find(code)
    assert CustodyEvent.objects.filter(subject=office.case.pk, event="referral:closed").count() == 1


class TestWithdrawnConsent:
    """The reporter withdraws the consent after the hand-over."""

    def _take_back(self, office: Office, answer: Consent.Answer = Consent.Answer.NEVER) -> None:
        offer = PartnerOffer.objects.get(partner=office.partner_key.partner_id)
        consent.give(office.visit, offer, answer)

    def test_a_package_not_collected_is_closed_automatically(self, office: Office) -> None:
        referral = office.package().referral
        code = handover.by_code(referral, by=office.worker)
        assert recall.notice_withdrawn_consents() == 0
        self._take_back(office)
        assert recall.notice_withdrawn_consents() == 1
        assert recall.notice_withdrawn_consents() == 0
        with pytest.raises(handover.UnknownCollection):
            handover.find(code)
        referral.refresh_from_db()
        assert referral.state == Referral.State.RECALLED
        assert recall.to_tell() == []
        told = factories.told(office.visit)
        assert told.count(("Our computer", "closed what was waiting for Example police")) == 1

    def test_a_collected_package_is_listed_until_the_partner_is_told(self, office: Office) -> None:
        referral = office.package().referral
        code = handover.by_code(referral, by=office.worker)
        handover.collected(code)
        with pytest.raises(NotNext):
            recall.recall(referral, by=office.worker)
        self._take_back(office)
        # The office reads the report before the worker has noticed the withdrawal.
        reading.open_report(Report.objects.get(pk=office.visit.report.pk), by=office.worker)
        assert recall.notice_withdrawn_consents() == 0
        assert recall.notice_withdrawn_consents(everywhere=True) == 1
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

    def test_a_new_consent_after_a_withdrawn_one_counts(self, office: Office) -> None:
        handover.by_code(office.package().referral, by=office.worker)
        self._take_back(office, Consent.Answer.NOT_NOW)
        self._take_back(office, Consent.Answer.YES)
        assert recall.notice_withdrawn_consents() == 0
