"""The partner door: what was rejected is not collected; without a code its role does nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from cases.models import Disclosure, Referral
from cases.operations.acting import acting_as
from cases.referrals import emergency, handover, recall
from reporting import consent
from reporting.custody.models import CustodyEvent
from reporting.custody.record import record
from reporting.models import Consent, PartnerOffer
from tests.cases.office import Office

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("openssl"),
    pytest.mark.needs("pango"),
]

PARTNER = {"origin": "http://localhost:8300"}


@pytest.fixture
def referral(office: Office) -> Referral:
    return office.package().referral


@pytest.fixture
def code(office: Office, referral: Referral) -> str:
    return handover.by_code(referral, by=office.worker)


def _answers(code: str, answer: str) -> None:
    Client().post("/partner/package/", {"code": code, "answer": answer}, headers=PARTNER)


def _collects(code: str) -> int:
    answer = Client().post("/partner/package/collect/", {"code": code}, headers=PARTNER)
    answer.close()
    return answer.status_code


def _never(office: Office) -> None:
    offer = PartnerOffer.objects.get(partner=office.partner_key.partner_id)
    consent.give(office.visit, offer, Consent.Answer.NEVER)


def test_a_rejection_closes_the_collection(code: str) -> None:
    _answers(code, "rejected")
    assert Disclosure.objects.get().answer == "rejected"
    assert _collects(code) == 302
    assert Disclosure.objects.get().collected_at is None


def test_a_rejection_keeps_nothing_collectable_after_a_withdrawn_consent(
    office: Office, referral: Referral, code: str
) -> None:
    """Security review, 8: answer “rejected”, keep the code, collect after the reporter's never."""
    _answers(code, "rejected")
    _never(office)
    assert recall.notice_withdrawn_consents() == 1
    taken_back = Disclosure.objects.get()
    assert taken_back.taken_back_at is not None
    assert taken_back.expires_at is not None
    assert _collects(code) == 302
    with pytest.raises(handover.UnknownCollection):
        handover.find(code)
    assert recall.to_tell() == []


def test_a_partner_that_collected_and_rejected_is_still_to_be_told(
    office: Office, referral: Referral, code: str
) -> None:
    assert _collects(code) == 200
    _answers(code, "rejected")
    _never(office)
    assert recall.notice_withdrawn_consents() == 1
    assert _collects(code) == 302
    assert recall.to_tell() == [referral]
    recall.recall(referral, by=office.worker)
    assert recall.to_tell() == []


def test_a_partner_answers_once_and_with_two_words_only(code: str, referral: Referral) -> None:
    with acting_as("partner"), connection.cursor() as cursor:
        for word in ("reviewed", "approved", "draft", "acknowledged", ""):
            cursor.execute("SELECT public.cases_answer(%s, %s)", [code, word])
            assert cursor.fetchone() == (None,), word
    _answers(code, "received")
    _answers(code, "rejected")
    referral.refresh_from_db()
    assert referral.state == Referral.State.ACKNOWLEDGED
    assert CustodyEvent.objects.filter(event="referral:answered").count() == 1


def _refused(statement: str, values: list[Any] | None = None) -> None:
    with acting_as("partner"), pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_the_partner_role_moves_no_referral(office: Office, referral: Referral, code: str) -> None:
    """Security review, 9: neither its own, nor an emergency that nobody has reviewed."""
    told = emergency.tell(
        office.case,
        office.visit.report,
        told_to="a",
        called_back="b",
        said="c",
        threat_to_life=True,
        by=office.worker,
    )
    for state in Referral.State.values:
        _refused("UPDATE cases_referral SET state = %s", [state])
    _refused("UPDATE cases_disclosure SET expires_at = now() + interval '9 years'")
    _refused("SELECT id, state FROM cases_referral")
    _refused("SELECT token_hash FROM cases_disclosure")
    _refused("SELECT name, phone FROM cases_partner")
    assert emergency.unreviewed() == [told]
    referral.refresh_from_db()
    assert referral.state == Referral.State.DISCLOSED


@pytest.mark.parametrize("guess", ["", "0" * 40, "%", "' OR true --"])
def test_a_guessed_code_opens_nothing(code: str, guess: str) -> None:
    with acting_as("partner"), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM public.cases_collection(%s)", [guess])
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT public.cases_collect(%s)", [guess])
        assert cursor.fetchone() == (None,)
        cursor.execute("SELECT public.cases_answer(%s, 'received')", [guess])
        assert cursor.fetchone() == (None,)
    assert Disclosure.objects.get().collected_at is None


@pytest.mark.parametrize(
    ("act", "on"),
    [
        ("package:collected", "case"),
        ("package:collected", "report"),
        ("referral:answered", "report"),
        ("referral:answered", "case"),
        ("referral:approved", "report"),
    ],
)
def test_no_act_of_a_partner_is_recorded_without_its_code(
    office: Office, referral: Referral, code: str, act: str, on: str
) -> None:
    subject = office.case.pk if on == "case" else office.visit.report.pk
    partner = office.partner_key.partner_id
    before = CustodyEvent.objects.count()
    with acting_as("partner"), pytest.raises(DatabaseError):
        record(subject, act, actor=partner, detail={"referral": referral.pk}, about=referral.pk)
    assert CustodyEvent.objects.count() == before


def test_a_partner_speaks_in_no_other_partners_name(
    office: Office, referral: Referral, code: str
) -> None:
    assert _collects(code) == 200
    with acting_as("partner"), pytest.raises(DatabaseError, match="with a code"):
        record(
            office.case.pk,
            "package:collected",
            actor="P-000000000000",
            detail={"referral": referral.pk},
            about=referral.pk,
        )
