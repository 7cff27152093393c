"""How a package leaves: with a code, or carried by a person; each once, and only while the basis holds."""

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
from reporting.actors import REPORTER
from reporting.custody.models import CustodyEvent
from reporting.models import Consent, Look, PartnerOffer
from reporting.vault import keys
from tests.cases.office import Office

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("openssl"),
    pytest.mark.needs("pango"),
]

ORIGIN = {"origin": "http://localhost:8200"}


def test_a_package_is_carried_by_a_person_and_the_answer_put_on_record(office: Office) -> None:
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
    assert b"".join(does(what="carry").streaming_content) == taken  # the stick was full: once more
    assert CustodyEvent.objects.filter(subject=office.case.pk, event="package:carried").count() == 2
    assert (
        CustodyEvent.objects.filter(
            subject=office.visit.report.pk, event="report:disclosed"
        ).count()
        == 1
    )
    assert (
        Look.objects.filter(report=office.visit.report, act__startswith="carried it to").count()
        == 1
    )
    assert "handed over already" in does(what="hand_over").content.decode()
    assert (
        "Their answer is on record"
        in does(what="answered", answer="received", reference="NS-7").content.decode()
    )
    referral = Referral.objects.get(pk=package.referral_id)
    assert referral.state == Referral.State.ACKNOWLEDGED
    assert review.read(referral, by=office.supervisor).reference == "NS-7"


def test_what_was_given_a_code_is_not_carried_as_well(office: Office) -> None:
    referral = office.package().referral
    handover.by_code(referral, by=office.worker)
    with pytest.raises(NotNext, match="handed over already"):
        handover.in_person(referral, by=office.worker)
    assert Disclosure.objects.get().collected_at is None


def test_what_she_took_back_is_not_carried_again_and_the_partner_is_to_be_told(
    office: Office,
) -> None:
    referral = office.package().referral
    handover.in_person(referral, by=office.worker)
    offer = PartnerOffer.objects.get(partner=office.partner_key.partner_id)
    consent.give(office.visit, offer, Consent.Answer.NEVER, by=REPORTER)
    recall.notice_what_she_took_back()
    with pytest.raises(consent.ConsentMissing):
        handover.in_person(referral, by=office.worker)
    assert recall.to_tell() == [referral]


def test_what_was_locked_since_is_not_carried_again(office: Office) -> None:
    referral = office.package().referral
    handover.in_person(referral, by=office.worker)
    examination.may_show_a_child(office.file, by=office.worker)
    with pytest.raises(handover.ItemQuarantined, match="does not leave"):
        handover.in_person(referral, by=office.worker)


def test_an_emergency_that_was_told_by_phone_is_read_and_reviewed_and_nothing_else(
    office: Office,
) -> None:
    told = emergency.tell(office.case, office.visit.report, told_to="999", called_back="999", said="address",
                          threat_to_life=True, by=office.worker)  # fmt: skip
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
