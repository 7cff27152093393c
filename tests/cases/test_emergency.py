"""The emergency lane: one person tells, a second reads and reviews."""

from __future__ import annotations

from typing import Any

import pytest

from cases.models import Referral
from cases.referrals import disclosure, emergency, review
from tests import factories
from tests.cases.office import Office

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def office() -> Office:
    """Before the reporter was asked about the partner."""
    return Office(consented=False)


def test_one_person_tells_and_a_second_reads_and_reviews(
    office: Office, running_opener: None
) -> None:
    told = emergency.tell(
        office.case,
        office.visit.report,
        told_to="999",
        called_back="999",
        said="their address",
        threat_to_life=True,
        by=office.worker,
    )
    assert ("Caseworker", "told the emergency services, because a life was in danger") in (
        factories.told(office.visit)
    )
    assert review.read(told, by=office.supervisor).told == {
        "told_to": "999",
        "called_back": "999",
        "said": "their address",
    }
    with pytest.raises(disclosure.SamePerson):
        emergency.review(told, by=_promoted(office))
    emergency.review(told, by=office.supervisor)
    assert emergency.unreviewed() == []


def test_without_a_threat_to_life_nothing_is_told(office: Office) -> None:
    with pytest.raises(disclosure.BasisMissing):
        emergency.tell(
            office.case,
            office.visit.report,
            told_to="a",
            called_back="b",
            said="c",
            threat_to_life=False,
            by=office.worker,
        )
    assert not Referral.objects.exists()


def _promoted(office: Office) -> Any:
    office.worker.role = "supervisor"
    office.worker.save()
    return office.worker
