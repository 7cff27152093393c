"""Consents: what is signed is bounded, and what the reporter did not sign counts for nothing."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import rfc8785
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from cases.models import Disclosure, Package, Referral
from cases.operations.acting import acting_as
from cases.referrals import disclosure, handover, recall
from reporting import consent, messages, on_record, people, signed
from reporting.models import Consent, PartnerOffer
from reporting.sessions import Visit
from reporting.vault import codes
from tests import factories
from tests.cases.office import Office, sequencing

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("openssl"),
    pytest.mark.needs("pango"),
]
YES, NEVER = Consent.Answer.YES, Consent.Answer.NEVER


@pytest.fixture
def offer() -> PartnerOffer:
    return PartnerOffer.objects.create(
        partner="P-POLICE000001", name="Police", plain_words="words", reviewed_on="2026-11-01"
    )


@pytest.fixture
def visit() -> Visit:
    return factories.sent()


def _put(
    visit: Visit,
    offer: PartnerOffer,
    answer: Consent.Answer,
    *,
    signed_at: datetime | None = None,
    lasts: timedelta = consent.LASTS,
    act_signed_by: Visit | None = None,
    **changed: Any,
) -> Consent:
    """As whoever took over the public door while the reporter was there: all of it is signed."""
    signed_at = signed_at or timezone.now()
    person, expires_at = people.harmed(visit.report), signed_at + lasts
    stated = {
        "report": visit.report.pk,
        "person": person.pk,
        "partner": offer.partner,
        "partner_name": offer.name,
        "words_shown": offer.plain_words,
        "purpose": consent.PURPOSE,
        "answer": answer.value,
        "signed_at": signed_at.isoformat(),
        "expires_at": expires_at.isoformat(),
    }
    statement = rfc8785.dumps(stated | changed)
    return _keep(
        visit,
        act_signed_by or visit,
        Consent(
            report=visit.report,
            person=person,
            partner=offer.partner,
            answer=answer,
            expires_at=expires_at,
            statement=statement.decode(),
            signature=codes.sign(visit.signing_seed, statement),
        ),
    )


def _keep(visit: Visit, signer: Visit, row: Consent) -> Consent:
    signing = dataclasses.replace(visit, signing_seed=signer.signing_seed)
    with factories.past_the_consent_check(), acting_as("public"), transaction.atomic():
        row.at = signed.record_signed(
            signing,
            "consent:answered",
            detail={"consent": row.pk, "partner": row.partner, "answer": row.answer},
            about=row.pk,
            about_sha256=bytes.fromhex(on_record.stored_sha256(row)),
            sha256=hashlib.sha256(row.statement.encode()).hexdigest(),
        ).at
        row.save(force_insert=True)
    return row


def _as_owner(statement: str) -> None:
    with factories.forging(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_what_is_put_here_unchanged_is_a_consent(visit: Visit, offer: PartnerOffer) -> None:
    """So that the refusals below are for what each of them changes."""
    put = _put(visit, offer, YES)
    assert consent.current(visit.report, offer.partner, offer.name, visit.secret) == put


@pytest.mark.parametrize(
    "changed",
    [
        {"signed_at": datetime.fromisoformat("2099-01-01T00:00:00+00:00")},
        {"lasts": timedelta(days=181)},
        {"purpose": "anything at all"},
        {"partner": "P-000000000000"},
        {"report": "R-000000000000"},
        {"expires_at": "2099-01-01T00:00:00+00:00"},
        {"purpose": None},
    ],
    ids=lambda changed: ",".join(changed),
)
@pytest.mark.parametrize("key", [False, True], ids=["without the key", "with the key"])
def test_a_signed_statement_of_something_else_counts_for_nothing(
    visit: Visit, offer: PartnerOffer, changed: dict[str, Any], key: bool
) -> None:
    """Security review, 7: a yes signed for 2099 outlived the reporter's never."""
    consent.give(visit, offer, NEVER)
    _put(visit, offer, YES, **changed)
    with pytest.raises(consent.ConsentMissing, match=r"not as recorded|not a yes"):
        consent.current(visit.report, offer.partner, offer.name, visit.secret if key else None)


def test_a_forged_never_takes_nothing_back(office: Office) -> None:
    referral = office.package().referral
    code = handover.by_code(referral, by=office.worker)
    offer = PartnerOffer.objects.get(partner=office.partner_key.partner_id)
    stranger = factories.draft()
    _put(dataclasses.replace(office.visit, signing_seed=stranger.signing_seed), offer, NEVER)
    assert recall.notice_withdrawn_consents(everywhere=True) == 0
    assert Disclosure.objects.get().taken_back_at is None
    assert handover.find(code).collectable
    assert (
        consent.current(office.visit.report, offer.partner, offer.name, office.visit.secret).answer
        == YES
    )


def test_a_row_without_an_act_is_refused_and_one_put_there_by_the_owner_counts_for_nothing(
    visit: Visit, offer: PartnerOffer
) -> None:
    given = consent.give(visit, offer, YES)
    consent.give(visit, offer, NEVER)
    given.pk = "K-REPLAYED0001"
    with acting_as("public"), pytest.raises(DatabaseError, match="is not what an act recorded"):
        given.save(force_insert=True)
    with factories.forging():
        given.save(force_insert=True)
    with pytest.raises(consent.ConsentMissing, match="not a yes"):
        consent.current(visit.report, offer.partner, offer.name)


@pytest.mark.parametrize("key", [False, True], ids=["without the key", "with the key"])
def test_an_earlier_yes_put_again_after_a_never_is_no_yes(
    visit: Visit, offer: PartnerOffer, key: bool
) -> None:
    """Statement and signature are the reporter's own, and minutes old; the act is not signed."""
    earlier = consent.give(visit, offer, YES)
    consent.give(visit, offer, NEVER)
    again = Consent.objects.get(pk=earlier.pk)
    again.pk = "K-REPLAYED0001"
    _keep(visit, factories.draft(), again)
    with pytest.raises(consent.ConsentMissing, match="not a yes"):
        consent.current(visit.report, offer.partner, offer.name, visit.secret if key else None)


def test_no_package_is_built_on_a_consent_whose_act_is_not_signed(running_opener: None) -> None:
    """Without the key only the statement's signature can be checked; the worker has the key."""
    office = Office(consented=False)
    offer = PartnerOffer.objects.get(partner=office.partner_key.partner_id)
    _put(office.visit, offer, YES, act_signed_by=factories.draft())
    referral = office.draft()
    disclosure.approve(referral, by=office.supervisor)
    with sequencing(), pytest.raises(consent.ConsentMissing):
        disclosure.package(referral)
    assert not Package.objects.exists()


_NEVER_ALTERED = [
    "UPDATE reporting_consent SET answer = 'yes' WHERE answer = 'never'",
    "UPDATE reporting_consent SET partner = 'P-000000000000' WHERE answer = 'never'",
    "UPDATE reporting_consent SET expires_at = now() WHERE answer = 'never'",
    "UPDATE reporting_consent SET person_id = 'D-000000000000' WHERE answer = 'never'",
    "UPDATE reporting_consent SET report_id = 'R-000000000000' WHERE answer = 'never'",
    "UPDATE reporting_consent SET statement = '{}' WHERE answer = 'never'",
    "UPDATE reporting_consent SET signature = '\\x01' WHERE answer = 'never'",
    "DELETE FROM reporting_consent WHERE answer = 'never'",
    "UPDATE custody_custodyevent SET event = 'message:read' WHERE object IN "
    "(SELECT id FROM reporting_consent WHERE answer = 'never')",
    "DELETE FROM custody_custodydetail WHERE event_id = (SELECT max(event.id) "
    "FROM custody_custodyevent event JOIN reporting_consent ON object = reporting_consent.id)",
]


@pytest.mark.parametrize("key", [False, True], ids=["without the key", "with the key"])
@pytest.mark.parametrize("statement", _NEVER_ALTERED)
def test_a_never_that_the_owner_altered_still_takes_the_yes_back(
    visit: Visit, offer: PartnerOffer, statement: str, key: bool
) -> None:
    """An earlier yes held when the row of the never no longer fitted its act."""
    consent.give(visit, offer, YES)
    consent.give(visit, offer, NEVER)
    _as_owner(statement)
    with pytest.raises(consent.ConsentMissing):
        consent.current(visit.report, offer.partner, offer.name, visit.secret if key else None)


def test_a_never_that_was_removed_with_its_act_still_takes_the_yes_back(
    visit: Visit, offer: PartnerOffer
) -> None:
    """The acts after it do not follow the ones before; verify_ledger names it also where none
    came after."""
    consent.give(visit, offer, YES)
    never = consent.give(visit, offer, NEVER)
    messages.write(visit, "hello")
    _as_owner("DELETE FROM reporting_consent WHERE answer = 'never'")
    _as_owner(f"DELETE FROM custody_custodyevent WHERE object = '{never.pk}'")
    with pytest.raises(consent.ConsentMissing, match="not as recorded"):
        consent.current(visit.report, offer.partner, offer.name)


def test_a_lost_answer_is_known_by_its_partner_with_the_key_alone(
    visit: Visit, offer: PartnerOffer
) -> None:
    """Without the key nobody can tell which partner it was about: then no yes holds."""
    other = PartnerOffer.objects.create(
        partner="P-HOTLINE00001", name="Hotline", plain_words="words", reviewed_on="2026-11-01"
    )
    given = consent.give(visit, offer, YES)
    consent.give(visit, other, NEVER)
    assert consent.current(visit.report, offer.partner, offer.name) == given
    _as_owner("DELETE FROM reporting_consent WHERE answer = 'never'")
    assert consent.current(visit.report, offer.partner, offer.name, visit.secret) == given
    with pytest.raises(consent.ConsentMissing, match="not as recorded"):
        consent.current(visit.report, offer.partner, offer.name)


def test_an_act_that_is_not_the_reporters_takes_nothing_back_with_the_key(
    visit: Visit, offer: PartnerOffer
) -> None:
    """As whoever took over the public door; without the key only a statement of the reporter's own
    counts, and once its row is gone nobody can tell whose it was."""
    given = consent.give(visit, offer, YES)
    stranger = dataclasses.replace(visit, signing_seed=factories.draft().signing_seed)
    _put(stranger, offer, NEVER)
    for secret in (None, visit.secret):
        assert consent.current(visit.report, offer.partner, offer.name, secret) == given
    _as_owner("DELETE FROM reporting_consent WHERE answer = 'never'")
    assert consent.current(visit.report, offer.partner, offer.name, visit.secret) == given
    with pytest.raises(consent.ConsentMissing, match="not as recorded"):
        consent.current(visit.report, offer.partner, offer.name)


def test_an_act_whose_detail_no_key_opens_takes_nothing_back_with_the_key(
    visit: Visit, offer: PartnerOffer
) -> None:
    given = consent.give(visit, offer, YES)
    stranger = factories.draft()
    forger = dataclasses.replace(visit, signing_seed=stranger.signing_seed, secret=stranger.secret)
    _put(forger, offer, NEVER)
    _as_owner("DELETE FROM reporting_consent WHERE answer = 'never'")
    assert consent.current(visit.report, offer.partner, offer.name, visit.secret) == given


@pytest.mark.parametrize("owner", [False, True], ids=["staff", "owner"])
def test_a_yes_to_somebody_else_by_name_is_no_yes_to_this_partner(
    running_opener: None, owner: bool
) -> None:
    """The offer is changed while the reporter reads it; the package would go to the police."""
    office = Office(consented=False)
    kind = "UPDATE reporting_partneroffer SET name = 'Kind helpline', plain_words = 'Only we.'"
    if owner:
        _as_owner(kind)
    else:
        with acting_as("staff"), connection.cursor() as cursor:
            cursor.execute(kind)
    factories.yes(office.visit, office.partner_key)
    _as_owner("UPDATE reporting_partneroffer SET name = 'Example police'")
    with pytest.raises(consent.ConsentMissing, match="under another name"):
        office.draft()


def test_a_yes_holds_at_no_later_step_under_another_name(office: Office) -> None:
    prepared, approved, built = office.draft(), office.draft(), office.package().referral
    disclosure.approve(approved, by=office.supervisor)
    _as_owner("UPDATE cases_partner SET name = 'Kind helpline'")
    steps: list[tuple[Referral, Callable[[Referral], object]]] = [
        (prepared, lambda referral: disclosure.approve(referral, by=office.supervisor)),
        (approved, disclosure.package),
        (built, lambda referral: handover.by_code(referral, by=office.worker)),
        (built, lambda referral: handover.in_person(referral, by=office.worker)),
    ]
    for referral, step in steps:
        with pytest.raises(consent.ConsentMissing, match="under another name"):
            step(Referral.objects.get(pk=referral.pk))
