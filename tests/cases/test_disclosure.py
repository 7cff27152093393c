"""Referrals: what is needed to prepare one, who approves it, and what the approver reads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases.models import PartnerKey, Referral
from cases.referrals import disclosure, review
from reporting import consent, on_record
from reporting.models import Consent, PartnerOffer
from tests import factories
from tests.cases.office import Desk, Office, sequencing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def office() -> Office:
    """Before the reporter was asked about the partner."""
    return Office(consented=False)


def test_without_consent_or_basis_nothing_is_prepared(office: Office) -> None:
    with pytest.raises(consent.ConsentMissing):
        office.draft()
    assert not Referral.objects.exists()


def test_a_legal_basis_names_the_order_or_law(office: Office) -> None:
    with pytest.raises(disclosure.BasisMissing, match="which order or law"):
        office.draft(legal_basis="court_order", words="  ")
    assert not Referral.objects.exists()


def test_the_approver_reads_what_would_be_sent_and_why(
    office: Office, running_opener: None
) -> None:
    referral = office.draft(legal_basis="court_order", words="order 7")
    papers = review.read(referral, by=office.supervisor)
    assert papers.basis == "An order of a court or prosecutor: order 7"
    assert any("They want 500" in line for said in papers.statement for line in said.lines)
    assert any("Are you safe right now?" in withheld.what for withheld in papers.withheld)
    assert factories.told(office.visit) == [
        ("Caseworker", "took it on"),
        ("Supervisor", "read what is to go to Example police"),
    ]
    officer = factories.staff("safeguarding")
    with pytest.raises(PermissionDenied):
        review.read(referral, by=officer)


def test_the_approver_compares_the_partners_key_and_both_acts_name_it(
    office: Office, running_opener: None
) -> None:
    """A key that was swapped before anything was prepared is seen by whoever knows the partner's;
    the partner reads it in its package."""
    referral = office.draft(legal_basis="court_order", words="order 7")
    page = Desk("reader", "supervisor").sees(f"/office/referral/{referral.pk}/")
    assert office.partner_key.public_key in page
    disclosure.approve(referral, by=office.supervisor)
    with sequencing():
        disclosure.package(referral)
    known = on_record.of(office.visit.report.pk, office.visit.secret)
    named = {
        act.name: (known.details[act.id] or {}).get("public_key")
        for act in known.acts
        if act.object == referral.pk and act.name in {"referral:prepared", "package:built"}
    }
    key = office.partner_key.public_key
    assert named == {"referral:prepared": key, "package:built": key}


def test_the_preparer_cannot_approve(office: Office) -> None:
    referral = office.draft(legal_basis="court_order", words="order 7", by=office.supervisor)
    with pytest.raises(disclosure.SamePerson, match="somebody else"):
        disclosure.approve(referral, by=office.supervisor)
    referral.refresh_from_db()
    assert referral.state == Referral.State.PREPARED


def test_the_database_refuses_an_approval_by_the_preparer(office: Office) -> None:
    referral = office.draft(legal_basis="court_order", words="order 7")
    with pytest.raises(IntegrityError), transaction.atomic():
        Referral.objects.filter(pk=referral.pk).update(
            approved_by=office.worker, approved_at=timezone.now()
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        Referral.objects.filter(pk=referral.pk).update(state=Referral.State.APPROVED)


def test_a_consent_withdrawn_since_stops_the_approval(office: Office) -> None:
    factories.yes(office.visit, office.partner_key)
    referral = office.draft()
    offer = PartnerOffer.objects.get(partner=office.partner_key.partner_id)
    consent.give(office.visit, offer, Consent.Answer.NOT_NOW)
    with pytest.raises(consent.ConsentMissing):
        disclosure.approve(referral, by=office.supervisor)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda partner_keys: partner_keys.update(checked_by=None, checked_at=None),
        lambda partner_keys: partner_keys.update(expires_at=timezone.now() - timedelta(days=1)),
    ],
)
def test_an_unchecked_or_expired_key_is_refused(
    office: Office, spoil: Callable[[Any], object]
) -> None:
    spoil(PartnerKey.objects.filter(pk=office.partner_key.pk))
    office.partner_key.refresh_from_db()
    with pytest.raises(disclosure.PartnerKeyNotReady):
        office.draft(legal_basis="court_order", words="order 7")
