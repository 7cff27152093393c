"""Handing a package over, by code or in person: once, and only while its basis holds."""

from __future__ import annotations

from typing import Any

import pyrage
import pytest
from django.test import Client

from cases.casework import examination
from cases.errors import NotNext
from cases.models import Disclosure, Referral
from cases.operations.seed import person
from cases.referrals import emergency, handover, recall, review
from reporting import consent
from reporting.custody.models import CustodyEvent
from reporting.models import Consent, PartnerOffer
from reporting.vault import keys
from tests import factories
from tests.cases.office import Office

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("openssl"),
    pytest.mark.needs("pango"),
]

ORIGIN = {"origin": "http://localhost:8200"}


def test_a_package_is_handed_over_in_person_and_the_answer_recorded(office: Office) -> None:
    package = office.package()
    desk = Client()
    desk.force_login(person("carrier", "caseworker"))
    page = f"/office/referral/{package.referral_id}/"

    def does(**fields: str) -> Any:
        return desk.post(page, fields, headers=ORIGIN)

    assert "They cannot use our door" in desk.get(page).content.decode()
    taken = b"".join(does(what="carry").streaming_content)
    assert len(taken) == package.encrypted_size
    assert (
        pyrage.decrypt(
            taken, [pyrage.x25519.Identity.from_str(keys.Secret(office.partner_secret))]
        )[:2]
        == b"PK"
    )
    assert (
        b"".join(does(what="carry").streaming_content) == taken
    )  # a second copy, for a full USB stick
    assert CustodyEvent.objects.filter(subject=office.case.pk, event="package:carried").count() == 2
    assert (
        CustodyEvent.objects.filter(
            subject=office.visit.report.pk, event="report:disclosed"
        ).count()
        == 1
    )
    assert factories.told(office.visit).count(("Caseworker", "gave it to Example police")) == 1
    assert "handed over already" in does(what="hand_over").content.decode()
    assert (
        "Their answer is on record"
        in does(what="answered", answer="received", reference="NS-7").content.decode()
    )
    referral = Referral.objects.get(pk=package.referral_id)
    assert referral.state == Referral.State.ACKNOWLEDGED
    assert review.read(referral, by=office.supervisor).reference == "NS-7"


def test_a_package_handed_over_by_code_is_not_handed_over_in_person(office: Office) -> None:
    referral = office.package().referral
    handover.by_code(referral, by=office.worker)
    with pytest.raises(NotNext, match="handed over already"):
        handover.in_person(referral, by=office.worker)
    assert Disclosure.objects.get().collected_at is None


def test_after_a_withdrawn_consent_nothing_is_handed_over_and_the_partner_is_to_be_told(
    office: Office,
) -> None:
    referral = office.package().referral
    handover.in_person(referral, by=office.worker)
    offer = PartnerOffer.objects.get(partner=office.partner_key.partner_id)
    consent.give(office.visit, offer, Consent.Answer.NEVER)
    recall.notice_withdrawn_consents()
    with pytest.raises(consent.ConsentMissing):
        handover.in_person(referral, by=office.worker)
    assert recall.to_tell() == [referral]


def test_a_package_with_an_item_quarantined_since_is_not_handed_over_again(office: Office) -> None:
    referral = office.package().referral
    handover.in_person(referral, by=office.worker)
    examination.may_show_a_child(office.file.report, office.file.pk, by=office.worker)
    with pytest.raises(handover.ItemQuarantined, match="does not leave"):
        handover.in_person(referral, by=office.worker)


def test_an_emergency_told_by_phone_can_only_be_read_and_reviewed(
    office: Office,
) -> None:
    told = emergency.tell(
        office.case,
        office.visit.report,
        told_to="999",
        called_back="999",
        said="address",
        threat_to_life=True,
        by=office.worker,
    )
    desk = Client()
    desk.force_login(person("second", "supervisor"))
    for what in ("approve", "hand_over", "carry", "recall", "answered"):
        fields = {"what": what, "answer": "received"}
        assert (
            desk.post(f"/office/referral/{told.pk}/", fields, headers=ORIGIN).status_code == 404
        ), what
    assert (
        "Reviewed."
        in desk.post(
            f"/office/referral/{told.pk}/", {"what": "review"}, headers=ORIGIN
        ).content.decode()
    )
    told.refresh_from_db()
    assert told.state == Referral.State.REVIEWED


def test_an_unknown_code_collects_nothing() -> None:
    with pytest.raises(handover.UnknownCollection):
        handover.find("0" * 40)
